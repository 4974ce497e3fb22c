"""One Chromium for all browser tests; for each test a stub server, a page, and a watch over what the page did."""

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.adapters.web.stub_server import Stub

CHROMIUM = os.environ.get("BOTCORE_TEST_CHROMIUM", "/usr/bin/chromium")
# Nothing but the page may reach for the network, and root has no sandbox.
ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--no-pings",
    "--disable-client-side-phishing-detection",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
]


@dataclass
class Watch:
    """What a page may never do; ``expected`` names console lines that a test provokes on purpose."""

    host: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host and not request.url.startswith("data:"):
            self.complaints.append(f"foreign request: {request.url}")

    def verdict(self) -> list[str]:
        return [line for line in self.complaints if not any(part in line for part in self.expected)]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if shutil.which(CHROMIUM) is None:
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium, or name one in BOTCORE_TEST_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stub() -> AsyncIterator[Stub]:
    async with Stub() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    context = await chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(8_000)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watch(stub: Stub) -> AsyncIterator[Watch]:
    watch = Watch(urlsplit(stub.url).netloc)
    yield watch
    assert watch.verdict() == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, stub: Stub, watch: Watch) -> Page:
    """The page, open at a new chat."""
    page = await context.new_page()
    watch.on(page)
    await page.goto(stub.url)
    await page.get_by_role("heading", name="botcore").wait_for()
    return page
