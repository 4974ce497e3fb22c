"""One guarded child process: started, listened to line by line, and ended with its whole group.

`guard.py` stands between it and us; the two hold each other's ends of one pipe, so that neither can be left behind.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Self

from botcore.clock import Clock, wait_at_most
from botcore.engine import guard

__all__ = ["Child", "Launch", "kill_group", "members_of", "without_secrets"]

logger: logging.Logger = logging.getLogger(__name__)

LOG_BYTES, LOG_FILES = 5 << 20, 3
LINE_LIMIT = 16 << 10
"""Bytes of one line that are kept; vLLM prints its whole configuration in about 3,000."""
_BREAK = re.compile(rb"[\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to run, and where its words go."""

    python: Path
    """Runs the guard; a bare interpreter is enough."""
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    """Everything the child prints, rotated at 5 MiB, 3 old files kept."""
    notes: Path
    """A directory where ``<group>.group`` stands while it runs: what a later start must end if nobody else could."""


class _Log(RotatingFileHandler):
    """The file of a child's words. Where the disk takes none of them they are lost, and the child goes on."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Says nothing: a traceback for each line would bury what is wrong."""

    def close(self) -> None:
        """Closes it; what was not taken is refused once more."""
        with contextlib.suppress(OSError):
            super().close()


class Child:
    """An async context manager: entered, the process runs; left, no process of its group is alive."""

    def __init__(self, launch: Launch, *, clock: Clock, on_line: Callable[[str], None]) -> None:
        self._launch = launch
        self._clock = clock
        self._on_line = on_line
        self._watch = _Watch(self._line)
        self._transport: asyncio.SubprocessTransport | None = None
        self._log: logging.Handler | None = None
        self.group: int = 0
        """The server's process id and group; 0 until it has started."""

    async def __aenter__(self) -> Self:
        self._launch.log.parent.mkdir(parents=True, exist_ok=True)
        # Lines are few (a start prints 80, a running server almost none): no thread for them.
        self._log = _Log(self._launch.log, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.subprocess_exec(
            lambda: self._watch,
            *(str(self._launch.python), "-I", guard.__file__, *self._launch.command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=dict(self._launch.environment),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        assert self._log is not None
        try:
            await self._stop(self._transport)
        finally:
            kill_group(self.group)
            # Closing kills the guard if it still lives; its pipe's end makes it kill the group in any case.
            self._transport.close()
            self._note().unlink(missing_ok=True)
            self._log.close()

    def _note(self) -> Path:
        return self._launch.notes / f"{self.group}.group"

    async def _stop(self, transport: asyncio.SubprocessTransport) -> None:
        """SIGTERM, and time for the guard to end the group; it needs no more than its own grace."""
        if transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                transport.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(guard.GRACE + 2):
                await self.ended()

    async def ended(self) -> int:
        """The exit code, as `subprocess` gives it, once the process is gone and its last words were heard."""
        assert self._transport is not None
        await self._watch.exited.wait()
        # The guard itself may have been killed: then the group is still there, and holds the output open.
        kill_group(self.group)
        await wait_at_most(2, self._watch.silent, self._clock)
        code = self._transport.get_returncode()
        return 0 if code is None else code

    def _line(self, line: str) -> None:
        if not self.group and line.startswith(guard.STARTED):
            self.group = int(line.removeprefix(guard.STARTED))
            with contextlib.suppress(OSError):  # a full disk: the guard is the first net, this the second
                self._note().touch()
        if self._log:
            record = logging.LogRecord(__name__, logging.INFO, "", 0, line, None, None)
            self._log.handle(record)
        self._on_line(line)


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child is given of the bot's environment: none of its settings, some of which are secret."""
    return {name: value for name, value in environ.items() if not name.startswith("BOTCORE_")}


def members_of(group: int) -> Iterator[int]:
    """The processes of a group that live now."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            if os.getpgid(int(process.name)) == group:
                yield int(process.name)


def kill_group(group: int) -> None:
    """SIGKILL every process of the group; 0 and groups that are gone are fine."""
    if group > 1:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


class _Watch(asyncio.SubprocessProtocol):
    """Cuts output into lines. A protocol, not streams: the exit must be seen while somebody holds the pipe open."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()
        self._on_line = on_line
        self._rest = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._rest = _BREAK.split(self._rest + data)
        if len(self._rest) > LINE_LIMIT:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._say(line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._say(self._rest)
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()

    def _say(self, line: bytes) -> None:
        if line.strip():
            self._on_line(line[:LINE_LIMIT].decode("utf-8", "replace"))
