"""Who is let in, and what those are told who are not: said once here, so that every channel says it alike.

above a cap        one message is rejected, its writer told now and then
above the mark     none is taken from anybody: pushing platforms hear "not now", those that are asked are not asked,
                   and all of them keep what they have until the line is a good deal shorter
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from botcore.clock import Clock
from botcore.errors import StoreError
from botcore.messages import Message
from botcore.observe import Metrics
from botcore.pace import Seldom
from botcore.ports import Receipt
from botcore.store import Accepted, Store

__all__ = ["Admission"]

TOLD_EVERY_S = 60.0
"""Somebody who floods is told this often; everything said to them goes to the platform at its pace, too."""
LOW = 0.8
"""Of the mark: below it messages are taken again. At the mark itself it would begin and end with every message."""
COUNT_S = 1.0
"""Between two looks at how many wait: ten thousand messages at most can come in meanwhile, and those are counted."""
WORDS = {
    "person": "I am still busy with your earlier messages; please send this one again in a moment.",
    "chat": "I am still busy with earlier messages here; please send this one again in a moment.",
}


class Admission:
    """Whether there is room, and what becomes of messages above a cap."""

    def __init__(self, most: int, *, running: Callable[[], int], clock: Clock, metrics: Metrics) -> None:
        """``most`` messages wait or run in all; ``running`` says how many run in this process."""
        self._most = most
        self._running = running
        self._clock = clock
        self._metrics = metrics
        self._seldom = Seldom(clock, TOLD_EVERY_S)
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def full(self) -> str:
        """In words why nothing more is taken now; "" where something is."""
        self._look()
        return "" if self._room.is_set() else f"more than {self._most:,} messages wait already"

    async def room(self) -> None:
        """Return when messages are taken again."""
        await self._room.wait()

    async def count(self, store: Store, channels: tuple[str, ...]) -> NoReturn:
        """Look how many wait, until cancelled: the store knows what other processes take, and what was deleted.

        In these channels only: what waits for another one may do so for long.
        """
        while True:
            with suppress(StoreError):  # the channels hear of it, too
                self._counted(await store.waiting(self._most + 1, channels=channels))
            await self._clock.sleep(COUNT_S)

    def _counted(self, waiting: int) -> None:
        """So many wait; until the next look what is accepted is added."""
        self._waiting = waiting
        self._metrics.waiting.set(waiting)
        self._look()

    def _look(self) -> None:
        load = self._waiting + self._running()
        if load > self._most:
            self._room.clear()
        elif load <= LOW * self._most:
            self._room.set()

    def receipt(self, one: Accepted) -> Receipt:
        """The receipt as the channel gets it: for a rejected message with the words for its writer, if it is time."""
        if not isinstance(one.record, Message):
            return one.receipt
        if not one.full:
            self._waiting += one.claim is None and not one.receipt.duplicate
            return one.receipt
        place = one.record.conversation
        self._metrics.rejected.labels(place.channel, one.full).inc()
        told = (place.channel, place.account, one.record.person.id) if one.full == "person" else place.key
        return replace(one.receipt, notice=WORDS[one.full]) if self._seldom.passes(told) else one.receipt
