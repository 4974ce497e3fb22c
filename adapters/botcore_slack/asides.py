"""What is said beside replies: that too much waits, and the form behind a thumb down. Best effort, in own tasks."""

import asyncio
import logging
from typing import TYPE_CHECKING

from botcore import Clock, Conversation, Incoming, Rejected, Retry, Unknown
from botcore_slack.actions import keep
from botcore_slack.blocks import form
from botcore_slack.wire import Heard

if TYPE_CHECKING:
    from botcore_slack.api import Api

__all__ = ["Asides"]

log = logging.getLogger(__name__)

BUSY = "I am still busy with your earlier messages here; please send this one again in a moment."
BUSY_EVERY_S = 60.0


class Asides:
    """For as long as the channel runs."""

    def __init__(self, api: "Api", clock: Clock, tasks: asyncio.TaskGroup, *, channel: str) -> None:
        self._api = api
        self._clock = clock
        self._tasks = tasks
        self._channel = channel
        self._told: dict[str, float] = {}

    def busy(self, record: Incoming) -> None:
        """Tell once a minute that a message was turned away: its sender has to send it again."""
        now, key = self._clock.monotonic(), record.conversation.key
        self._told = {key: at for key, at in self._told.items() if now - at < BUSY_EVERY_S}
        if key not in self._told:
            self._told[key] = now
            self._tasks.create_task(self._notice(record.conversation), name=f"{self._channel}: notice")

    def ask_why(self, heard: Heard) -> None:
        """Open the form: the thumb is kept already, and the ticket is good for three seconds."""
        self._tasks.create_task(self._open_form(heard), name=f"{self._channel}: form")

    async def _notice(self, conversation: Conversation) -> None:
        try:
            await self._api.tell(conversation.chat, conversation.thread, BUSY)
        except (Retry, Rejected, Unknown) as error:
            log.warning("%s: a notice could not be sent: %s", self._channel, error)

    async def _open_form(self, heard: Heard) -> None:
        try:
            await self._api.open_form(heard.trigger, form(keep(heard)))
        except (Retry, Rejected, Unknown) as error:
            log.info("%s: the form behind a thumb down did not open: %s", self._channel, error)
