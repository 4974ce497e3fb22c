"""``botcore run`` as a process of its own, with a real vLLM behind it: started, asked, killed, started again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from botcore.cli.page import Page, open_page
from tests.e2e.here import metric

__all__ = ["Served"]

READY_S = 240.0


class Served:
    """One data directory and the bot that runs on it, now or after a restart."""

    def __init__(self, folder: Path, *, log: str = "info", **environ: str) -> None:
        self.folder = folder
        self.address = ""
        self.events: list[dict[str, Any]] = []
        self._log = log
        self.environ: dict[str, str] = {
            "BOTCORE_BOT__DATA_DIR": str(folder / "data"),
            "BOTCORE_HTTP__PORT": "0",
            **environ,
        }
        self._process: asyncio.subprocess.Process | None = None
        self._happened = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._groups: set[int] = set()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until the page is up, or (``ready``) until vLLM answers."""
        self.events.clear()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
        with (self.folder / "bot.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "botcore", "run", "--json", "--log-level", self._log),
                env=clean | self.environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        self._reader = asyncio.create_task(self._read(), name="output of the bot")
        page = await self.event(lambda event: event["event"] == "web page")
        self.address = page["url"]
        if ready:
            await self.engine("ready")

    async def engine(self, stage: str) -> None:
        """Return once the newest stage of the engine is ``stage``."""
        await self.event(lambda event: event["event"] == "engine" and event["stage"] == stage)

    async def event(self, wanted: Any) -> dict[str, Any]:
        """The first event that is ``wanted``, from the start or the last `forget` on."""
        async with asyncio.timeout(READY_S), self._happened:
            await self._happened.wait_for(lambda: any(wanted(event) for event in self.events) or self._ended())
        found = next((event for event in self.events if wanted(event)), None)
        assert found, f"the bot ended: {(self.folder / 'bot.log').read_text()[-2000:]}"
        return found

    def forget(self) -> None:
        """Let `event` see only what comes from now on."""
        self.events.clear()

    async def kill(self) -> None:
        """SIGKILL, as a crash."""
        self.engine_processes()
        self._signal(signal.SIGKILL)
        await self._gone()

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.engine_processes()
        self._signal(signal.SIGTERM)
        return await self._gone()

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A visitor of the chat page, in a new conversation."""
        async with open_page(self.address) as page:
            yield page

    async def metric(self, name: str) -> float:
        """The sum of one of the bot's numbers."""
        return await metric(self.address, name)

    def engine_processes(self) -> dict[str, int]:
        """Name to process id of this bot's living engine: ``EngineCore`` and ``server``."""
        groups = {group for _, group, line in processes() if f"{self.folder}/" in line and "api_server" in line}
        self._groups |= groups
        mine = [(pid, line) for pid, group, line in processes() if group in self._groups and "guard.py" not in line]
        names = {"EngineCore": "EngineCore", "api_server": "server"}
        return {names[mark]: pid for pid, line in mine for mark in names if mark in line}

    async def nothing_left(self, within_s: float = 5.0) -> None:
        """Fails where a process of this bot's engine lives on."""
        async with asyncio.timeout(within_s):
            while any(group in self._groups for _, group, _ in processes()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def _signal(self, number: int) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)

    async def _gone(self) -> int:
        assert self._process
        status = await self._process.wait()
        if self._reader:
            await self._reader
        return status

    def _ended(self) -> bool:
        return self._process is None or self._process.stdout is None or self._process.stdout.at_eof()

    async def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        async for line in self._process.stdout:
            async with self._happened:
                self.events.append(json.loads(line))
                self._happened.notify_all()
        async with self._happened:
            self._happened.notify_all()


def processes() -> Iterator[tuple[int, int, str]]:
    """(process id, process group, command line) of everything that runs here and is no zombie."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if state != "Z":
            yield int(entry.name), int(group), line
