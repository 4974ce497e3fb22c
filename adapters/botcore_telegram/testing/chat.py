"""One chat as its people see it: what they write, and what they read from the bot."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botcore_telegram.testing.methods import SentMessage

if TYPE_CHECKING:
    from botcore_telegram.testing.server import FakeTelegram

__all__ = ["FakeChat"]


class FakeChat:
    """One chat as its people see it."""

    def __init__(self, telegram: "FakeTelegram", id: int) -> None:
        self.telegram = telegram
        self.id = id
        self._api = telegram.api

    @property
    def messages(self) -> list[SentMessage]:
        """What the bot has sent here, as it reads now, oldest first."""
        return [sent for (chat, _), sent in self._api.messages.items() if chat == self.id]

    @property
    def texts(self) -> list[str]:
        """The texts of `messages`."""
        return [message.text for message in self.messages]

    @property
    def edits(self) -> list[tuple[int, str]]:
        """(message id, new text) of every edit by the bot."""
        return [(message, text) for chat, message, text in self._api.edits if chat == self.id]

    @property
    def drafts(self) -> list[tuple[int, str]]:
        """(draft id, text) of every draft."""
        return [(draft, text) for chat, draft, text in self._api.drafts if chat == self.id]

    @property
    def actions(self) -> list[str]:
        """Every "typing" and the like."""
        return [action for chat, action in self._api.actions if chat == self.id]

    async def says(self, text: str, *, person: int = 0, **more: Any) -> dict[str, Any]:
        """Somebody writes; returns the update. ``more`` are fields of Telegram's message."""
        return self.telegram.updates.add("message", self._message(text, person, more))

    async def rewrites(self, update: Mapping[str, Any], text: str) -> dict[str, Any]:
        """Somebody edits a message."""
        message = {**update["message"], "text": text, "entities": _entities(text), "edit_date": 1_700_000_100}
        return self.telegram.updates.add("edited_message", message)

    async def presses(self, message: int, data: str, *, person: int = 0) -> dict[str, Any]:
        """Somebody presses a button below a message of the bot's."""
        shown = {"message_id": message, "date": 1_700_000_000, "chat": self._api.chats[self.id]}
        query = {"id": "1", "from": self._person(person), "message": shown, "chat_instance": "1", "data": data}
        return self.telegram.updates.add("callback_query", query)

    async def hears(self, expected: str = "") -> SentMessage:
        """The first message not heard yet that says ``expected`` (case does not matter), now or after an edit."""
        while True:
            for message in self.messages:
                said = message.text != "…" and expected.lower() in message.text.lower()
                if said and not message.heard:
                    message.heard = True
                    return message
            reads = [text if len(text) < 80 else f"{text[:80]}…" for text in self.texts]
            await self.telegram.until(f"chat {self.id} to hear {expected!r}; it reads {reads}")

    def _message(self, text: str, person: int, more: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "message_id": next(self._api.next_message[self.id]),
            "date": 1_700_000_000,
            "chat": self._api.chats[self.id],
            "from": self._person(person),
            "text": text,
            "entities": _entities(text),
            **more,
        }

    def _person(self, person: int) -> dict[str, Any]:
        id = person or abs(self.id)
        return {"id": id, "is_bot": False, "first_name": f"Person {id}"}


def _entities(text: str) -> list[dict[str, Any]]:
    """What Telegram's programs mark by themselves: commands and mentions."""
    found = [("bot_command", match) for match in re.finditer(r"(?<!\S)/\w+(@\w+)?", text)]
    found += [("mention", match) for match in re.finditer(r"(?<!\w)@\w+", text)]
    return [
        {"type": kind, "offset": _units(text[: match.start()]), "length": _units(match[0])} for kind, match in found
    ]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
