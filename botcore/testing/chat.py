"""A whole bot in a test, talked to as a person would: ``await chat.says("hi"); await chat.hears("hello")``."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from botcore.bot import Bot
from botcore.clock import Clock
from botcore.engine.scripted import ScriptedEngine
from botcore.messages import Attachment, Conversation, Feedback, Message, Person, PromptMessage, Reply, Sampling
from botcore.ports import Draft, Encoder, Part, Receipt
from botcore.settings import Settings, load_settings
from botcore.testing.loopback import LoopbackChannel

__all__ = ["Chat", "chatting", "until"]

PATIENCE_S = 5.0
"""Real seconds `Chat.hears` waits before the test fails: a bot that says nothing must not hang the run."""

STOP_S = 35.0
"""Real seconds a bot may take to stop: a drain, and the plugins' lifespans. More is a plugin that does not end."""


class MessageFields(TypedDict, total=False):
    """What `Chat.says` takes beside the text: fields of `Message`."""

    platform_id: str
    reply_to: str
    about: str
    attachments: tuple[Attachment, ...]
    sent_at: float
    context: tuple[PromptMessage, ...]
    sampling: Sampling | None


class FeedbackFields(TypedDict, total=False):
    """What `Chat.judges` takes beside the value: fields of `Feedback`."""

    platform_id: str
    reasons: tuple[str, ...]
    comment: str
    correction: str


class Chat:
    """One person in one chat with a running bot. ``chat.with_("ben")`` is another person's private chat."""

    def __init__(self, bot: Bot, engine: ScriptedEngine, channel: LoopbackChannel, name: str = "ana") -> None:
        self.bot = bot
        self.engine = engine
        self.channel = channel
        self.person: Person = Person(id=name, name=name.title())
        self.conversation: Conversation = Conversation(channel=channel.name, chat=name)
        self._events = count(1)

    def with_(self, name: str) -> "Chat":
        """Another person, writing privately to the same bot."""
        return Chat(self.bot, self.engine, self.channel, name)

    async def says(self, text: str, *, event_id: str = "", **more: Unpack[MessageFields]) -> Receipt:
        """Send a message; returns once it is committed. ``more`` are fields of `Message`.

        ``event_id`` names the delivery, and is counted from 1 by this `Chat` where it is not given: the same one twice
        is the same message. Raises `StoreUnavailable` while the bot stops.
        """
        event = event_id or f"{self.person.id}-{next(self._events)}"
        more.setdefault("platform_id", event)
        message = Message(event_id=event, conversation=self.conversation, person=self.person, text=text, **more)
        return (await self.channel.inbox.accept([message]))[0]

    async def hears(self, expected: str | re.Pattern[str] = "") -> str:
        """The next message from the bot; fails unless it contains ``expected`` (case does not matter).

        Waits 5 real seconds at most, whatever the bot's clock says.
        """
        try:
            text = _text(await self._next())
        except TimeoutError:
            raise AssertionError(f"heard nothing within {PATIENCE_S:g} s, expected to hear {expected!r}") from None
        found = expected.search(text) if isinstance(expected, re.Pattern) else expected.lower() in text.lower()
        assert found, f"expected to hear {expected!r}, heard {text!r}"
        return text

    async def hears_nothing(self) -> None:
        """Fails if a message from the bot is waiting now; it does not wait for one."""
        waiting = self.channel.inbound(self.conversation.chat)
        assert waiting.empty(), f"expected silence, heard {_text(waiting.get_nowait())!r}"

    async def judges(
        self, reply: str, value: Literal[-1, 0, 1], *, event_id: str = "", **more: Unpack[FeedbackFields]
    ) -> Receipt:
        """Give feedback on a reply by its id; returns once it is committed. ``more`` are fields of `Feedback`."""
        event = event_id or f"{self.person.id}-{next(self._events)}"
        feedback = Feedback(
            event_id=event, conversation=self.conversation, person=self.person, reply=reply, value=value, **more
        )
        return (await self.channel.inbox.accept([feedback]))[0]

    async def replies(self) -> list[Reply]:
        """The bot's committed replies in this chat, oldest first."""
        entries = await self.bot.history(self.conversation)
        found = [await self.bot.reply(entry.reply) for entry in entries if entry.role == "assistant"]
        return [reply for reply in found if reply]

    @property
    def faults(self) -> list[str]:
        """What went wrong with plugins so far: not loaded, a hook that failed or was too slow, a lifespan that ended.

        The bot goes on without them, so that a test which only listens would pass.
        """
        loaded, health = self.bot.loaded, self.bot.health()
        lifespans = {name: health[name] for name in loaded.plugins if health.get(name, "ok") != "ok"}
        return [f"{name}: {what}" for name, what in (loaded.problems | lifespans).items()] + [
            f"{name}: {hook} failed" for name, hook in self.bot.metrics.failed_hooks()
        ]

    async def _next(self) -> Part | Draft:
        async with asyncio.timeout(PATIENCE_S):
            return await self.channel.inbound(self.conversation.chat).get()


@asynccontextmanager
async def chatting(
    data_dir: Path,
    *,
    plugins: Mapping[str, object] | None = None,
    settings: Mapping[str, Any] | None = None,
    engine: ScriptedEngine | None = None,
    encoder: Encoder | None = None,
    channel: LoopbackChannel | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Chat]:
    """A running bot with these plugins (name → object) and configuration tables, a scripted engine and one chat.

    ``plugins`` are asked in their order, and before those of ``settings``, as ``{"plugins": {"textgen": {}}}``.
    The same ``data_dir`` again is the same bot after a restart. ``chat.bot.address`` is where its port was bound. With
    a `ManualClock` time moves only by its ``advance``; work on the database's threads goes on without it (`until`).
    ``settings={"engine": {"kind": "parrot"}}`` lets the engine of a plugin answer in the scripted one's place.

    Raises what ends the bot before it has started (`SettingsError`, `PluginLoadError`), `AssertionError` where it does
    not stop.
    """
    engine, channel = engine or ScriptedEngine(), channel or LoopbackChannel()
    tables = _settings(data_dir, settings or {})
    bot = Bot(
        tables,
        clock=clock,
        engine=engine if tables.engine.kind == "scripted" else None,
        encoder=encoder,
        plugins={**(plugins or {}), channel.name: channel},
    )
    task = asyncio.create_task(bot.run(), name="bot")
    try:
        await _first(task, bot.started.wait())
        await _first(task, channel.open.wait())
        yield Chat(bot, engine, channel)
    finally:
        bot.stop()
        await _ended(task)


async def until(true: Callable[[], object]) -> None:
    """Return once ``true()`` is, for what no event tells (a slot freed); `TimeoutError` after 5 real seconds."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.002)  # gives the store's threads the processor
    except TimeoutError:
        raise TimeoutError(f"not true within {PATIENCE_S:g} s: {true()!r}") from None


def _settings(data_dir: Path, tables: Mapping[str, Any]) -> Settings:
    data_dir.mkdir(parents=True, exist_ok=True)
    flags = {"bot.data_dir": data_dir, "http.port": 0, "engine.kind": "scripted"}
    given = {f"{table}.{key}": value for table, keys in tables.items() for key, value in keys.items()}
    empty = data_dir / "empty.toml"
    empty.touch()
    return load_settings([empty], environ={}, flags=flags | given, local=None)


async def _first(task: "asyncio.Task[None]", event: Coroutine[Any, Any, object]) -> None:
    """Wait for the event, or raise what ended the bot before it."""
    waiting = asyncio.ensure_future(event)
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()


async def _ended(task: "asyncio.Task[None]") -> None:
    await asyncio.wait([task], timeout=STOP_S)
    if not task.done():
        task.cancel()
        raise AssertionError(
            f"the bot did not stop within {STOP_S:g} s: does a plugin's lifespan cancel its tasks behind its yield?"
        )
    task.result()


def _text(item: Part | Draft) -> str:
    if isinstance(item, Part):
        return item.text
    return (item.reply.text or item.reply.reason) if item.reply else item.text
