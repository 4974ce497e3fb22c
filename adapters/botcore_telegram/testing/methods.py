"""The Bot API's methods on plain state, without HTTP: what they check, what they answer, what they change.

Sources: the open-source server (tdlib/telegram-bot-api) and the Bot API's documentation.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botcore_telegram.testing.buttons import Queries, checked
from botcore_telegram.testing.errors import ApiError, Limits
from botcore_telegram.testing.files import Files
from botcore_telegram.testing.updates import Updates
from botcore_telegram.testing.webhook import Deliverer

__all__ = ["Methods", "SentMessage"]

TEXT_LIMIT = 4096
EMPTY = "Bad Request: message text is empty"
UPGRADED = "Bad Request: group chat was upgraded to a supergroup chat"
SAME = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as "
    "a current content and reply markup of the message"
)


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """A message of the bot's as it stands now."""

    id: int
    chat: int
    text: str
    entities: list[dict[str, Any]]
    thread: int | None = None
    reply_to: int | None = None
    keyboard: list[list[dict[str, Any]]] = field(default_factory=list)
    heard: bool = False

    @property
    def buttons(self) -> list[str]:
        """What stands on the buttons below it, row by row."""
        return [button["text"] for row in self.keyboard for button in row]


class Methods:
    """Every method the channel calls, executed on plain state."""

    def __init__(self, updates: Updates, webhook: Deliverer, queries: Queries, *, username: str, user_id: int) -> None:
        self.updates = updates
        self.webhook = webhook
        self.queries = queries
        self.files = Files()
        self.me: dict[str, Any] = {"id": user_id, "is_bot": True, "first_name": username, "username": username}
        self.me |= {"can_join_groups": True, "can_read_all_group_messages": False}
        self.chats: dict[int, dict[str, Any]] = {}
        self.moved: dict[int, int] = {}
        """Group → the supergroup it has become."""
        self.hidden: set[tuple[int, int]] = set()
        """(chat, topic) where people write and bots are told that there is none."""
        self.messages: dict[tuple[int, int], SentMessage] = {}
        self.edits: list[tuple[int, int, str]] = []
        self.drafts: list[tuple[int, int, str]] = []
        self.actions: list[tuple[int, str]] = []
        self.commands: list[dict[str, str]] = []
        self.limits: Limits | None = None
        self.next_message: dict[int, count[int]] = defaultdict(lambda: count(1))

    async def call(self, method: str, parameters: Mapping[str, Any]) -> Any:
        """The method's result. Raises `ApiError`."""
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise ApiError(404, "Not Found")
        result = handler(**parameters)
        return await result if asyncio.iscoroutine(result) else result

    def _getMe(self) -> dict[str, Any]:
        return self.me

    async def _getUpdates(self, allowed_updates: Any = None, **question: Any) -> Any:
        self.updates.allow(allowed_updates)
        return await self.updates.get(**question)

    def _setWebhook(self, **asked: Any) -> bool:
        return self.webhook.register(**asked)

    def _deleteWebhook(self, drop_pending_updates: bool = False) -> bool:
        return self.webhook.remove(drop=drop_pending_updates)

    def _getWebhookInfo(self) -> dict[str, Any]:
        return self.webhook.info()

    def _getFile(self, file_id: str) -> dict[str, Any]:
        return self.files.about(file_id)

    def _answerCallbackQuery(self, callback_query_id: str, text: str = "", **_: Any) -> bool:
        return self.queries.answer(callback_query_id, text)

    def _getMyCommands(self, **_: Any) -> list[dict[str, str]]:
        return self.commands

    def _setMyCommands(self, commands: list[dict[str, str]], **_: Any) -> bool:
        self.commands = commands
        return True

    def _sendMessage(
        self,
        chat_id: int,
        text: str = "",
        entities: Any = (),
        message_thread_id: int | None = None,
        reply_parameters: Mapping[str, Any] | None = None,
        reply_markup: Any = None,
        link_preview_options: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        chat = self._chat(chat_id)
        self._check(text, entities)
        if message_thread_id == 1 or (chat_id, message_thread_id) in self.hidden:
            raise ApiError(400, "Bad Request: message thread not found")
        self._flood(chat)
        sent = SentMessage(
            id=next(self.next_message[chat_id]),
            chat=chat_id,
            text=text,
            entities=list(entities),
            thread=message_thread_id,
            reply_to=reply_parameters["message_id"] if reply_parameters else None,
            keyboard=checked(reply_markup),
        )
        self.messages[chat_id, sent.id] = sent
        return self._shown(sent)

    def _editMessageText(
        self,
        text: str = "",
        chat_id: int = 0,
        message_id: int = 0,
        entities: Any = (),
        reply_markup: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        chat, sent, rows = self._chat(chat_id), self._sent(chat_id, message_id), checked(reply_markup)
        self._check(text, entities)
        if (sent.text, sent.entities, sent.keyboard) == (text, list(entities), rows):
            raise ApiError(400, SAME)
        self._flood(chat)
        # Buttons that are not given again are gone.
        sent.text, sent.entities, sent.keyboard = text, list(entities), rows
        self.edits.append((chat_id, message_id, text))
        return self._shown(sent)

    def _editMessageReplyMarkup(
        self, chat_id: int = 0, message_id: int = 0, reply_markup: Any = None, **_: Any
    ) -> dict[str, Any]:
        chat, sent, rows = self._chat(chat_id), self._sent(chat_id, message_id), checked(reply_markup)
        if sent.keyboard == rows:
            raise ApiError(400, SAME)
        self._flood(chat)
        sent.keyboard = rows
        return self._shown(sent)

    def _sendMessageDraft(self, chat_id: int, draft_id: int, text: str = "", entities: Any = (), **_: Any) -> bool:
        if self._chat(chat_id)["type"] != "private":
            raise ApiError(400, "Bad Request: drafts can be sent only to private chats")
        if not draft_id:
            raise ApiError(400, "Bad Request: draft_id must be non-zero")
        if _units(text) > TEXT_LIMIT:
            raise ApiError(400, "Bad Request: message is too long")
        self.drafts.append((chat_id, draft_id, text))
        return True

    def _sendChatAction(self, chat_id: int, action: str, **_: Any) -> bool:
        self._chat(chat_id)
        self.actions.append((chat_id, action))
        return True

    def _chat(self, chat_id: int) -> dict[str, Any]:
        if chat_id not in self.chats:
            raise ApiError(400, "Bad Request: chat not found")
        if chat_id in self.moved:
            raise ApiError(400, UPGRADED, migrate_to_chat_id=self.moved[chat_id])
        return self.chats[chat_id]

    def _sent(self, chat_id: int, message_id: int) -> SentMessage:
        if (chat_id, message_id) not in self.messages:
            raise ApiError(400, "Bad Request: message to edit not found")
        return self.messages[chat_id, message_id]

    def _flood(self, chat: Mapping[str, Any]) -> None:
        if self.limits:
            self.limits.count(chat["id"], group=chat["type"] != "private")

    @staticmethod
    def _check(text: str, entities: Any) -> None:
        if not text.strip():
            raise ApiError(400, EMPTY)
        if _units(text) > TEXT_LIMIT:
            raise ApiError(400, "Bad Request: message is too long")
        edges = _edges(text)
        for entity in entities:
            start, length = entity["offset"], entity["length"]
            if length <= 0 or start not in edges or start + length not in edges:
                raise ApiError(400, f"Bad Request: can't parse entities: wrong bounds of {json.dumps(entity)}")

    def _shown(self, sent: SentMessage) -> dict[str, Any]:
        shown = {
            "message_id": sent.id,
            "date": 1_700_000_000,
            "chat": self.chats[sent.chat],
            "from": self.me,
            "text": sent.text,
        }
        if sent.thread:
            shown |= {"message_thread_id": sent.thread, "is_topic_message": True}
        return shown | ({"reply_markup": {"inline_keyboard": sent.keyboard}} if sent.keyboard else {})

    def shown(self, chat: int, message: int) -> dict[str, Any]:
        """A message as Telegram shows it to whoever asks; one it no longer has is shown without its content."""
        sent = self.messages.get((chat, message))
        return self._shown(sent) if sent else {"message_id": message, "date": 0, "chat": self.chats[chat]}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _edges(text: str) -> set[int]:
    """Where an entity may begin or end: between characters, counted in UTF-16 units."""
    edges, at = {0}, 0
    for character in text:
        at += 2 if ord(character) > 0xFFFF else 1
        edges.add(at)
    return edges
