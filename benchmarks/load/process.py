"""A bot as a process of its own, and what Linux says of it: processor time of all its threads, memory."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Process"]

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PATIENCE_S = 15


class Process:
    """A running command; its output lies in ``folder``/log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it in its folder."""
        with (self._folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, cwd=self._folder, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for whoever does not hear it."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def rss_mb(self, *, peak: bool = False) -> float:
        """Resident memory, now or at most so far."""
        name = "VmHWM" if peak else "VmRSS"
        lines = self._read("status").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

    def last_words(self) -> str:
        """The end of what it printed."""
        return (self._folder / "log").read_text(errors="replace")[-2000:]

    def _read(self, name: str) -> str:
        assert self._process
        return Path(f"/proc/{self._process.pid}/{name}").read_text()
