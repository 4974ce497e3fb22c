"""A person at the page, in a real browser, with a real vLLM behind it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import Watch, chromium, context
from tests.e2e.served import Served

__all__ = ["chromium", "context"]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
]

BEGUN = re.compile(r"\w+ \w+")
SLOW = 30_000


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, served: Served) -> AsyncIterator[Page]:
    page = await context.new_page()
    watch = Watch(served.address.removeprefix("http://"))
    watch.on(page)
    await page.goto(served.address)
    await page.get_by_role("heading", name="botcore").wait_for()
    yield page
    assert watch.verdict() == []


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message to botcore").fill(text)
    await page.keyboard.press("Enter")


def reply(page: Page) -> Any:
    return page.get_by_role("article", name="Reply from botcore").last


async def test_tokens_stream_and_stop_ends_them(page: Page, served: Served) -> None:
    await say(page, "Tell me something long.")
    await expect(reply(page)).to_contain_text(BEGUN, timeout=SLOW)
    early = await reply(page).inner_text()
    await expect(reply(page)).not_to_have_text(early)  # it grows
    await page.keyboard.press("Escape")
    await expect(reply(page)).to_contain_text("Stopped")
    assert await served.metric("botcore_turns_running") == 0


async def test_a_reload_in_mid_reply_sees_it_finish(page: Page) -> None:
    await say(page, "Tell me something long.")
    await expect(reply(page)).to_contain_text(BEGUN, timeout=SLOW)
    await page.reload()
    await expect(reply(page)).to_have_attribute("aria-busy", "false", timeout=SLOW)
    await expect(reply(page)).to_contain_text(re.compile(r"…\s"))  # all 1,200 tokens came, and it says that it was cut
    await expect(page.get_by_role("article", name="Reply from botcore")).to_have_count(1)


async def test_our_own_documents_are_cited_and_the_reply_can_be_judged(page: Page) -> None:
    await say(page, "How do I write a plugin?")
    await page.get_by_role("button", name=re.compile("^Source 1: ")).first.click(timeout=SLOW)
    await expect(page.get_by_role("dialog", name="Source 1")).to_be_visible()
    await page.keyboard.press("Escape")
    good = page.get_by_role("button", name="Good reply").last
    await good.click()
    await expect(good).to_have_attribute("aria-pressed", "true")
    found = await Axe().run(page)
    serious = [one["id"] for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert serious == []
