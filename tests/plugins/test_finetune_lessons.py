"""What `botcore train feedback` is given: the plugin's own exports, with their consent, redaction and record."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from botcore import Bot, Conversation, Person
from botcore.testing import Chat, chatting
from botcore.training.plan import Plan
from botcore.training.runs import Run, new_run
from botcore_finetune import FineTuneSettings, ledger
from botcore_finetune.export import Wish, export
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


def run_of(chat: Chat) -> Run:
    return new_run(chat.bot.data_dir, "feedback", Plan(base="b", method="kto"), at=0.0)


async def test_a_run_forgets_who_is_forgotten_and_keeps_what_others_taught(chat: Chat) -> None:
    run = await asyncio.to_thread(run_of, chat)
    for person, word in (("ana", "Grace"), ("ben", "Mill")):
        chat.person = Person(id=person)
        chat.conversation = Conversation(channel=chat.conversation.channel, chat=person)
        await chat.says("/feedback yes")
        await chat.hears("Thank you")
        await teach(chat, f"Where is {word}?", "Who knows.", -1, f"{word} is here.")
    await lessons(chat, run.lessons)
    sample = {"prompt": "Where is Grace?", "whose": (await asyncio.to_thread(rows_in, run.lessons))["sft"][1]["whose"]}
    await asyncio.to_thread((run.folder / "samples.jsonl").write_text, json.dumps(sample) + '\n{"prompt": "Hi"}\n{cut')
    with run.alone():
        assert await chat.bot.forget_person(chat.conversation.channel, "ana") == ["training"]
    assert await chat.bot.forget_person(chat.conversation.channel, "ana") == []
    words = await asyncio.to_thread(texts_of, run)
    assert ("Grace" in words, "Mill is here." in words, '{"prompt": "Hi"}\n{cut' in words) == (False, True, True)
    await chat.bot.forget(chat.conversation)
    assert "Mill" not in await asyncio.to_thread(texts_of, run)


def texts_of(run: Run) -> str:
    return "".join(path.read_text() for path in (*run.lessons.glob("*.jsonl"), run.folder / "samples.jsonl"))


async def test_what_leaves_the_house_does_not_say_whose_it_is(chat: Chat, tmp_path: Path) -> None:
    await chat.says("/feedback yes")
    await chat.hears("Thank you")
    await teach(chat, "Hello", "Hi.", 1)
    await export(chat.bot.database, Wish(format="kto"), tmp_path / "out.jsonl", who="me", at=0.0)
    (row,) = (await asyncio.to_thread(rows_in, tmp_path))["out"]
    assert row.keys() == {"prompt", "completion", "label"}
