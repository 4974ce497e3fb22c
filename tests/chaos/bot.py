"""The bot as a process of its own on the fake Telegram, with a scripted engine: killed at will, started again."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

from botcore_telegram.testing import FakeTelegram
from botcore_telegram.testing.chat import FakeChat
from tests.calls import Forked

__all__ = ["Bot", "forked", "said_back"]

PATIENCE_S = 40
"""The bot itself promises to end within 30 s."""

UP = b'"event": "web page"'
RUN = ("run", "--json", "--log-level", "info")


class Process(Protocol):
    """What is asked of one."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def send_signal(self, signal: int, /) -> None: ...
    async def wait(self) -> int: ...


class Launch(Protocol):
    """Starts `botcore run` with this environment; what it says is added to the log."""

    async def __call__(self, environ: Mapping[str, str], log: Path) -> Process: ...


async def executed(environ: Mapping[str, str], log: Path) -> Process:
    """As a user starts it."""
    with log.open("ab") as said:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "botcore", *RUN),
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )


async def forked(environ: Mapping[str, str], log: Path) -> Process:
    """For a fifth of the processor time, where a hundred starts are only the way to something else."""
    return Forked.start(RUN, environ, Path.cwd(), (Path(os.devnull), log, log))


class Bot:
    """One data directory, and the process that works on it now."""

    launch: ClassVar[Launch] = staticmethod(executed)

    def __init__(self, folder: Path, telegram: FakeTelegram, **environ: str) -> None:
        self.log = folder / "bot.log"
        self._environ = {
            "BOTCORE_BOT__DATA_DIR": str(folder / "data"),
            "BOTCORE_STORE__URL": f"sqlite:///{folder}/data/botcore.db",
            "BOTCORE_HTTP__PORT": "0",
            "BOTCORE_ENGINE__KIND": "scripted",
            "BOTCORE_CHANNELS__TELEGRAM__TOKEN": telegram.token,
            "BOTCORE_CHANNELS__TELEGRAM__BASE_URL": telegram.base_url,
            "BOTCORE_CHANNELS__TELEGRAM__GROUP_MODE": "all",
            "BOTCORE_PLUGINS__QA__ENABLED": "false",
            "BOTCORE_TURN__CONCURRENT": "1",
            **environ,
        }
        self._process: Process
        self._began = 0
        """Where the newest process's part of the log begins."""

    @property
    def environ(self) -> dict[str, str]:
        """What its process is given; a command of the same bot wants the same."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
        return clean | self._environ

    async def start(self, **environ: str) -> None:
        """Start it; it may die at any time from then on."""
        self._began = self.log.stat().st_size if self.log.exists() else 0
        self._process = await self.launch(self.environ | environ, self.log)

    @property
    def pid(self) -> int:
        """Of the newest process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    def rss_mib(self) -> float:
        """Its resident memory now (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def kill(self) -> None:
        """`kill -9`, and gone."""
        self.signal(signal.SIGKILL)
        await self._process.wait()

    async def dies(self) -> int:
        """Its exit status, once it has ended by itself."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.wait()

    async def up(self) -> None:
        """Return when it has opened its port, or has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while self.alive and UP not in self.log.read_bytes()[self._began :]:  # noqa: ASYNC110 - a file tells nothing
                await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """SIGTERM; the exit status. A Python that only just starts would not have heard that it is to end well."""
        await self.up()
        self.signal(signal.SIGTERM)
        return await self.dies()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        if self._process.returncode is None:
            self._process.send_signal(number)


def said_back(chat: FakeChat) -> Counter[str]:
    """How often each message of this chat was answered; the scripted engine repeats what it is told."""
    return Counter(text.rpartition("You said: ")[2] for text in chat.texts if text != "…")
