"""The same conversation in every channel: real clients on protocol-true platforms, one bot, replies from vLLM.

A greeting, a story, a question about a PDF that comes with it, a story that is stopped, a message after it, and two
thumbs down with a comment, neither on the newest reply. What the bot keeps of it is read as `botcore export` does.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from botcore.bot import Bot
from botcore_slack.testing import FakeSlack
from botcore_telegram.testing import FakeTelegram
from tests.documents import make_pdf
from tests.e2e.doors import Door, SlackDoor, TelegramDoor, WebDoor
from tests.e2e.here import kept, made, ready, running

PATIENCE_S = 60
"""For one exchange: with five channels' tests behind one engine on two cores a story takes some seconds."""
PAGES = [
    "This is the handbook of the harbour.",
    "The northern pier is 412 metres long and was built by convicts.",
    "The lighthouse keeper feeds the cats at noon.",
]
CHAT_TOKENS, STORY_TOKENS = 40, 600
"""Exactly as long as replies are: the model never ends one by itself."""
CHANNELS = ("web", "polling", "webhook", "socket", "events")

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, slots=True)
class Town:
    """One bot and the platforms around it."""

    bot: Bot
    telegrams: dict[str, FakeTelegram]
    slacks: dict[str, FakeSlack]

    async def judged(self, channel: str, comments: int) -> list[dict[str, Any]]:
        """The same once so many comments are kept: nothing tells when one was stored."""
        while True:
            exchanges = await kept(self.bot, channel)
            if sum(bool(verdict["comment"]) for each in exchanges for verdict in each["feedback"]) >= comments:
                return exchanges
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(engine_python: Path, endless: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        telegrams = {name: await stack.enter_async_context(FakeTelegram()) for name in ("polling", "webhook")}
        slacks = {name: await stack.enter_async_context(FakeSlack(mode=name)) for name in ("socket", "events")}
        tables: dict[str, dict[str, Any]] = {
            "bot": {"data_dir": tmp_path_factory.mktemp("data")},
            "engine": {"python": str(engine_python), "model": str(endless)},
            "plugins.qa": {"sources": []},
            "plugins.textgen": {
                "presets": {"chat": {"max_tokens": CHAT_TOKENS}, "story": {"max_tokens": STORY_TOKENS}}
            },
            "channels.polling": {"use": "telegram", **telegrams["polling"].table("polling")},
            "channels.webhook": {"use": "telegram", **telegrams["webhook"].table("webhook")},
            "channels.socket": {"use": "slack", **slacks["socket"].table()},
            "channels.events": {"use": "slack", **slacks["events"].table()},
        }
        bot = await stack.enter_async_context(running(tables))
        telegrams["webhook"].reach(bot.address)
        slacks["events"].posts_to(f"{bot.address}/hooks/events")
        await ready(bot)
        assert bot.loaded.problems == {}
        yield Town(bot, telegrams, slacks)


@pytest_asyncio.fixture(params=CHANNELS, loop_scope="module")
async def door(request: pytest.FixtureRequest, town: Town) -> AsyncIterator[Door]:
    name = request.param
    if name in town.telegrams:
        yield TelegramDoor(name, town.telegrams[name].chat(7))
    elif name in town.slacks:
        yield SlackDoor(name, town.slacks[name].dm("U1"))
    else:
        async with WebDoor.open(town.bot.address) as page:
            yield page


async def test_the_same_conversation(door: Door, town: Town) -> None:
    async with asyncio.timeout(4 * PATIENCE_S):
        await door.says("Hello! Who are you?")
        hello = await door.hears()
        await door.says("/story a lighthouse in the snow")
        tale = await door.hears()
        await door.uploads("harbour.pdf", make_pdf(PAGES, title="Harbour handbook"), "How long is the northern pier?")
        cited = await door.hears("412 metres")
        await door.says("/story a long voyage over the sea")
        await door.stops()
        cut = await door.hears()
        await door.says("Are you still there?")
        there = await door.hears()
        await door.judges(cited, "Which year was that?")
        await door.judges(tale, "Too much snow.")
        greeting, story, answer, voyage, after, *_ = exchanges = await town.judged(door.channel, 2)

    assert "Harbour handbook, p. 2" in cited.sources
    assert PAGES[1] in cited.sources
    assert cut.text.endswith("Stopped.")
    for heard, each in zip((hello, tale, cited, cut, there), exchanges, strict=False):
        assert words(each["reply"]) in words(heard.text)

    assert [each["outcome"] for each in exchanges[:5]] == ["answered", "answered", "answered", "stopped", "answered"]
    written = greeting, story, voyage, after
    assert [each["model"] for each in written] == [town.bot.engine.model] * 4
    assert [each["completion_tokens"] for each in (greeting, story, after)] == [CHAT_TOKENS, STORY_TOKENS, CHAT_TOKENS]
    [citation] = answer["citations"]
    assert (citation["title"], citation["page"], citation["snippet"]) == ("Harbour handbook", 2, PAGES[1])
    verdicts = [[(verdict["value"], verdict["comment"]) for verdict in each["feedback"]] for each in exchanges[:5]]
    assert verdicts == [[], [(-1, "Too much snow.")], [(-1, "Which year was that?")], [], []]

    source = await made(town.bot, story)
    assert (source["model"], source["sampling"]["max_tokens"]) == (town.bot.engine.model, STORY_TOKENS)
    assert "a lighthouse in the snow" in source["prompt"][-1]["content"]
    source = await made(town.bot, answer)
    assert (source["model"], source["prompt"]) == ("", []), "quoted, not written"
    assert [(passage["title"], passage["page"]) for passage in source["passages"]] == [("Harbour handbook", 2)]


def words(text: str) -> str:
    """Without what each channel shows in its own way: spaces, line ends, marks."""
    return " ".join(re.findall(r"\w+", text))
