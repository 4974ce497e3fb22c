"""A PostgreSQL of one's own, to be stopped and started at will, however the bots feel about it."""

import asyncio
import os
import random
import shutil
import socket
from contextlib import suppress
from glob import glob
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Self

__all__ = ["Server", "free_port"]


def free_port() -> int:
    """One that stays free while nobody listens: below those the system hands to whoever connects somewhere."""
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as free:
            free.bind(("127.0.0.1", port))
            return port


class Server:
    """One cluster on a port of its own, that forgets nothing it has committed (``fsync`` is on)."""

    def __init__(self) -> None:
        self._scratch = TemporaryDirectory(prefix="botcore-postgres-", ignore_cleanup_errors=True)
        self._folder = Path(self._scratch.name)  # not a test's own folder: those are closed to other users
        self._bin = Path(max(glob("/usr/lib/postgresql/*/bin"), default="/usr/bin"))
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    async def __aenter__(self) -> Self:
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self._folder, "postgres")
        await self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            await self.stop("immediate")
        self._scratch.cleanup()

    async def start(self) -> None:
        """Return when it takes connections again."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1"
        await self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    async def stop(self, mode: Literal["smart", "fast", "immediate"]) -> None:
        """``fast`` ends all sessions, ``immediate`` is a crash: it recovers from its log at the next start."""
        await self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    async def _run(self, program: str, *arguments: str) -> None:
        as_postgres = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
        process = await asyncio.create_subprocess_exec(
            *(*as_postgres, str(self._bin / program), *arguments),
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() != 0:
            raise RuntimeError(f"{program} {arguments[-1]}: exit status {process.returncode}")
