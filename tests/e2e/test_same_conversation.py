"""The same conversation in every channel: real clients on protocol-true platforms, one bot, replies from vLLM.

A greeting, a story, a question about a PDF that comes with it, a story that is stopped, a message after it, and two
thumbs down with a comment, neither on the newest reply. What the bot keeps of it is read as `botcore export` does.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.documents import make_pdf
from tests.e2e.doors import Door, SlackDoor, TelegramDoor, WebDoor
from tests.e2e.here import made
from tests.e2e.town import CHAT_TOKENS, STORY_TOKENS, Town

PATIENCE_S = 60
"""For one exchange: with five channels' tests behind one engine on two cores a story takes some seconds."""
PAGES = [
    "This is the handbook of the harbour.",
    "The northern pier is 412 metres long and was built by convicts.",
    "The lighthouse keeper feeds the cats at noon.",
]
CHANNELS = ("web", "polling", "webhook", "socket", "events")

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(params=CHANNELS, loop_scope="session")
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
