"""What is said beside replies: why a message was turned away, the form behind a thumb down. Best effort, in tasks."""

import asyncio
import logging
from typing import TYPE_CHECKING

from botcore import Conversation, Rejected, Retry, Unknown
from botcore_slack.actions import keep
from botcore_slack.blocks import form
from botcore_slack.wire import Heard

if TYPE_CHECKING:
    from botcore_slack.api import Api

__all__ = ["Asides"]

log = logging.getLogger(__name__)


class Asides:
    """For as long as the channel runs."""

    def __init__(self, api: "Api", tasks: asyncio.TaskGroup, *, channel: str) -> None:
        self._api = api
        self._tasks = tasks
        self._channel = channel

    def tell(self, conversation: Conversation, text: str) -> None:
        """Say this to somebody whose message was turned away."""
        self._tasks.create_task(self._notice(conversation, text), name=f"{self._channel}: notice")

    def ask_why(self, heard: Heard) -> None:
        """Open the form: the thumb is kept already, and the ticket is good for three seconds."""
        self._tasks.create_task(self._open_form(heard), name=f"{self._channel}: form")

    async def _notice(self, conversation: Conversation, text: str) -> None:
        try:
            await self._api.tell(conversation.chat, conversation.thread, text)
        except (Retry, Rejected, Unknown) as error:
            log.warning("%s: a notice could not be sent: %s", self._channel, error)

    async def _open_form(self, heard: Heard) -> None:
        try:
            await self._api.open_form(heard.trigger, form(keep(heard)))
        except (Retry, Rejected, Unknown) as error:
            log.info("%s: the form behind a thumb down did not open: %s", self._channel, error)
