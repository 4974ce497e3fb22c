"""The only place that reads time or sleeps. Everything else is handed a `Clock`, so tests decide what time it is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

__all__ = ["Clock", "Deadline", "SystemClock"]


class Deadline(Protocol):
    """A running time-out that can be moved."""

    def reset(self, seconds: float | None) -> None:
        """Let the body run for another ``seconds`` from now; None = without limit."""
        ...


class Clock(Protocol):
    """Time as the bot sees it."""

    def now(self) -> float:
        """Unix time in seconds: for records people read."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start, never going back: for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``; cancellation ends it at once."""
        ...

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Deadline]:
        """Cancel the body and raise `TimeoutError` after ``seconds``; None never does."""
        ...


class _LoopDeadline:
    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout

    def reset(self, seconds: float | None) -> None:
        self._timeout.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)


class SystemClock:
    """The computer's own time."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[Deadline]:
        """See `Clock.timeout`."""
        async with asyncio.timeout(seconds) as timeout:
            yield _LoopDeadline(timeout)
