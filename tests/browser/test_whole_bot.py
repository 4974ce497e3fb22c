"""The page and the whole bot behind it: the real store, router and web channel; only the engine is scripted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from botcore import Chunk, Citation, Sampling, Turn, hookimpl
from botcore.testing import Chat, ScriptedEngine, chatting
from tests.browser.conftest import Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Start = Callable[..., AbstractAsyncContextManager[Chat]]
WORDS = "Alpha beta gamma delta epsilon."
SOURCE = Citation(number=1, title="The handbook", snippet="So it is written.", source="handbook.md")


class Talker:
    """Hands every message to the engine; quotes the handbook when asked for it, and the files it is given."""

    def __init__(self) -> None:
        self.read = asyncio.Event()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._quote(turn) if turn.message.attachments else self._answer(turn)

    async def _quote(self, turn: Turn) -> AsyncIterator[Chunk]:
        [attachment] = turn.message.attachments
        turn.progress(f"Reading {attachment.name}: page 40 of 200")
        await self.read.wait()
        async with turn.file(attachment, limit=20_000_000) as path:
            words = path.read_bytes()[:40].decode()
        found = Citation(number=1, title=attachment.name, snippet=words, source=attachment.name, page=12)
        yield Chunk(text="Second look [1]." if turn.again else "First look [1].", citations=(found,))

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        if "handbook" in turn.message.text:
            yield Chunk(text="So it is [1].", citations=(SOURCE,))
            return
        async for delta in turn.generate(await turn.prompt("Be kind."), Sampling(max_tokens=500)):
            yield Chunk(text=delta.text)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the bot; again after the end of the first one, it is the same bot after a restart."""

    def starting(
        engine: ScriptedEngine | None = None, talker: Talker | None = None, **http: Any
    ) -> AbstractAsyncContextManager[Chat]:
        tables = {"channels.web": {"enabled": True}, "http": http, "turn": {"drain_s": 0}}
        plugins = {"talker": talker or Talker()}
        return chatting(tmp_path / "data", plugins=plugins, settings=tables, engine=engine)

    return starting


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()


async def visit(page: Page, chat: Chat) -> Watch:
    """Open the bot's page, under watch."""
    watch = Watch(chat.bot.address.removeprefix("http://").rstrip("/"))
    watch.on(page)
    await page.goto(chat.bot.address)
    await page.get_by_role("heading", name="botcore").wait_for()
    return watch


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message to botcore").fill(text)
    await page.keyboard.press("Enter")


def replies(page: Page) -> Any:
    return page.get_by_role("article", name="Reply from botcore")


async def test_a_reply_streams_is_judged_and_is_still_there_tomorrow(page: Page, start: Start) -> None:
    async with start() as chat:
        watch = await visit(page, chat)
        chat.engine.say(WORDS)
        chat.engine.hold()
        await say(page, "Letters?")
        chat.engine.step(2)
        await expect(replies(page)).to_contain_text("Alpha beta")
        await expect(replies(page)).not_to_contain_text("gamma")
        chat.engine.release()
        await expect(replies(page)).to_contain_text(WORDS)
        await page.get_by_role("button", name="Good reply").click()
        await expect(page.get_by_role("button", name="Good reply")).to_have_attribute("aria-pressed", "true")
        await say(page, "What does the handbook say?")
        await page.get_by_role("button", name="Source 1: The handbook").click()
        await expect(page.get_by_role("dialog", name="Source 1")).to_contain_text("So it is written.")
        await page.reload()
        await expect(replies(page)).to_have_count(2)
        await expect(page.get_by_role("button", name="Good reply").first).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("link", name="Letters?")).to_be_visible()
        assert watch.verdict() == []


async def test_who_comes_by_a_link_on_another_site_finds_their_conversations(page: Page, start: Start) -> None:
    async with start() as chat:
        await visit(page, chat)
        await say(page, "What does the handbook say?")
        await expect(replies(page)).to_contain_text("So it is")
        link = f"<a href='{chat.bot.address}'>the bot</a>"
        await page.route("http://wiki.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
        await page.goto("http://wiki.example/")
        await page.get_by_role("link", name="the bot").click()
        await page.get_by_role("link", name="What does the handbook say?").click()
        await expect(replies(page)).to_contain_text("So it is")


async def test_who_deletes_the_cookie_begins_anew_and_loses_no_words(page: Page, start: Start) -> None:
    async with start() as chat:
        watch = await visit(page, chat)
        watch.expected.append("Failed to load resource")
        await say(page, "What does the handbook say?")
        await expect(replies(page)).to_contain_text("So it is")
        await page.context.clear_cookies()
        await say(page, "And the handbook today?")
        await expect(page.get_by_text("The cookie that your conversations here belong to was deleted.")).to_be_visible()
        await expect(page.get_by_role("article", name="You")).to_have_text("And the handbook today?")
        await expect(replies(page)).to_contain_text("So it is")
        listed = page.get_by_role("navigation", name="Conversations").get_by_role("link")
        await expect(listed).to_have_text(["And the handbook today?"])
        await page.context.clear_cookies()
        await page.route(f"{chat.bot.address}/", lambda route: route.fulfill(body=""))  # as a browser that keeps none
        await say(page, "The handbook, for the last time?")
        await expect(page.get_by_text("This browser keeps no cookie for this page")).to_be_visible()
        await page.unroute(f"{chat.bot.address}/")
        await expect(replies(page)).to_contain_text("So it is")
        await expect(page.get_by_text("This browser keeps no cookie for this page")).to_have_count(0)
        await expect(page.get_by_role("article", name="You")).to_have_text("The handbook, for the last time?")
        assert watch.verdict() == []


async def test_a_file_is_read_cited_corrected_and_read_again(page: Page, start: Start, tmp_path: Path) -> None:
    talker, book = Talker(), tmp_path / "handbook.txt"
    book.write_bytes(b"So it is written. " * 200_000)  # 3.6 MB
    async with start(talker=talker) as chat:
        watch = await visit(page, chat)
        async with page.expect_file_chooser() as chooser:
            await page.get_by_role("button", name="Attach files").click()
        await (await chooser.value).set_files(book)
        await expect(page.get_by_role("list", name="Attached files")).to_contain_text("3.6 MB")
        await page.get_by_label("Message to botcore").press("Enter")
        await expect(replies(page).locator(".note")).to_have_text("Reading handbook.txt: page 40 of 200")
        talker.read.set()
        await expect(replies(page)).to_contain_text("First look")
        await page.get_by_role("button", name="Bad reply").click()
        await page.get_by_role("button", name="Incomplete").click()
        await page.get_by_label("What should it have said?").fill("It says a lot.")
        await page.locator(".why").get_by_role("button", name="Send").click()
        await expect(page.locator(".why")).to_have_count(0)
        await page.get_by_role("button", name="Answer again").click()
        await expect(replies(page)).to_contain_text("Second look")
        await page.reload()
        await expect(replies(page)).to_have_count(1)
        await expect(page.get_by_role("article", name="You").get_by_role("list")).to_contain_text("handbook.txt3.6 MB")
        await page.get_by_role("button", name="Source 1: handbook.txt, page 12").last.click()
        await expect(page.get_by_role("dialog", name="Source 1")).to_contain_text("So it is written.")
        await page.get_by_text("Earlier answer", exact=True).click()
        await expect(page.get_by_role("article", name="Earlier answer")).to_contain_text("First look")
        [verdict] = [one async for one in chat.bot.judgements()]
        assert (verdict.value, verdict.reasons, verdict.correction) == (-1, ("incomplete",), "It says a lot.")
        assert watch.verdict() == []


async def test_a_reload_in_the_middle_finds_the_running_reply(page: Page, start: Start) -> None:
    async with start() as chat:
        watch = await visit(page, chat)
        chat.engine.say(WORDS)
        chat.engine.hold()
        await say(page, "Letters?")
        chat.engine.step(2)
        await expect(replies(page)).to_contain_text("Alpha beta")
        await page.reload()
        await expect(page.get_by_role("article", name="You")).to_contain_text("Letters?")
        await expect(replies(page)).to_contain_text("Alpha beta")
        chat.engine.release()
        await expect(replies(page)).to_contain_text(WORDS)
        await expect(replies(page)).to_have_count(1)
        assert watch.verdict() == []


async def test_stop_frees_the_engine_and_keeps_what_was_said(page: Page, start: Start) -> None:
    async with start() as chat:
        watch = await visit(page, chat)
        chat.engine.say(WORDS)
        chat.engine.hold()
        await say(page, "Letters?")
        chat.engine.step(2)
        await expect(replies(page)).to_contain_text("Alpha beta")
        await page.keyboard.press("Escape")
        await expect(replies(page)).to_contain_text("Stopped")
        await expect(replies(page)).to_contain_text("Alpha beta")
        assert chat.engine.open == 0
        assert watch.verdict() == []


async def test_what_was_asked_before_a_restart_is_answered_after_it(page: Page, start: Start) -> None:
    engine = ScriptedEngine(WORDS)
    engine.hold()
    async with start(engine) as chat:
        watch = await visit(page, chat)
        port = int(chat.bot.address.rpartition(":")[2])
        await say(page, "Letters?")
        engine.step(2)
        await expect(replies(page)).to_contain_text("Alpha beta")
    watch.expected.append("net::ERR_")  # while there is no server
    watch.expected.append("503")
    async with start(ScriptedEngine(WORDS), port=port) as chat:
        await expect(replies(page)).to_contain_text(WORDS, timeout=15_000)
        await expect(replies(page)).to_have_attribute("aria-busy", "false")
        await expect(page.get_by_role("article", name="You")).to_have_count(1)
        await expect(page.get_by_text("Connection lost")).to_have_count(0)
    assert watch.verdict() == []


async def test_a_deleted_conversation_is_gone_for_good(page: Page, start: Start) -> None:
    async with start() as chat:
        watch = await visit(page, chat)
        await say(page, "A secret")
        await expect(replies(page)).to_have_attribute("aria-busy", "false")
        address = page.url
        await page.get_by_role("button", name="Delete “A secret”").press("Enter")
        await page.reload()  # leaving the page ends the time to undo
        await page.goto(address)
        await expect(page.get_by_role("heading", name="botcore")).to_be_visible()
        await expect(page.get_by_role("link", name="A secret")).to_have_count(0)
        assert watch.verdict() == []


async def test_another_visitor_sees_nothing(page: Page, context: BrowserContext, start: Start) -> None:
    async with start() as chat:
        await visit(page, chat)
        await say(page, "A secret")
        await expect(replies(page)).to_have_attribute("aria-busy", "false")
        assert context.browser
        other = await context.browser.new_context()
        stranger = await other.new_page()
        await stranger.goto(page.url)
        await stranger.get_by_role("heading", name="botcore").wait_for()
        await expect(stranger.get_by_text("A secret")).to_have_count(0)
        await other.close()


async def test_a_locked_bot_lets_in_who_knows_the_key(page: Page, start: Start) -> None:
    async with start(key="open-sesame-for-the-test") as chat:
        watch = Watch(chat.bot.address.removeprefix("http://").rstrip("/"), expected=["401"])
        watch.on(page)
        await page.goto(chat.bot.address)
        await page.get_by_label("Access key").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("not the bot's key")
        await page.get_by_label("Access key").fill("open-sesame-for-the-test")
        await page.keyboard.press("Enter")
        await say(page, "Hello")
        await expect(replies(page)).to_contain_text("You said: Hello")
        await page.reload()
        await page.get_by_label("Message to botcore").fill("half a secr")
        await page.get_by_role("button", name="Log out").press("Enter")
        await page.get_by_label("Access key").fill("open-sesame-for-the-test")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("You said: Hello")).to_be_visible()
        await expect(page.get_by_label("Message to botcore")).to_have_value("")
        assert watch.verdict() == []
