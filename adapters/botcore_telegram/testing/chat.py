"""One chat as its people see it: what they write, and what they read from the bot."""

import mimetypes
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

    async def becomes(self, id: int, *, told: bool = True) -> "FakeChat":
        """This group becomes a supergroup, which has another id and counts its messages anew.

        A message in either says so; without ``told`` the bot was away for more than the day that these are kept.
        """
        moved = self.telegram.chat(id, "supergroup")
        self._api.moved[self.id] = id
        for chat, news in ((self, {"migrate_to_chat_id": id}), (moved, {"migrate_from_chat_id": self.id})):
            service = _wordless(chat._message("", 0, news))
            if told:
                self.telegram.updates.add("message", service)
        return moved

    def deletes(self, message: SentMessage) -> None:
        """An administrator deletes a message of the bot's; Telegram does not say so."""
        del self._api.messages[self.id, message.id]

    async def uploads(
        self,
        name: str,
        content: bytes,
        caption: str = "",
        *,
        media_type: str = "",
        person: int = 0,
        size: int | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Somebody sends a file; ``size`` is what Telegram claims, where it is not the true one."""
        file = self._api.files.add("documents", name, content, size=size)
        kind = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        document = {**file, "file_name": name, "mime_type": kind}
        return await self._sends({"document": document}, caption, person, more)

    async def photographs(self, content: bytes, caption: str = "", *, person: int = 0, **more: Any) -> dict[str, Any]:
        """Somebody sends a photo: Telegram offers it in two sizes, the larger one last."""
        small = {**self._api.files.add("photos", "small.jpg", content[:10]), "width": 90, "height": 67}
        large = {**self._api.files.add("photos", "large.jpg", content), "width": 1280, "height": 960}
        return await self._sends({"photo": [small, large]}, caption, person, more)

    async def presses(self, label: str, *, message: int = 0, person: int = 0) -> dict[str, Any]:
        """Somebody presses the button whose text has ``label`` in it, below this message or the newest that has one."""
        while True:
            for sent in reversed(self.messages):
                pressed = [button for row in sent.keyboard for button in row if label in button["text"]]
                if pressed and message in (0, sent.id):
                    return await self.sends_press(sent.id, pressed[0]["callback_data"], person=person)
            shown = {sent.id: sent.buttons for sent in self.messages}
            await self.telegram.until(f"a button {label!r} in chat {self.id}; there are {shown}")

    async def sends_press(self, message: int, data: str, *, person: int = 0) -> dict[str, Any]:
        """A press that sends this data, as only a program of somebody's own can make it up."""
        query = {
            "id": self._api.queries.press(self.id),
            "from": self._person(person),
            "message": self._api.shown(self.id, message),
            "chat_instance": "1",
            "data": data,
        }
        return self.telegram.updates.add("callback_query", query)

    @property
    def popups(self) -> list[str]:
        """What the bot made pop up for those who pressed a button, "" for nothing."""
        return [text for chat, text in self._api.queries.answers if chat == self.id]

    async def pops_up(self, number: int = 1) -> list[str]:
        """Return once so many presses were answered."""
        while len(self.popups) < number:
            await self.telegram.until(f"{number} answered presses in chat {self.id}; so far {self.popups}")
        return self.popups

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

    async def _sends(
        self, file: Mapping[str, Any], caption: str, person: int, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        message = self._message(caption, person, {**file, **more})
        if caption:
            message["caption"], message["caption_entities"] = message["text"], message["entities"]
        return self.telegram.updates.add("message", _wordless(message))

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


def _wordless(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in ("text", "entities")}


def _entities(text: str) -> list[dict[str, Any]]:
    """What Telegram's programs mark by themselves: commands and mentions."""
    found = [("bot_command", match) for match in re.finditer(r"(?<!\S)/\w+(@\w+)?", text)]
    found += [("mention", match) for match in re.finditer(r"(?<!\w)@\w+", text)]
    return [
        {"type": kind, "offset": _units(text[: match.start()]), "length": _units(match[0])} for kind, match in found
    ]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
