"""A PostgreSQL of one's own, to be stopped and started at will, however the bots feel about it."""

import asyncio
import os
import shutil
import socket
from glob import glob
from pathlib import Path
from typing import Literal, Self

__all__ = ["Server"]


class Server:
    """One cluster on a port of its own, that forgets nothing it has committed (``fsync`` is on)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self._bin = Path(max(glob("/usr/lib/postgresql/*/bin"), default="/usr/bin"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            for parent in self._folder.parents:
                if parent.stat().st_uid == 0 and parent not in (Path("/"), Path("/tmp")):
                    parent.chmod(0o755)
            shutil.chown(self._folder, "postgres")
        await self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop("immediate")

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
