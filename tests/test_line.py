"""Slots are given to people in turn, and nobody loses one."""

import asyncio
from contextlib import suppress

from botcore.line import TELL_EVERY_S, TOLD, Line
from botcore.testing import ManualClock
from botcore.testing.clock import settle


class Crowd:
    """People at a line; each piece of work goes on until the test ends it."""

    def __init__(self, slots: int) -> None:
        self.line = Line(slots)
        self.began: list[str] = []
        self.told: list[tuple[str, int]] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *works: str) -> None:
        """``ann 1`` is work of ann's."""
        for work in works:
            self._ends[work] = asyncio.Event()
            self._tasks[work] = asyncio.create_task(self._work(work))
            await settle(1)

    async def _work(self, work: str) -> None:
        async with self.line.slot(work.split()[0], lambda before: self.told.append((work, before))):
            self.began.append(work)
            await self._ends[work].wait()

    async def end(self, *works: str) -> None:
        for work in works:
            self._ends[work].set()
            await settle(3)

    async def gives_up(self, work: str) -> None:
        self._tasks[work].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks[work]

    async def goes_home(self) -> None:
        for work in list(self._tasks):
            await self.gives_up(work)


async def test_nobody_waits_while_there_are_slots() -> None:
    crowd = Crowd(2)
    await crowd.come("ann 1", "ann 2", "ann 3")
    assert crowd.began == ["ann 1", "ann 2"]
    await crowd.end("ann 1", "ann 2", "ann 3")
    assert (crowd.began[2:], crowd.line.free) == (["ann 3"], 2)


async def test_fifty_works_of_one_person_are_one_place_in_the_line() -> None:
    crowd = Crowd(1)
    await crowd.come("ann 0", *[f"ann {n}" for n in range(1, 50)], "bob 1", "cid 1", "bob 2")
    await crowd.end("ann 0", "ann 1", "bob 1", "cid 1", "ann 2", "bob 2")
    assert crowd.began == ["ann 0", "ann 1", "bob 1", "cid 1", "ann 2", "bob 2", "ann 3"]
    await crowd.goes_home()
    assert crowd.line.free == 1


async def test_who_gives_up_leaves_no_gap_and_keeps_no_slot() -> None:
    crowd = Crowd(1)
    await crowd.come("ann 1", "bob 1", "cid 1")
    await crowd.gives_up("bob 1")
    await crowd.end("ann 1", "cid 1")
    assert (crowd.began, crowd.line.free) == (["ann 1", "cid 1"], 1)


async def test_who_gives_up_in_the_moment_of_being_served_hands_the_slot_on() -> None:
    crowd = Crowd(1)
    await crowd.come("ann 1", "bob 1", "cid 1")
    crowd._ends["ann 1"].set()
    await settle(1)  # bob has the slot, but does not know it yet
    await crowd.gives_up("bob 1")
    await settle(3)
    assert "cid 1" in crowd.began
    await crowd.goes_home()
    assert crowd.line.free == 1


async def test_those_who_wait_are_told_how_many_are_before_them() -> None:
    crowd, clock = Crowd(1), ManualClock()
    announcing = asyncio.create_task(crowd.line.announce(clock))
    await crowd.come("ann 1", "ann 2", "ann 3", "bob 1")
    await clock.advance(TELL_EVERY_S)
    assert crowd.told == []  # they have only just come
    await clock.advance(TELL_EVERY_S)
    assert crowd.told == [("ann 2", 0), ("bob 1", 1), ("ann 3", 2)]
    crowd.told.clear()
    await clock.advance(TELL_EVERY_S)
    assert crowd.told == []  # nothing has changed
    await crowd.end("ann 1")
    await clock.advance(TELL_EVERY_S)
    assert crowd.told == [("bob 1", 0), ("ann 3", 1)]
    announcing.cancel()
    await crowd.goes_home()


async def test_who_gave_up_is_before_nobody_any_more() -> None:
    crowd, clock = Crowd(1), ManualClock()
    announcing = asyncio.create_task(crowd.line.announce(clock))
    await crowd.come("ann 1", "bob 1", "cid 1")
    for _ in range(2):
        await clock.advance(TELL_EVERY_S)
    await crowd.gives_up("bob 1")
    await clock.advance(TELL_EVERY_S)
    assert crowd.told == [("bob 1", 0), ("cid 1", 1), ("cid 1", 0)]
    announcing.cancel()
    await crowd.goes_home()


async def test_only_the_first_of_a_long_line_are_told() -> None:
    crowd, clock = Crowd(1), ManualClock()
    announcing = asyncio.create_task(crowd.line.announce(clock))
    await crowd.come(*[f"p{n} 1" for n in range(TOLD + 50)])
    for _ in range(2):
        await clock.advance(TELL_EVERY_S)
    assert len(crowd.told) == TOLD
    announcing.cancel()
    await crowd.goes_home()
