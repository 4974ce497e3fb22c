"""Who works now and who waits: a bounded number of slots, given to people in turn.

Whoever was given a slot goes behind all others who wait, with whatever else they wait for: fifty chats of one person
are one place in the line. A slot is held while a reply is made, not while it is sent: a chat that has to keep its
platform's pace keeps nobody else from working.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from typing import NoReturn

from botcore.clock import Clock

__all__ = ["Line"]

TELL_EVERY_S = 5.0
TOLD = 100
"""Of those who wait, so many are told how many are before them: each time may be a call to a platform."""


@dataclass(eq=False, slots=True)
class _Place:
    tell: Callable[[int], None]
    granted: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    last: int | None = None
    """What they were told last; None: they have only just come, and may be served before there is anything to tell."""


class Line:
    """The slots of one process, and the people who wait for one."""

    def __init__(self, slots: int, *, freed: Callable[[], None] = lambda: None) -> None:
        self.free: int = slots
        """Slots that nobody wants now."""
        self._freed = freed
        self._ring: OrderedDict[Hashable, deque[_Place]] = OrderedDict()

    @asynccontextmanager
    async def slot(self, whose: Hashable, tell: Callable[[int], None]) -> AsyncIterator[None]:
        """Hold a slot for the body; ``tell`` hears now and then how many are before this one."""
        await self._wait(whose, tell)
        try:
            yield
        finally:
            self._pass_on()
            self._freed()

    async def announce(self, clock: Clock) -> NoReturn:
        """Tell those who wait where they stand, until cancelled."""
        while True:
            await clock.sleep(TELL_EVERY_S)
            for before, place in enumerate(islice(self._in_order(), TOLD)):
                if place.last not in (None, before):
                    place.tell(before)
                place.last = before if place.last is not None else -1

    async def _wait(self, whose: Hashable, tell: Callable[[int], None]) -> None:
        if self.free:
            self.free -= 1
            return
        place = _Place(tell)
        self._ring.setdefault(whose, deque()).append(place)
        try:
            await place.granted
        except asyncio.CancelledError:
            self._leave(whose, place)
            raise

    def _leave(self, whose: Hashable, place: _Place) -> None:
        if place.granted.done() and not place.granted.cancelled():  # in the same moment: somebody else's now
            self._pass_on()
        elif place in (places := self._ring.get(whose, deque())):
            places.remove(place)
            if not places:
                del self._ring[whose]

    def _pass_on(self) -> None:
        while self._ring:
            whose, places = self._ring.popitem(last=False)
            place = places.popleft()
            if places:
                self._ring[whose] = places
            if not place.granted.done():
                place.granted.set_result(None)
                return
        self.free += 1

    def _in_order(self) -> Iterator[_Place]:
        rounds = zip_longest(*self._ring.values())
        return (place for place in chain.from_iterable(rounds) if place)
