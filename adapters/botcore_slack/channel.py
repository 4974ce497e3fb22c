"""Slack as the core sees it: a `Channel`.

What deliveries mean is in `wire` and `actions`, how they come in `sockets` and `hook`, what each goes through in
`intake`; calls are in `api`, replies that grow in `streams`.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from botcore_slack.asides import Asides
from botcore_slack.blocks import LIMIT, preview
from botcore_slack.hook import Hook
from botcore_slack.intake import Askers, Intake
from botcore_slack.receipts import find
from botcore_slack.recent import Recent
from botcore_slack.settings import SlackSettings
from botcore_slack.wire import channel_and_ts, platform_id

if TYPE_CHECKING:
    from botcore_slack.api import Api
    from botcore_slack.streams import Streams
    from botcore_slack.wire import Identity

__all__ = ["Slack"]

log = logging.getLogger(__name__)

STREAM_EVERY_S = 0.6
EDIT_EVERY_S = 2.0
"""chat.update may be called some fifty times a minute, over all conversations."""


@dataclass(slots=True)
class _Link:
    """What is there while we are connected."""

    api: "Api"
    streams: "Streams"
    clock: Clock
    holders: int = 0


class Slack:
    """The channel for one app in one workspace. Lives inside a bot, which gives it the clock; else bring a clock."""

    requires = ("slack",)
    Settings = SlackSettings
    name = "slack"

    def __init__(self, settings: SlackSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._bot: Bot | None = None
        self._commands: Callable[[], Sequence[Command]] = tuple
        self._link: _Link | None = None
        self._askers = Askers()
        self._joined = Recent[bool]()
        """Threads the bot is known to take part in."""
        self._waiting = Recent[bool]()
        """Messages of ours below whose thread a line says what they wait for."""
        self._hook = Hook(settings.signing_secret, report=self._report)
        self.health = "not connected yet"
        """"ok", or in words what keeps messages from coming in."""

    def __repr__(self) -> str:
        return f"<Slack {self.name}: {self._settings.mode}>"

    @hookimpl
    def register(self, registry: Registry) -> None:
        """See `botcore.hookspecs`."""
        registry.channel(self)
        self._commands = lambda: registry.commands
        if self._settings.mode == "events":
            registry.route("POST", f"/hooks/{registry.name}", self._hook.answer, access="public")

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Keep the connection for as long as the bot lives: the last replies go out after `run` was ended."""
        self._bot, self._clock = bot, self._clock or bot.clock
        async with self._connected():
            yield

    async def check(self, clock: Clock) -> str:
        """Whose the token is, as Slack says. Raises `BotcoreError` where it cannot be asked or does not know it."""
        from botcore_slack.api import Api
        from botcore_slack.request import Refused, Trouble

        api = Api(self._settings, clock)
        try:
            me = await api.me(self.name)
        except Refused as refused:
            ask = "is base_url right, or is a proxy in the way?" if refused.misplaced else "is bot_token right?"
            raise BotcoreError(f"Slack says {refused.error} ({refused.status}): {ask}") from None
        except Trouble as error:
            raise BotcoreError(f"Slack does not answer: {error}") from None
        finally:
            await api.close()
        return f"@{me.name} in {me.url or me.team}, mode {self._settings.mode}"

    def capabilities(self, conversation: Conversation) -> Capabilities:
        """A placeholder that becomes the reply: a stream in threads, edited elsewhere."""
        return Capabilities(
            progress="anchor",
            text_limit=LIMIT,
            progress_every=STREAM_EVERY_S if conversation.thread else EDIT_EVERY_S,
            sends_per_second=self._settings.sends_per_second,
            sends_per_second_per_chat=self._settings.sends_per_second_per_chat,
            can_find=True,
        )

    async def run(self, inbox: Inbox) -> None:
        """Receive until cancelled. Raises `SettingsError` for a wrong token."""
        from botcore_slack.start import identify

        wrong: SettingsError | None = None
        async with self._connected() as link, asyncio.TaskGroup() as tasks:
            self._hook.clock, self._hook.name = link.clock, self.name
            try:
                me = await identify(link.api, link.clock, channel=self.name, report=self._report)
                asides = Asides(link.api, tasks, channel=self.name)
                await self._listen(link, self._intake(link, inbox, me, asides))
            except SettingsError as error:
                # Carried out of the group by hand: the group would wrap it.
                wrong = error
            finally:
                self._hook.intake = self._hook.clock = None
        if wrong is not None:
            self._report(str(wrong))
            raise wrong

    async def _listen(self, link: _Link, intake: Intake) -> None:
        from botcore_slack.sockets import Sockets

        if self._settings.mode == "events":
            self._hook.intake = intake
            self._report("ok")
            await asyncio.Event().wait()
        count = self._settings.sockets
        sockets = Sockets(link.api, intake.take, link.clock, channel=self.name, count=count, report=self._report)
        await sockets.run()

    def _intake(self, link: _Link, inbox: Inbox, me: "Identity", asides: Asides) -> Intake:
        from botcore_slack.files import described

        return Intake(
            inbox,
            me,
            described=lambda file: described(file, link.api.file, link.clock),
            commands=lambda: {command.name for command in self._commands()},
            takes_part=self._takes_part,
            askers=self._askers,
            tell=asides.tell,
            ask_why=asides.ask_why,
        )

    # ------------------------------------------------------------ the way out

    async def send(self, part: Part) -> str:
        """The id of the new message. Raises `Retry`, `Rejected` or `Unknown`."""
        link, place = self._linked(), part.conversation
        ts = await self._streamed(link, part) if part.placeholder else ""
        return platform_id(place.chat, ts or await link.api.post(part))

    async def edit(self, platform_id: str, part: Part) -> None:
        """Make a message of ours this part; the same again is a success. Raises as `send`."""
        link = self._linked()
        try:
            channel, ts = channel_and_ts(platform_id)
        except ValueError as error:
            raise Rejected(str(error)) from None
        if not await link.streams.finish(platform_id, part):
            await link.api.update(channel, ts, part)
        if platform_id in self._waiting:
            await self._say_waiting(link, part.conversation, platform_id, "")

    async def show(self, draft: Draft) -> None:
        """Show progress as well as Slack can; what cannot be shown now is left out.

        Never raises `Retry`: Slack counts over all chats, and the core would make the final text of this one wait.
        """
        if draft.phase == "final" or not draft.platform_id:
            return
        try:
            await self._show(self._linked(), draft)
        except Exception as error:
            log.debug("%s: progress not shown: %s: %s", self.name, type(error).__name__, error)

    async def find(self, part: Part, since: float) -> str | None:
        """The id of the message that carries this part, as Slack says; None where there is none. Raises `Unknown`."""
        link = self._linked()
        return await find(part, since, link.api, link.clock)

    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The bytes of a file people sent. Raises `Retry`, `Rejected` or `Unknown`."""
        async with aclosing(self._linked().api.fetch(attachment)) as pieces:
            async for piece in pieces:
                yield piece

    async def _streamed(self, link: _Link, part: Part) -> str:
        """The ``ts`` of a message that grows, "" where none can."""
        place = part.conversation
        person, team = self._askers.of(part.reply_to, place)
        if not place.thread or not (place.private or person):
            return ""
        return await link.streams.start(part, person, team)

    async def _show(self, link: _Link, draft: Draft) -> None:
        place = draft.conversation
        channel, ts = channel_and_ts(draft.platform_id)
        if (place.thread and draft.note) or draft.platform_id in self._waiting:
            await self._say_waiting(link, place, draft.platform_id, draft.note)
        if draft.note and not place.thread:
            await link.api.preview(channel, ts, preview(f"_{draft.note}_"))
        elif draft.text.strip() and not await link.streams.show(draft.platform_id, draft.text):
            await link.api.preview(channel, ts, preview(draft.text))

    async def _say_waiting(self, link: _Link, place: Conversation, message: str, note: str) -> None:
        """Below the thread, until it is taken back by "": only a new message would end it. Not every app may."""
        try:
            await link.api.status(place.chat, place.thread, note)
        except (Retry, Rejected, Unknown) as error:
            log.debug("%s: no line below the thread: %s", self.name, error)
        else:
            if note:
                self._waiting.put(message, True)
            else:
                self._waiting.drop(message)

    async def _takes_part(self, conversation: Conversation) -> bool:
        """Whether the bot was asked in this thread before."""
        if self._settings.thread_mode == "mentioned" or self._bot is None:
            return False
        if conversation.key in self._joined:
            return True
        bot = self._bot
        joined = bool(await bot.history(conversation, limit=1) or await bot.open_messages(conversation))
        if joined:
            self._joined.put(conversation.key, True)
        return joined

    # ------------------------------------------------------------ lifetime

    def _report(self, health: str) -> None:
        if health != self.health:
            log.log(logging.INFO if health == "ok" else logging.WARNING, "%s: %s", self.name, health)
        self.health = health

    def _linked(self) -> _Link:
        if self._link is None:
            raise Retry(1.0, f"{self.name} is not connected")
        return self._link

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Link]:
        """The one connection, shared by `run` and `lifespan`: the first one opens it, the last one closes it."""
        link = self._link = self._link or self._open()
        link.holders += 1
        try:
            yield link
        finally:
            link.holders -= 1
            if not link.holders:
                self._link = None
                await link.api.close()

    def _open(self) -> _Link:
        from botcore_slack.api import Api
        from botcore_slack.streams import Streams

        if self._clock is None:
            raise RuntimeError("a Slack channel outside of a bot needs a clock: Slack(settings, clock)")
        api = Api(self._settings, self._clock)
        return _Link(api, Streams(api, self._clock), self._clock)
