"""With an encoder: passages get vectors behind the questions' back, and what is meant counts beside what is said."""

from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from botcore import EngineUnavailable
from botcore.store import Store
from botcore.testing import Chat, ManualClock, ScriptedEncoder, chatting, until
from botcore_qa import QA, QASettings, index
from botcore_qa.intake import swept
from botcore_qa.meaning import UNRELATED, WITHIN_S
from botcore_qa.score import CHANCE, Hit, Question, Term, answers, ranked
from botcore_qa.vectors import Asked, keep, nearness, unencoded
from botcore_qa.words import question_stems
from tests.plugins.conftest import Ingest

OLD = "Employees like the old canteen."
NEW = "Employees like the new canteen."


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Two documents that share all words but one."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "one.md").write_text(OLD)
    (folder / "two.md").write_text(NEW)
    return folder


@asynccontextmanager
async def library(documents: Path, encoder: ScriptedEncoder | None, **more: Any) -> AsyncIterator[Chat]:
    """A bot that has read the documents and given them vectors, where it can."""
    tables = {"plugins": {"memory": {}, "qa": {"sources": [str(documents)]}, "textgen": {}}}
    async with chatting(documents.parent / "data", settings=tables, encoder=encoder, **more) as chat:
        plugin = chat.bot.loaded.plugins["qa"]
        assert isinstance(plugin, QA)
        await plugin.sources_read.wait()
        if encoder and encoder.status.stage == "ready" and not encoder.fails:
            await encoded(chat, encoder)
        yield chat


async def encoded(chat: Chat, encoder: ScriptedEncoder) -> None:
    """Return once it is known, and every passage has its vector."""
    await until(lambda: {*UNRELATED} <= {*encoder.texts})
    while await chat.bot.database.read(unencoded, encoder=encoder.name, limit=1):
        await chat.bot.database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())


# ------------------------------------------------------------------ in the chat


ASKED = "Do employees like the modern canteen?"
SAME = ("modern", "new")
ENCODED = [f"one\n{OLD}", f"two\n{NEW}"]


async def test_what_is_said_in_other_words_is_found_by_what_it_means(documents: Path) -> None:
    async with library(documents, None) as chat:
        await chat.says(ASKED, event_id="first")
        await chat.hears("You said:")
    async with library(documents, ScriptedEncoder(SAME)) as chat:
        await chat.says(ASKED, event_id="second")
        reply = await chat.hears("From the documents:")
        assert (NEW in reply, OLD in reply) == (True, False)


async def test_every_passage_is_encoded_once_and_again_for_another_encoder(documents: Path) -> None:
    first, same, other = ScriptedEncoder(), ScriptedEncoder(), ScriptedEncoder(name="another model")
    for encoder, expected in ((first, ENCODED), (same, []), (other, ENCODED)):
        async with library(documents, encoder):
            assert sorted({*encoder.texts} - {*UNRELATED}) == expected


async def test_an_encoder_that_comes_up_late_encodes_what_is_there(documents: Path) -> None:
    encoder = ScriptedEncoder()
    encoder.set_status(stage="model", detail="loading")
    async with library(documents, encoder) as chat:
        assert encoder.texts == []
        encoder.set_status(stage="ready")
        await encoded(chat, encoder)


async def test_a_question_that_goes_on_is_encoded_with_the_one_before(documents: Path) -> None:
    encoder = ScriptedEncoder(SAME)
    async with library(documents, encoder) as chat:
        await chat.says(ASKED)
        await chat.hears(NEW)
        await chat.says("And what of the old one?")
        await chat.hears()
        assert encoder.questions[-1] == f"{ASKED}\nAnd what of the old one?"


LITERAL = "What do employees like?"


@pytest.mark.parametrize("stage", ["ready", "failed"])
async def test_where_the_encoder_fails_words_alone_decide(documents: Path, stage: str) -> None:
    encoder = ScriptedEncoder()
    encoder.set_status(stage=stage)
    encoder.fails = EngineUnavailable("the encoder is gone")
    async with library(documents, encoder) as chat:
        await chat.says(LITERAL)
        await chat.hears(OLD)


async def test_a_question_does_not_wait_long_for_its_vector(documents: Path) -> None:
    encoder, clock = ScriptedEncoder(), ManualClock()
    async with library(documents, encoder, clock=clock) as chat:
        encoder.hold()
        await chat.says(LITERAL)
        await until(lambda: encoder.questions)
        await clock.advance(WITHIN_S)
        await chat.hears(OLD)


# ------------------------------------------------------------------ what it counts for


def hit(near: float | None, body: str = "Lunch is served at noon.") -> Hit:
    stems = " ".join(question_stems(body))
    return Hit(
        id=1, document=1, heading="", body=body, heading_stems="", body_stems=stems, title="", source="", near=near
    )


def asked(*hits: Hit) -> Question:
    """Of three words two are in the passage."""
    words = question_stems("lunch served vegetables")
    return Question(terms=tuple(Term(weight=1, forms=(word,)) for word in words), hits=hits)


@pytest.mark.parametrize(
    ("near", "score"), [(None, 2 / 3), (CHANCE, 2 / 3), (CHANCE + 0.2, 2 / 3 + 0.2), (0.0, 2 / 3 - CHANCE)]
)
def test_nearness_counts_for_a_passage_or_against_it(near: float | None, score: float) -> None:
    (scored,) = ranked(asked(hit(near)))
    assert scored.score == pytest.approx(score)


@pytest.mark.parametrize(("near", "score"), [(1.0, 1), (-1.0, 0)])
def test_a_score_stays_between_nothing_and_all(near: float, score: float) -> None:
    (scored,) = ranked(asked(hit(near)))
    assert scored.score == score


def test_several_words_typed_into_a_search_box_need_not_all_be_known_to_an_encoder() -> None:
    terms = (*asked().terms, Term(weight=0.1, forms=()))
    for near, expected in ((None, False), (CHANCE + 0.1, True)):
        question = Question(terms=terms, hits=(hit(near),))
        limits = QASettings()
        best = ranked(question)
        assert answers("keywords", question, best, threshold=limits.threshold, strong=limits.strong) is expected


# ------------------------------------------------------------------ in the database


def vector(*numbers: float) -> "array[float]":
    return array("f", numbers)


async def only_passage(store: Store) -> int:
    (id,) = await store.read(unencoded, encoder="none has this name", limit=9)
    return id


@pytest.fixture
async def passage(ingest: Ingest, store: Store, tmp_path: Path) -> int:
    """The id of the one passage there is."""
    (tmp_path / "canteen.md").write_text(f"# Food\n\n{NEW}")
    await ingest(store, [tmp_path / "canteen.md"])
    return await only_passage(store)


async def test_a_passage_is_encoded_with_its_headings(store: Store, passage: int) -> None:
    assert await store.read(unencoded, encoder="m", limit=9) == {passage: f"Food\n{NEW}"}


async def test_nearness_is_what_a_passage_has_more_than_any(store: Store, passage: int) -> None:
    await store.write(keep, encoder="m", vectors={passage: vector(0.6, 0.8)})
    for usual, near in ((0.0, 0.6), (0.2, 0.5)):
        question = Asked(encoder="m", vector=vector(1, 0), usual=usual)
        assert await store.read(nearness, question, [passage]) == {passage: pytest.approx(near)}


async def test_vectors_of_another_encoder_say_nothing(store: Store, passage: int) -> None:
    await store.write(keep, encoder="m", vectors={passage: vector(1, 0)})
    other = Asked(encoder="other", vector=vector(1, 0), usual=0)
    assert await store.read(nearness, other, [passage]) == {}
    await store.write(keep, encoder="other", vectors={passage: vector(1, 0)})
    assert await store.read(nearness, other, [passage]) == {passage: pytest.approx(1)}


async def test_what_shares_no_word_with_a_passage_is_not_encoded(documents: Path) -> None:
    encoder = ScriptedEncoder()
    async with library(documents, encoder) as chat:
        await chat.says("What is photosynthesis?")
        await chat.hears("You said:")
        assert encoder.questions == []


async def test_a_vector_goes_with_its_passage(store: Store, passage: int) -> None:
    await store.write(keep, encoder="m", vectors={passage: vector(1, 0)})
    for known in (await store.read(index.known)).values():
        await store.write(partial(index.drop, id=known.id))
    await swept(store)
    await store.write(keep, encoder="m", vectors={passage: vector(1, 0)})  # came too late
    count = await store.read(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM qa_vector").scalar())
    assert count == 0
