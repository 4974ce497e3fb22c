"""The only place that reads time or sleeps. Everything else is handed a `Clock`, so tests decide what time it is."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Protocol, Self

__all__ = ["Clock", "Deadline", "SystemClock", "wait_at_most"]


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
    """Entered by hand: a generator around `asyncio.timeout` would cost more than the time-out."""

    def __init__(self, seconds: float | None) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

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

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Deadline]:
        """See `Clock.timeout`."""
        return _LoopDeadline(seconds)


async def wait_at_most(seconds: float, event: asyncio.Event, clock: Clock) -> None:
    """Return as soon as the event is set, and after ``seconds`` in any case."""
    with suppress(TimeoutError):
        async with clock.timeout(seconds):
            await event.wait()
