"""Who is let in, and what those are told who are not: said once here, so that every channel says it alike."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace

from botcore.clock import Clock
from botcore.messages import Message
from botcore.observe import Metrics
from botcore.ports import Receipt
from botcore.store import Accepted

__all__ = ["Admission", "Seldom"]

TOLD_EVERY_S = 60.0
"""Somebody who floods is told this often; everything said to them goes to the platform at its pace, too."""
WORDS = {
    "person": "I am still busy with your earlier messages; please send this one again in a moment.",
    "chat": "I am still busy with earlier messages here; please send this one again in a moment.",
}


class Seldom:
    """Lets each key through once in a while."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._passed: OrderedDict[Hashable, float] = OrderedDict()

    def passes(self, key: Hashable) -> bool:
        """True, and noted, where this key did not pass in the last ``every_s`` seconds."""
        now = self._clock.monotonic()
        while self._passed and now - next(iter(self._passed.values())) >= self._every_s:
            self._passed.popitem(last=False)
        if key in self._passed:
            return False
        self._passed[key] = now
        return True


class Admission:
    """What becomes of messages above a cap: counted, and their writer told at most once a minute."""

    def __init__(self, *, clock: Clock, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seldom = Seldom(clock, TOLD_EVERY_S)

    def receipt(self, one: Accepted) -> Receipt:
        """The receipt as the channel gets it: for a rejected message with the words for its writer, if it is time."""
        if not one.full or not isinstance(one.record, Message):
            return one.receipt
        place = one.record.conversation
        self._metrics.rejected.labels(place.channel, one.full).inc()
        told = (place.channel, place.account, one.record.person.id) if one.full == "person" else place.key
        return replace(one.receipt, notice=WORDS[one.full]) if self._seldom.passes(told) else one.receipt
