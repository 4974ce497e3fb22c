"""A question right after the start waits for the documents, but not for ever."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from botcore import Bot
from botcore.testing import ManualClock, chatting
from botcore_qa import QA, QASettings


@pytest.fixture
def slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[QA, asyncio.Event]:
    """A QA plugin that begins to read its sources when the event is set."""
    (tmp_path / "shop.md").write_text("# The shop\n\nThe shop opens at nine in the morning.\n")
    qa, gate = QA(QASettings(sources=(str(tmp_path / "shop.md"),))), asyncio.Event()
    read: Any = qa._read_sources

    async def later(bot: Bot) -> None:
        await gate.wait()
        await read(bot)

    monkeypatch.setattr(qa, "_read_sources", later)
    return qa, gate


async def test_a_question_waits_for_the_first_reading(slow_reader: tuple[QA, asyncio.Event], tmp_path: Path) -> None:
    qa, gate = slow_reader
    async with chatting(tmp_path / "data", plugins={"qa": qa}) as chat:
        await chat.says("When does the shop open?")
        gate.set()
        await chat.hears("opens at nine")


async def test_it_does_not_wait_for_ever_and_the_next_one_not_at_all(
    slow_reader: tuple[QA, asyncio.Event], tmp_path: Path
) -> None:
    qa, _ = slow_reader
    clock = ManualClock()
    async with chatting(tmp_path / "data", plugins={"qa": qa}, clock=clock) as chat:
        await chat.says("When does the shop open?")
        hearing = asyncio.create_task(chat.hears("Nothing here knows"))
        while not hearing.done():
            await clock.advance(1)
        await hearing
        await chat.says("When does the shop close?")
        await chat.hears("Nothing here knows")
