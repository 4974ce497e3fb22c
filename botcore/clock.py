"""The only place that reads time or sleeps. Everything else is handed a `Clock`, so tests decide what time it is."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol, Self

__all__ = ["AGAIN_S", "Clock", "Deadline", "SystemClock", "Timeout", "wait_at_most"]

AGAIN_S = 5.0
"""Between two times that something is told to end: what must be closed on the way (a socket, a file) takes less."""


class Deadline(Protocol):
    """A running time-out that can be moved."""

    told: int
    """How often the body was told to end."""

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
        """Cancel the body and raise `TimeoutError` after ``seconds``; None never does. See `Timeout`."""
        ...


class Timer(Protocol):
    """What is going to be called, and can be called off."""

    def cancel(self) -> None:
        """It is not called any more."""
        ...


class Timeout:
    """`asyncio.timeout` by any clock; what does not end when it is told to is told again, every `AGAIN_S`.

    Once told, a plugin's ``finally`` may await something that never comes.
    """

    def __init__(self, seconds: float | None, later: Callable[[float, Callable[[], None]], Timer]) -> None:
        """``later(seconds, callback)`` is the clock's."""
        self._seconds = seconds
        self._later = later
        self._timer: Timer | None = None
        self.told: int = 0
        self._over = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time-out needs a task around it")
        self._task, self._before = task, task.cancelling()
        self.reset(self._seconds)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        self._over = True
        if self._timer:
            self._timer.cancel()
        if not self.told:
            return
        others = [self._task.uncancel() for _ in range(self.told)][-1] > self._before
        if kind is asyncio.CancelledError and not others:
            raise TimeoutError from error

    def reset(self, seconds: float | None) -> None:
        """See `Deadline`; nothing changes where the time was over already."""
        if self.told or self._over:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = None if seconds is None else self._later(max(0.0, seconds), self._tell)

    def _tell(self) -> None:
        self._task.cancel()
        self.told += 1
        self._timer = self._later(AGAIN_S, self._tell)


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
        return Timeout(seconds, asyncio.get_running_loop().call_later)


async def wait_at_most(seconds: float, event: asyncio.Event, clock: Clock) -> None:
    """Return as soon as the event is set, and after ``seconds`` in any case."""
    with suppress(TimeoutError):
        async with clock.timeout(seconds):
            await event.wait()
