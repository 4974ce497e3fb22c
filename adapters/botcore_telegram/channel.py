"""Telegram as the core sees it: a `Channel`. The ways in are `poll` and `webhook`, the way out is `api`."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

from botcore import (
    Attachment,
    Bot,
    BotcoreError,
    Capabilities,
    Clock,
    Command,
    Conversation,
    Draft,
    Inbox,
    Part,
    Registry,
    Rejected,
    Retry,
    SettingsError,
    Unknown,
    hookimpl,
)
from botcore_telegram.buttons import Keyboard, keyboard
from botcore_telegram.errands import Errands
from botcore_telegram.intake import Intake
from botcore_telegram.link import Link
from botcore_telegram.moves import Moves
from botcore_telegram.presses import Presses
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.text import LIMIT
from botcore_telegram.wire import chat_and_message, place, platform_id, read

if TYPE_CHECKING:
    from aiohttp import web

    from botcore_telegram.webhook import Webhook

__all__ = ["Telegram"]

log = logging.getLogger(__name__)

NOT_CONNECTED = "not connected yet"
STANDING_BY = "standing by: another process of this bot asks Telegram for messages"
PRIVACY = "shown all of a group only as its administrator (else switch privacy mode off: @BotFather, /setprivacy)"
SOURCES_ROOM = 296
"""Units kept free below a text for its list of sources, and for what formatting may add."""

PREVIEW_SHARE = 0.75
"""Of what Telegram takes in one group a minute: the rest is for finished texts, for who exceeds it waits long."""

FIRST_DRAFT_S = 0.05
"""In private chats, where a draft is no more than a preview. In groups the placeholder is what makes a resend safe."""


class Telegram:
    """The channel for one bot account. Lives inside a bot, which gives it the clock; outside of one, bring a clock."""

    requires = ("telegram",)
    Settings = TelegramSettings
    name = "telegram"

    def __init__(self, settings: TelegramSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._commands: Callable[[], Sequence[Command]] = tuple
        self._moves = Moves()
        self._link: Link | None = None
        self._webhook: Webhook | None = None
        """Takes Telegram's calls while `run` does."""
        self.health = NOT_CONNECTED
        """"ok", or in words what keeps messages from coming in."""

    def __repr__(self) -> str:
        return f"<Telegram {self.name}: bot {self._settings.account}>"

    @hookimpl
    def register(self, registry: Registry) -> None:
        """See `botcore.hookspecs`."""
        registry.channel(self)
        self._commands = lambda: registry.commands
        if self._settings.mode == "webhook":
            registry.route("POST", self._settings.path(self.name), self.hook, access="public", stream=True)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Keep the connection for as long as the bot lives: the last replies go out after `run` was ended."""
        self._clock, self._moves.bot = self._clock or bot.clock, bot
        async with self._connected():
            yield

    async def check(self, clock: Clock) -> str:
        """Whose the token is, as Telegram says. Raises `BotcoreError` where it cannot be asked or does not know it."""
        from telegram.error import TelegramError

        from botcore_telegram.line import Line
        from botcore_telegram.request import IS_BASE_URL_RIGHT, Refused

        line = Line(self._settings)
        try:
            me = await line.me(self.name)
            bot = f"@{me.username} on {self._settings.base_url}"
            if self._settings.group_mode == "all" and not me.sees_groups:
                bot += f", {PRIVACY}"
            if self._settings.mode == "polling":
                return bot
            address, called = self._settings.address(self.name), (await line.webhook()).url
            return f"{bot}, called at {address}" + ("" if called == address else " as soon as it runs")
        except Refused as refused:
            ask = IS_BASE_URL_RIGHT if refused.misplaced else "is the token right?"
            raise BotcoreError(f"Telegram says {refused.description} ({refused.status}): {ask}") from None
        except TelegramError as error:
            raise BotcoreError(f"Telegram does not answer: {error}") from None
        finally:
            await line.close()

    def capabilities(self, conversation: Conversation) -> Capabilities:
        """Drafts in private chats; in groups a placeholder that is edited."""
        settings, private = self._settings, conversation.private
        return Capabilities(
            progress="draft" if private else "anchor",
            text_limit=LIMIT - SOURCES_ROOM,
            text_unit="utf16",
            progress_after=FIRST_DRAFT_S if private else 0,
            progress_every=1.0 if private else 60 / (PREVIEW_SHARE * settings.sends_per_minute_per_group),
            progress_counts=not private,
            sends_per_second=settings.sends_per_second,
            sends_per_second_per_chat=min(
                settings.sends_per_second_per_chat,
                float("inf") if private else settings.sends_per_minute_per_group / 60,
            ),
        )

    async def run(self, inbox: Inbox) -> None:
        """Receive until cancelled. Raises `SettingsError` for a wrong token."""
        wrong: SettingsError | None = None
        async with self._connected() as link, asyncio.TaskGroup() as tasks:
            errands = Errands(link.clock, self.name)
            beside = [
                tasks.create_task(link.publish(self._commands()), name=f"{self.name}: menu of commands"),
                tasks.create_task(link.drafts.run(), name=f"{self.name}: keep drafts alive"),
                tasks.create_task(errands.run(), name=f"{self.name}: errands"),
            ]
            try:
                await self._receive(link, inbox, errands)
            except SettingsError as error:
                # Carried out of the group by hand: the group would wrap it.
                wrong = error
            finally:
                self._webhook = None
                for task in beside:
                    task.cancel()
        if wrong is not None:
            self._report(str(wrong))
            raise wrong

    async def _receive(self, link: Link, inbox: Inbox, errands: Errands) -> NoReturn:
        """By asking, while this process leads; or by being called, which every process may be."""
        from botcore_telegram.poll import Poll
        from botcore_telegram.webhook import Webhook

        intake = self._intake(link, inbox, errands)
        if self._settings.mode == "webhook":
            self._webhook = Webhook(
                link.line, intake, link.clock, self._settings, channel=self.name, report=self._report
            )
            await self._webhook.run()
        while True:
            self.health = STANDING_BY
            async with inbox.lead(self.name):
                self.health = NOT_CONNECTED
                # Each term asks without an offset: Telegram hands out again what nobody has confirmed.
                await Poll(link.line, intake, link.clock, channel=self.name, report=self._report).run()

    def _intake(self, link: Link, inbox: Inbox, errands: Errands) -> Intake:
        def tell(conversation: Conversation, text: str) -> None:
            chat, thread = place(conversation)
            errands.add(chat, lambda: link.api.send(chat, thread, text))

        def commands() -> Collection[str]:
            return {command.name for command in self._commands()}

        return Intake(
            inbox,
            channel=self.name,
            moves=self._moves,
            read=lambda update, me: read(update, me, self._settings.group_mode, commands()),
            tell=tell,
            pressed=Presses(link.api, errands, commands).pressed,
        )

    async def hook(self, request: "web.Request") -> "web.Response":
        """Answer one of Telegram's calls; see `webhook`."""
        from aiohttp import web

        from botcore_telegram.webhook import NOT_NOW, SECRET_HEADER, genuine

        secret = self._settings.webhook_secret.get_secret_value()
        if not genuine(request.headers.get(SECRET_HEADER, ""), secret):
            return web.Response(status=401)
        answer = await self._webhook.answer(request.content) if self._webhook else NOT_NOW
        headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after else None
        return web.Response(status=answer.status, headers=headers)

    async def send(self, part: Part) -> str:
        """The id of the new message. Raises `Retry`, `Rejected` or `Unknown`."""
        link = self._linked()
        await link.drafts.end(part.turn)
        chat, thread = place(part.conversation)
        quoted = "" if part.conversation.private else part.reply_to
        sent = await link.api.send(chat, thread, part.text, part.citations, reply_to=quoted, buttons=_buttons(part))
        return platform_id(*sent)

    async def edit(self, platform_id: str, part: Part) -> None:
        """Replace a message's text; the same text again is a success. Raises as `send`."""
        try:
            chat, message = chat_and_message(platform_id)
        except ValueError:
            raise Rejected(f"{platform_id!r} names no Telegram message") from None
        await self._linked().api.edit(chat, message, part.text, part.citations, buttons=_buttons(part))

    async def show(self, draft: Draft) -> None:
        """Show progress as well as Telegram can. Raises nothing but `Retry`."""
        await self._linked().show(draft)

    async def find(self, part: Part, since: float) -> str | None:
        """Always raises `Unknown`: Telegram cannot be asked what a bot has sent."""
        raise Unknown("Telegram cannot be asked what a bot has sent")

    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """A file's bytes in pieces; Telegram hands out 20 MB at most. Raises `Retry`, `Rejected` or `Unknown`."""
        async with aclosing(self._linked().api.file(attachment)) as pieces:
            async for piece in pieces:
                yield piece

    def _report(self, health: str) -> None:
        if health != self.health:
            log.log(logging.INFO if health == "ok" else logging.WARNING, "%s: %s", self.name, health)
        self.health = health

    def _linked(self) -> Link:
        if self._link is None:
            raise Retry(1.0, f"{self.name} is not connected")
        return self._link

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Link]:
        """The one connection, shared by `run` and `lifespan`: the first one opens it, the last one closes it."""
        if self._clock is None:
            raise RuntimeError("a Telegram channel outside of a bot needs a clock: Telegram(settings, clock)")
        link = self._link = self._link or Link(self._settings, self._clock, self.name, self._moves)
        link.holders += 1
        try:
            yield link
        finally:
            link.holders -= 1
            if not link.holders:
                self._link = None
                await link.line.close()


def _buttons(part: Part) -> Keyboard:
    return keyboard() if part.ask_feedback else ()
