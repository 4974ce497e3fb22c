"""The Bot API as the channel uses it: the SDK's `telegram.Bot` over one session, its errors in botcore's three words.

This module loads the SDK; nothing imports it before a channel connects.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from telegram import Bot, BotCommand, LinkPreviewOptions, MessageEntity, ReplyParameters
from telegram.constants import ChatAction
from telegram.error import TelegramError

from botcore import Citation, Clock, Command, Rejected, Retry, Unknown
from botcore_telegram.request import NotSent, Refused, Transport
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.text import Body, body, plain
from botcore_telegram.wire import ALLOWED_UPDATES, Identity, Json

__all__ = ["Api", "in_our_words"]

log = logging.getLogger(__name__)
T = TypeVar("T")

OPEN_CALLS = 64
"""Calls in the air at once: with too many open ones the server answers every further one "retry after 60"."""
NOT_SENT_PAUSE_S = 1.0, 300.0
"""Between tries without a connection: as long as it has been gone, within these bounds."""
WRONG_TOKEN_PAUSE_S = 60.0
MENU_LIMIT = 100
"""Commands in Telegram's menu."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""A preview is a request to whatever address the model wrote."""


class Api:
    """An open connection to the Bot API; made inside a running event loop.

    `me`, `updates` and `drop_webhook` raise the errors of `request`; everything else `Retry`, `Rejected` or `Unknown`.
    """

    def __init__(self, settings: TelegramSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._gone_since: float | None = None
        """Since when there is no connection."""
        # PTB's RetryAfter is never made (see request.py), so its PTB_TIMEDELTA switch does not matter here.
        self._stand_in = f"{settings.account}:hidden"
        self._url = f"{settings.base_url}/bot{self._stand_in}"

        local = urlsplit(self._settings.base_url).hostname in ("127.0.0.1", "localhost", "::1")
        connector = aiohttp.TCPConnector(limit=OPEN_CALLS)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=not local)
        self._transport = Transport(
            self._session,
            stand_in=self._stand_in,
            token=self._settings.token,
            read_timeout=self._settings.call_timeout_s,
        )
        self._bot = Bot(
            self._stand_in,
            base_url=f"{self._settings.base_url}/bot",
            base_file_url=f"{self._settings.base_url}/file/bot",
            request=self._transport,
            get_updates_request=self._transport,
        )

    async def close(self) -> None:
        """Cut what is in the air."""
        await self._session.close()

    async def me(self, channel: str) -> Identity:
        """Who the token belongs to."""
        user = await self._bot.get_me()
        return Identity(channel=channel, user_id=user.id, username=user.username or "")

    async def updates(self, offset: int, *, wait: bool) -> Sequence[Json]:
        """What arrived from ``offset`` on; asking confirms everything below it.

        Plain JSON, as a dead letter has to keep it; the SDK's objects would be built to be read once.
        """
        seconds = self._settings.poll_timeout_s if wait else 0
        question: dict[str, Any] = {"timeout": seconds, "limit": 100, "allowed_updates": ALLOWED_UPDATES}
        if offset:
            question["offset"] = offset
        silence = seconds + self._settings.call_timeout_s
        _, payload = await self._transport.call(f"{self._url}/getUpdates", question, read_timeout=silence)
        result: list[Json] = json.loads(payload)["result"]
        return result

    async def drop_webhook(self) -> None:
        """Let updates be asked for again. What waits is kept."""
        await self._bot.delete_webhook(drop_pending_updates=False)

    async def publish(self, commands: Sequence[Command]) -> None:
        """Fill the menu behind "/"."""
        menu = [BotCommand(command.name, (command.help or command.name)[:256]) for command in commands[:MENU_LIMIT]]
        await self._said(self._bot.set_my_commands(menu))

    async def send(
        self, chat: int, thread: int | None, text: str, citations: Sequence[Citation], reply_to: int | None
    ) -> tuple[int, int]:
        """Chat and message id of a new message."""
        quoted = ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to else None

        async def attempt(chat: int, body: Body) -> tuple[int, int]:
            sent = await self._bot.send_message(
                chat,
                body.text,
                entities=_entities(body),
                message_thread_id=thread,
                reply_parameters=quoted,
                link_preview_options=NO_PREVIEW,
            )
            return sent.chat_id, sent.message_id

        return await self._persist(attempt, chat, text, citations)

    async def edit(self, chat: int, message: int, text: str, citations: Sequence[Citation]) -> None:
        """Replace a message's text; the same text again is fine."""

        async def attempt(chat: int, body: Body) -> None:
            with _same_is_fine():
                await self._bot.edit_message_text(
                    body.text, chat, message, entities=_entities(body), link_preview_options=NO_PREVIEW
                )

        await self._persist(attempt, chat, text, citations)

    async def preview(self, chat: int, message: int, text: str) -> None:
        """Show an unfinished text in a message of ours."""
        with _same_is_fine():
            await self._said(self._bot.edit_message_text(text, chat, message, link_preview_options=NO_PREVIEW))

    async def draft(self, chat: int, thread: int | None, draft: int, text: str) -> None:
        """Show an unfinished text that vanishes by itself after 30 s; "" shows that the bot thinks."""
        await self._said(self._bot.send_message_draft(chat, draft, text, message_thread_id=thread))

    async def typing(self, chat: int, thread: int | None) -> None:
        """Show "typing…" for five seconds."""
        await self._said(self._bot.send_chat_action(chat, ChatAction.TYPING, message_thread_id=thread))

    async def _said(self, call: Awaitable[Any]) -> None:
        try:
            await call
        except TelegramError as error:
            raise self._told(error) from error
        self._gone_since = None

    async def _persist(
        self, attempt: Callable[[int, Body], Awaitable[T]], chat: int, text: str, citations: Sequence[Citation]
    ) -> T:
        """Once as it should be; once more where the chat moved, once more where the formatting was refused."""
        said = body(text, citations)
        while True:
            try:
                result = await attempt(chat, said)
            except TelegramError as error:
                if isinstance(error, Refused) and error.migrate_to not in (0, chat):
                    chat = error.migrate_to
                elif _about_entities(error) and said.spans:
                    log.warning("Telegram refuses the formatting, sending the text as it is: %s", error)
                    said = plain(text, citations)
                else:
                    raise self._told(error) from error
            else:
                self._gone_since = None
                return result

    def _told(self, error: TelegramError) -> Retry | Rejected | Unknown:
        if not isinstance(error, NotSent):
            self._gone_since = None
            return in_our_words(error)
        now = self._clock.monotonic()
        if self._gone_since is None:
            self._gone_since = now
        return in_our_words(error, gone_for=now - self._gone_since)


def in_our_words(error: TelegramError, *, gone_for: float = 0) -> Retry | Rejected | Unknown:
    """What the core must know: wait, give up, or nobody can tell."""
    shortest, longest = NOT_SENT_PAUSE_S
    if isinstance(error, NotSent):
        return Retry(min(max(gone_for, shortest), longest), str(error))
    if not isinstance(error, Refused):
        return Unknown(str(error))
    why = f"Telegram says: {error.description} ({error.status})"
    if error.status == 429:
        return Retry(max(error.retry_after, shortest), why)
    if error.status in (400, 403, 413):
        return Rejected(why)
    if error.status < 500:
        # 401 and 404 are a token that no longer holds, the rest a proxy's: not executed, and an operator must act.
        return Retry(WRONG_TOKEN_PAUSE_S, why)
    return Unknown(why)


def _entities(body: Body) -> list[MessageEntity] | None:
    if not body.spans:
        return None
    return [
        MessageEntity(span.type, span.offset, span.length, url=span.url, language=span.language) for span in body.spans
    ]


@contextmanager
def _same_is_fine() -> Iterator[None]:
    try:
        yield
    except (Refused, Rejected) as error:
        if "message is not modified" not in str(error).lower():
            raise


def _about_entities(error: TelegramError) -> bool:
    return isinstance(error, Refused) and error.status == 400 and "entit" in error.description.lower()
