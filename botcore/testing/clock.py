"""Time that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

__all__ = ["ManualClock"]


class ManualClock:
    """A `botcore.clock.Clock` whose time moves only by `advance`."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
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

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator["_ManualDeadline"]:
        """See `botcore.clock.Clock.timeout`."""
        async with asyncio.timeout(None) as timeout:
            deadline = _ManualDeadline(self, timeout)
            deadline.reset(seconds)
            try:
                yield deadline
            finally:
                deadline.reset(None)

    async def advance(self, seconds: float) -> None:
        """Move time on, waking every sleeper on the way in its order, and let the woken run.

        Each gets some turns of the event loop: what it waits for elsewhere (a thread, a socket) may come later.
        """
        end = self._now + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            self._now, _, wake = heapq.heappop(self._timers)
            wake()
            await settle()
        self._now = end
        await settle()

    def _at(self, seconds: float, wake: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self._now + seconds, next(self._numbers), wake))


class _ManualDeadline:
    def __init__(self, clock: ManualClock, timeout: asyncio.Timeout) -> None:
        self._clock = clock
        self._timeout = timeout
        self._generation = 0

    def reset(self, seconds: float | None) -> None:
        self._generation += 1
        if seconds is not None:
            self._clock._at(seconds, partial(self._expire, self._generation))

    def _expire(self, generation: int) -> None:
        if generation == self._generation:
            self._timeout.reschedule(asyncio.get_running_loop().time())


async def settle(rounds: int = 20) -> None:
    """Let every task that can run, run: pure event-loop turns, no time."""
    for _ in range(rounds):
        await asyncio.sleep(0)
