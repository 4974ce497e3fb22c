"""The client of `botcore chat` and `botcore ask`, against a bot's own port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import pytest

from botcore import Chunk, Turn, hookimpl
from botcore.cli.page import Page, _grown, _rest, open_page
from botcore.errors import BotcoreError
from botcore.testing import ManualClock, chatting

WEB = {"channels.web": {"enabled": True}}


class Slow:
    """Begins with blank lines, as thinking models do, and ends when it may."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer()

    async def _answer(self) -> AsyncIterator[Chunk]:
        yield Chunk(text="\n\nOne")
        await self.go.wait()
        yield Chunk(text=" two three. ")


async def test_a_reply_that_began_with_blanks_is_printed_whole(tmp_path: Path) -> None:
    slow, printed = Slow(), ""
    async with (
        chatting(tmp_path, plugins={"slow": slow}, settings=WEB, clock=ManualClock()) as chat,
        open_page(chat.bot.address) as page,
        aclosing(page.ask("count")) as pieces,
    ):
        async for piece in pieces:
            printed += piece.text
            if printed:
                slow.go.set()
    assert printed == "One two three."


@pytest.mark.parametrize("use", [lambda page: anext(page.ask("count")), Page.read, Page.stop])
async def test_a_bot_that_went_away_is_one_error_whatever_is_asked_of_it(
    tmp_path: Path, use: Callable[[Page], Awaitable[object]]
) -> None:
    async with AsyncExitStack() as running:
        chat = await running.enter_async_context(chatting(tmp_path, settings=WEB, clock=ManualClock()))
        async with open_page(chat.bot.address) as page:
            await running.aclose()
            with pytest.raises(BotcoreError, match="does not answer"):
                await use(page)


@pytest.mark.parametrize(
    ("drafts", "reply", "printed"),
    [
        ([], "One.", "One."),
        (["  ", "  One", "  One two "], "One two", "One two "),
        (["One two", "Three"], "Three four", "One two\nThree four"),
        (["One"], "", "One\n"),
    ],
)
def test_what_was_said_of_a_reply_and_its_rest_are_the_reply(drafts: list[str], reply: str, printed: str) -> None:
    said = ""
    for draft in drafts:
        said += _grown(said, draft)
    assert said + _rest(said, reply) == printed
