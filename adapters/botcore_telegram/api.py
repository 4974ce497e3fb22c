"""What the core asks of Telegram: messages, edits, previews, files; the line's errors in botcore's three words.

Texts go over the line as they are: the SDK's objects, built for each call and of each answer, would cost more than the
call itself (0.1 ms of processor time). This module loads the SDK; nothing imports it before a channel connects.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import TelegramError

from botcore import Attachment, Citation, Clock, Rejected, Retry, Unknown
from botcore_telegram.buttons import Keyboard
from botcore_telegram.line import Line
from botcore_telegram.moves import Moves
from botcore_telegram.request import NotSent, Refused
from botcore_telegram.text import Body, Span, body, plain
from botcore_telegram.wire import chat_and_message

__all__ = ["Api", "in_our_words", "is_flood_limit"]

log = logging.getLogger(__name__)
T = TypeVar("T")
Question = dict[str, Any]
"""What is asked, as JSON."""

NOT_SENT_PAUSE_S = 1.0, 300.0
"""Between tries without a connection: as long as it has been gone, within these bounds."""
WRONG_TOKEN_PAUSE_S = 60.0
NO_PREVIEW = {"is_disabled": True}
"""A preview is a request to whatever address the model wrote."""
DOWNLOAD_LIMIT = 20 << 20
"""Bytes of the largest file Telegram hands to a bot."""
TOO_LARGE = "larger than 20 MB, the most that Telegram hands to bots"


class Api:
    """Calls over an open line. They raise `Retry`, `Rejected` or `Unknown`."""

    def __init__(self, line: Line, clock: Clock, moves: Moves) -> None:
        self._line = line
        self._moves = moves
        self._bot = line.bot
        self._clock = clock
        self._gone_since: float | None = None
        """Since when there is no connection."""

    async def send(
        self,
        chat: int,
        thread: int | None,
        text: str,
        citations: Sequence[Citation] = (),
        *,
        reply_to: str = "",
        buttons: Keyboard = (),
    ) -> tuple[int, int]:
        """Chat and message id of a new message; ``reply_to`` is the platform id of the one it quotes."""
        topic: Question = {"message_thread_id": thread} if thread else {}

        async def post(chat: int, body: Body, place: Question) -> tuple[int, int]:
            sent = await self._line.ask("sendMessage", {"chat_id": chat, **_shown(body, buttons), **place})
            return sent["chat"]["id"], sent["message_id"]

        async def attempt(body: Body) -> tuple[int, int]:
            known = await self._moves.now(chat)
            quoted = _quoting(reply_to, known)
            try:
                return await post(known, body, topic | quoted)
            except Refused as refused:
                if refused.migrate_to not in (0, known):
                    await self._moves.followed(chat, refused.migrate_to)
                    return await post(refused.migrate_to, body, topic | _quoting(reply_to, refused.migrate_to))
                if not (topic and quoted and _about_thread(refused)):
                    raise
                # Topics of large groups are hidden from bots (tdlib/telegram-bot-api#693); a message in one is not.
                return await post(known, body, _quoting(reply_to, known, must_exist=True))

        return await self._persist(attempt, text, citations)

    async def edit(
        self, chat: int, message: int, text: str, citations: Sequence[Citation] = (), *, buttons: Keyboard = ()
    ) -> None:
        """Replace a message's text and buttons; the same again is fine.

        `Rejected` where the chat has moved: the same number is another message there.
        """

        async def attempt(body: Body) -> None:
            with _same_is_fine():
                question = {"chat_id": chat, "message_id": message, **_shown(body, buttons)}
                await self._line.ask("editMessageText", question)

        await self._persist(attempt, text, citations)

    async def preview(self, chat: int, message: int, text: str) -> None:
        """Show an unfinished text in a message of ours."""
        with _same_is_fine():
            question = {"chat_id": chat, "message_id": message, **_shown(Body(text=text))}
            await self._said(self._line.ask("editMessageText", question))

    async def draft(self, chat: int, thread: int | None, draft: int, text: str) -> None:
        """Show an unfinished text that vanishes by itself after 30 s; "" shows that the bot thinks."""
        await self._said(self._bot.send_message_draft(chat, draft, text, message_thread_id=thread))

    async def typing(self, chat: int, thread: int | None) -> None:
        """Show "typing…" for five seconds."""
        chat = await self._moves.now(chat)
        await self._said(self._bot.send_chat_action(chat, ChatAction.TYPING, message_thread_id=thread))

    async def show_buttons(self, chat: int, message: int, buttons: Keyboard) -> None:
        """Put other buttons below a message of ours; the same ones again are fine."""
        with _same_is_fine():
            await self._said(self._bot.edit_message_reply_markup(chat, message, reply_markup=_markup(buttons)))

    async def answer(self, query: str, text: str) -> None:
        """Tell Telegram that a button's press has arrived; ``text`` pops up for whoever pressed it."""
        await self._said(self._bot.answer_callback_query(query, text or None))

    async def file(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """A file's bytes in pieces."""
        if attachment.size > DOWNLOAD_LIMIT:
            raise Rejected(f"{attachment.name}: {TOO_LARGE}")
        try:
            path = await self._line.file_path(attachment.reference)
            if path.startswith("/"):
                raise Rejected("the Bot API server runs with --local and serves no files; start it without --local")
            total = 0
            async with aclosing(self._line.download(path)) as pieces:
                async for piece in pieces:
                    total += len(piece)
                    if total > DOWNLOAD_LIMIT:
                        raise Rejected(f"{attachment.name}: {TOO_LARGE}")
                    yield piece
        except TelegramError as error:
            raise self._no_file(attachment.name, error) from error
        self._gone_since = None

    def _no_file(self, name: str, error: TelegramError) -> Retry | Rejected | Unknown:
        if isinstance(error, Refused) and "too big" in error.description.lower():
            return Rejected(f"{name}: {TOO_LARGE}")
        if isinstance(error, Refused) and error.status in (400, 404):
            return Rejected(f"{name}: Telegram has no such file any more")
        return self._told(error)

    async def _said(self, call: Awaitable[Any]) -> None:
        try:
            await call
        except TelegramError as error:
            raise self._told(error) from error
        self._gone_since = None

    async def _persist(self, attempt: Callable[[Body], Awaitable[T]], text: str, citations: Sequence[Citation]) -> T:
        """Once as it should be; once more where the formatting was refused."""
        said = body(text, citations)
        while True:
            try:
                result = await attempt(said)
            except TelegramError as error:
                if not (_about_entities(error) and said.spans):
                    raise self._told(error) from error
                log.warning("Telegram refuses the formatting, sending the text as it is: %s", error)
                said = plain(text, citations)
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


def is_flood_limit(error: Retry) -> bool:
    """Whether Telegram wants less of us; else it could not be reached, or does not know the call."""
    return isinstance(error.__cause__, Refused) and error.__cause__.status == 429


def _shown(body: Body, buttons: Keyboard = ()) -> Question:
    """A text and its buttons as Telegram's JSON."""
    question: Question = {"text": body.text, "link_preview_options": NO_PREVIEW}
    if body.spans:
        question["entities"] = [_entity(span) for span in body.spans]
    if buttons:
        rows = [[{"text": button.label, "callback_data": button.data} for button in row] for row in buttons]
        question["reply_markup"] = {"inline_keyboard": rows}
    return question


def _quoting(platform_id: str, chat: int, *, must_exist: bool = False) -> Question:
    """Nothing where it names no message of this chat, as after a move."""
    try:
        where, message = chat_and_message(platform_id)
    except ValueError:
        return {}
    known = {"message_id": message, "allow_sending_without_reply": not must_exist}
    return {"reply_parameters": known} if where == chat else {}


def _entity(span: Span) -> Question:
    entity: Question = {"type": span.type, "offset": span.offset, "length": span.length}
    more = {"url": span.url, "language": span.language}
    return entity | {name: value for name, value in more.items() if value}


def _markup(buttons: Keyboard) -> InlineKeyboardMarkup | None:
    if not buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in buttons]
    )


@contextmanager
def _same_is_fine() -> Iterator[None]:
    try:
        yield
    except (Refused, Rejected) as error:
        if "message is not modified" not in str(error).lower():
            raise


def _about_entities(error: TelegramError) -> bool:
    return isinstance(error, Refused) and error.status == 400 and "entit" in error.description.lower()


def _about_thread(error: Refused) -> bool:
    return error.status == 400 and "thread not found" in error.description.lower()
