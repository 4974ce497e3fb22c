"""What follows a pressed button, once the press is committed: its answer, and the buttons as they stand now."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from botcore import Incoming
from botcore_telegram.buttons import Press, answer, parsed, shown_after
from botcore_telegram.errands import Errands
from botcore_telegram.hearing import Json

if TYPE_CHECKING:
    from botcore_telegram.api import Api

__all__ = ["Presses"]


class Presses:
    """Answers presses, as far as Telegram takes it: a press counts whether its answer arrives or not."""

    def __init__(self, api: "Api", errands: Errands, commands: Callable[[], Collection[str]]) -> None:
        self._api = api
        self._errands = errands
        self._commands = commands

    def pressed(self, query: Json, record: Incoming | None) -> None:
        """A callback query was committed as ``record``, or is none of ours: either way its button must not spin."""
        chat = int(record.conversation.chat) if record else 0
        press = parsed(str(query["data"])) if record else None
        self._errands.add(chat, lambda: self._api.answer(str(query.get("id", "")), answer(press, self._commands())))
        if press and record:
            private = record.conversation.private
            self._errands.add(chat, lambda: self._show(query["message"], press, private=private))

    async def _show(self, message: Json, press: Press, *, private: bool) -> None:
        buttons = shown_after(press, private=private)
        if buttons is not None:
            await self._api.show_buttons(message["chat"]["id"], message["message_id"], buttons)
