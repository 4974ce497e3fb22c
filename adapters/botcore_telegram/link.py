"""The connection while there is one: the open line, the calls over it, and the previews that are kept alive on it."""

import logging
from collections.abc import Sequence

from botcore import Clock, Command, Draft, Retry
from botcore_telegram.drafts import Drafts
from botcore_telegram.moves import Moves
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.text import tail
from botcore_telegram.wire import chat_and_message, place

__all__ = ["Link"]

log = logging.getLogger(__name__)


class Link:
    """Opened by the first who holds it, closed by the last; made inside a running event loop."""

    def __init__(self, settings: TelegramSettings, clock: Clock, channel: str, moves: Moves) -> None:
        from botcore_telegram.api import Api
        from botcore_telegram.line import Line

        self.clock = clock
        self.line: Line = Line(settings)
        self.api: Api = Api(self.line, clock, moves)
        self.drafts = Drafts(clock, self._preview)
        self.holders = 0
        self._channel = channel

    async def show(self, draft: Draft) -> None:
        """Show progress as well as Telegram can. Raises nothing but `Retry`, and that for a flood limit alone."""
        if draft.phase == "final":
            await self.drafts.end(draft.turn)
            return
        if draft.conversation.private:
            self.drafts.note(draft)
        await self._preview(draft)

    async def publish(self, commands: Sequence[Command]) -> None:
        """Fill the menu of commands, as far as Telegram takes it."""
        from telegram.error import TelegramError

        try:
            await self.line.publish([(command.name, command.help) for command in commands])
        except TelegramError as error:
            log.warning("%s: the menu of commands is not up to date: %s", self._channel, error)

    async def _preview(self, draft: Draft) -> None:
        from botcore_telegram.api import is_flood_limit

        text = tail(draft.text or (draft.note if draft.phase == "waiting" else ""))
        try:
            chat, thread = place(draft.conversation)
            if draft.conversation.private:
                await self.api.draft(chat, thread, draft.message or 1, text)
            elif draft.platform_id and text.strip():
                await self.api.preview(*chat_and_message(draft.platform_id), text)
            else:
                await self.api.typing(chat, thread)
        except Exception as error:
            if isinstance(error, Retry) and is_flood_limit(error):
                raise
            log.debug("%s: progress not shown: %s: %s", self._channel, type(error).__name__, error)
