"""Time that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from botcore.clock import Timeout

__all__ = ["ManualClock"]


class ManualClock:
    """A `botcore.clock.Clock` whose time moves only by `advance`."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._timers: list[_Timer] = []
        self._numbers = count()

    def now(self) -> float:
        """The test's time, Unix seconds."""
        return self._now

    def monotonic(self) -> float:
        """The same time."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once `advance` has passed ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._at(seconds, lambda: None if future.done() else future.set_result(None))
        await future

    def timeout(self, seconds: float | None) -> Timeout:
        """See `botcore.clock.Clock.timeout`."""
        return Timeout(seconds, self._at)

    async def advance(self, seconds: float) -> None:
        """Move time on, waking every sleeper on the way in its order, and let the woken run.

        Each gets some turns of the event loop: what it waits for elsewhere (a thread, a socket) may come later.
        """
        end = self._now + seconds
        await settle()
        while self._timers and self._timers[0].at <= end:
            timer = heapq.heappop(self._timers)
            self._now = timer.at
            timer.wake()
            await settle()
        self._now = end
        await settle()

    def _at(self, seconds: float, wake: Callable[[], None]) -> "_Timer | asyncio.Handle":
        if seconds <= 0:
            return asyncio.get_running_loop().call_soon(wake)
        timer = _Timer(self._now + seconds, next(self._numbers), wake)
        heapq.heappush(self._timers, timer)
        return timer


@dataclass(order=True, slots=True)
class _Timer:
    at: float
    number: int
    wake: Callable[[], None] = field(compare=False)

    def cancel(self) -> None:
        self.wake = _nothing


def _nothing() -> None:
    pass


async def settle(rounds: int = 20) -> None:
    """Let every task that can run, run: pure event-loop turns, no time."""
    for _ in range(rounds):
        await asyncio.sleep(0)
