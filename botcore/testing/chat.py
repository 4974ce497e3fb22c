"""A whole bot in a test, talked to as a person would: ``await chat.says("hi"); await chat.hears("hello")``."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal

from botcore.bot import Bot
from botcore.clock import Clock
from botcore.engine.scripted import ScriptedEngine
from botcore.messages import Conversation, Feedback, Message, Person, Reply
from botcore.ports import Draft, Part, Receipt
from botcore.settings import Settings, load_settings
from botcore.testing.loopback import LoopbackChannel

__all__ = ["Chat", "chatting", "until"]

PATIENCE_S = 5.0
"""Real seconds `Chat.hears` waits before the test fails: a bot that says nothing must not hang the run."""

STOP_S = 35.0
"""Real seconds a bot may take to stop: a drain, and the plugins' lifespans. More is a plugin that does not end."""


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

    async def says(self, text: str, **more: Any) -> Receipt:
        """Send a message; returns once it is committed. ``more`` are fields of `Message`."""
        event = more.pop("event_id", f"{self.person.id}-{next(self._events)}")
        message = Message(
            event_id=event, conversation=self.conversation, person=self.person, text=text, platform_id=event, **more
        )
        return (await self.channel.inbox.accept([message]))[0]

    async def hears(self, expected: str | re.Pattern[str] = "") -> str:
        """The next message from the bot; fails unless it contains ``expected`` (case does not matter)."""
        text = _text(await self._next())
        found = expected.search(text) if isinstance(expected, re.Pattern) else expected.lower() in text.lower()
        assert found, f"expected to hear {expected!r}, heard {text!r}"
        return text

    async def hears_nothing(self) -> None:
        """Fails if a message from the bot is waiting."""
        waiting = self.channel.inbound(self.conversation.chat)
        assert waiting.empty(), f"expected silence, heard {_text(waiting.get_nowait())!r}"

    async def judges(self, reply: str, value: Literal[-1, 0, 1], **more: Any) -> Receipt:
        """Give feedback on a reply by its id. ``more`` are fields of `Feedback`."""
        event = more.pop("event_id", f"{self.person.id}-{next(self._events)}")
        feedback = Feedback(
            event_id=event, conversation=self.conversation, person=self.person, reply=reply, value=value, **more
        )
        return (await self.channel.inbox.accept([feedback]))[0]

    async def replies(self) -> list[Reply]:
        """The bot's committed replies in this chat, oldest first."""
        entries = await self.bot.history(self.conversation)
        found = [await self.bot.reply(entry.reply) for entry in entries if entry.role == "assistant"]
        return [reply for reply in found if reply]

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
    channel: LoopbackChannel | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Chat]:
    """A running bot with these plugins (name → object) and configuration tables, a scripted engine and one chat.

    The same ``data_dir`` again is the same bot after a restart.
    """
    engine, channel = engine or ScriptedEngine(), channel or LoopbackChannel()
    bot = Bot(
        _settings(data_dir, settings or {}),
        clock=clock,
        engine=engine,
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
    """Return once ``true()`` is, for what no event tells (a slot freed); fails after `PATIENCE_S` real seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.002)  # gives the store's threads the processor


def _settings(data_dir: Path, tables: Mapping[str, Any]) -> Settings:
    data_dir.mkdir(parents=True, exist_ok=True)
    flags = {"bot.data_dir": data_dir, "http.port": 0, "engine.kind": "scripted"}
    given = {f"{table}.{key}": value for table, keys in tables.items() for key, value in keys.items()}
    empty = data_dir / "empty.toml"
    empty.touch()
    return load_settings([empty], environ={}, flags=flags | given, local=None)


async def _first(task: "asyncio.Task[None]", event: Any) -> None:
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
