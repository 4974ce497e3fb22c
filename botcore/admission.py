"""Who is let in, and what those are told who are not: said once here, so that every channel says it alike."""

from dataclasses import replace

from botcore.clock import Clock
from botcore.messages import Message
from botcore.observe import Metrics
from botcore.pace import Seldom
from botcore.ports import Receipt
from botcore.store import Accepted

__all__ = ["Admission"]

TOLD_EVERY_S = 60.0
"""Somebody who floods is told this often; everything said to them goes to the platform at its pace, too."""
WORDS = {
    "person": "I am still busy with your earlier messages; please send this one again in a moment.",
    "chat": "I am still busy with earlier messages here; please send this one again in a moment.",
}


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
