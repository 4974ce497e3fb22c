"""What `botcore train feedback` is given: the plugin's own exports, with their consent, redaction and record."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from botcore import Bot
from botcore.testing import Chat, chatting
from botcore_finetune import FineTuneSettings, ledger
from botcore_finetune.lessons import write_lessons

TABLES = {"plugins": {"finetune": {}, "textgen": {}}}


async def teach(chat: Chat, question: str, answer: str, verdict: int, correction: str = "") -> None:
    chat.engine.say(answer)
    await chat.says(question)
    await chat.hears(answer)
    await chat.judges((await chat.replies())[-1].id, verdict, correction=correction)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with chatting(tmp_path / "data", settings=TABLES) as chat:
        yield chat


async def lessons(chat: Chat, folder: Path) -> tuple[dict[str, list[Any]], dict[str, int]]:
    @asynccontextmanager
    async def visit() -> AsyncIterator[Bot]:
        yield chat.bot

    await asyncio.to_thread(folder.mkdir)
    left_out = await write_lessons(folder, visit=visit, settings=FineTuneSettings())
    return await asyncio.to_thread(rows_in, folder), dict(left_out)


def rows_in(folder: Path) -> dict[str, list[Any]]:
    return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in folder.glob("*.jsonl")}


async def test_every_format_is_written_where_there_is_something_for_it(chat: Chat, tmp_path: Path) -> None:
    await chat.says("/feedback yes")
    await chat.hears("Thank you")
    await teach(chat, "Hello", "Hi.", 1)
    found, left_out = await lessons(chat, tmp_path / "thumbs")
    assert ({name: len(rows) for name, rows in found.items()}, left_out) == ({"kto": 1}, {})
    await teach(chat, "When do you open?", "At ten. Write to ana@mail.example", -1, "At nine.")
    found, left_out = await lessons(chat, tmp_path / "more")
    assert ({name: len(rows) for name, rows in found.items()}, left_out) == ({"sft": 1, "kto": 3, "dpo": 1}, {})
    assert found["dpo"][0]["chosen"][0]["content"] == "At nine."
    assert "ana@mail.example" not in json.dumps(found)


async def test_what_nobody_allowed_stays_out_and_the_way_to_allow_it_is_told(chat: Chat, tmp_path: Path) -> None:
    await teach(chat, "Hello", "Hi.", 1)
    found, left_out = await lessons(chat, tmp_path / "lessons")
    assert found == {}
    assert left_out == {"not allowed by somebody in it (each may say /feedback yes in the chat)": 1}


async def test_what_training_takes_is_on_record_like_every_export(chat: Chat, tmp_path: Path) -> None:
    await chat.says("/feedback yes")
    await chat.hears("Thank you")
    await teach(chat, "Hello", "Hi.", 1)
    await lessons(chat, tmp_path / "lessons")
    (noted,) = await chat.bot.database.read(partial(ledger.exports, limit=5))
    assert (noted.format, noted.rows, noted.file) == ("kto", 1, str(tmp_path / "lessons" / "kto.jsonl"))
