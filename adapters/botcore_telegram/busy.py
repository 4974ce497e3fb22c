"""Tells whoever writes too fast that a message was turned away: nobody else will answer it."""

from typing import TYPE_CHECKING

from botcore import Clock, Incoming
from botcore_telegram.errands import Errands
from botcore_telegram.wire import place

if TYPE_CHECKING:
    from botcore_telegram.api import Api

__all__ = ["Busy"]

BUSY = "I am still busy with your earlier messages here; please send this one again in a moment."
EVERY_S = 60.0


class Busy:
    """Says so at most once a minute in one conversation."""

    def __init__(self, api: "Api", errands: Errands, clock: Clock) -> None:
        self._api = api
        self._errands = errands
        self._clock = clock
        self._told: dict[str, float] = {}

    def tell(self, record: Incoming) -> None:
        """This message was turned away: its sender has to send it again."""
        now, key = self._clock.monotonic(), record.conversation.key
        self._told = {told: at for told, at in self._told.items() if now - at < EVERY_S}
        if key not in self._told:
            self._told[key] = now
            chat, thread = place(record.conversation)
            self._errands.add(chat, lambda: self._api.send(chat, thread, BUSY))
