"""Kill anything in mid-reply: the turn ends with a reply or a stated failure, and nothing is left behind."""

import asyncio
import os
import signal
from contextlib import aclosing

import pytest

from botcore.cli.page import Page, Said
from tests.e2e.served import Served

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="session"),
]


async def begun(page: Page, text: str) -> Said:
    """The first words of a reply that will still run for a while."""
    async with aclosing(page.ask(text)) as pieces:
        async for said in pieces:
            if said.text:
                return said
    raise AssertionError("the reply never began")


async def ended(page: Page) -> dict[str, object]:
    """The newest committed reply of the conversation, once nothing is open there any more."""
    async with asyncio.timeout(90):
        while True:
            entries, pending = await page.read()
            if not pending and entries and entries[-1]["role"] == "assistant":
                return entries[-1]
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("victim", ["EngineCore", "server"])
async def test_an_engine_process_killed_in_mid_reply_comes_back_by_itself(served: Served, victim: str) -> None:
    async with served.page() as page:
        await begun(page, "Tell me something long.")
        served.forget()
        os.kill(served.engine_processes()[victim], signal.SIGKILL)
        entry = await ended(page)
        assert entry["outcome"] == "failed"
        assert entry["text"]
        assert entry["reason"]
        await served.engine("ready")
        await begun(page, "And again?")
        await page.stop()


async def test_a_bot_killed_in_mid_reply_answers_after_its_restart(served: Served) -> None:
    async with served.page() as page:
        await begun(page, "Tell me something long.")
        await served.kill()
        await served.nothing_left()
        await served.start()
        page.moved(served.address)
        entry = await ended(page)
        assert entry["outcome"] == "answered"
        assert entry["text"]


async def test_a_bot_told_to_end_leaves_no_engine_behind(served: Served) -> None:
    """The last of those with this bot."""
    async with served.page() as page:
        await begun(page, "Tell me something long.")
        assert await served.stop() == 0
        await served.nothing_left()
