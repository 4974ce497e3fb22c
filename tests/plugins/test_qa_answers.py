"""Whether the thresholds keep what they promise: the table of questions, asked over real documents."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from botcore.store import Store
from botcore_qa import QASettings
from botcore_qa.extracts import answer
from botcore_qa.score import Mood, answers, mood, ranked
from botcore_qa.search import look_up
from botcore_qa.words import question_stems
from tests.plugins.conftest import HANDBOOK as HANDBOOK_FOLDER
from tests.plugins.conftest import Ingest
from tests.plugins.qa_questions import HANDBOOK, HANDBOOK_OFF, OFF, OWN

SETTINGS = QASettings()


async def sources(store: Store, text: str) -> list[str] | None:
    """Where the shown extracts come from; None where the message passes on."""
    words, kind = question_stems(text), mood(text)
    question = await store.read(lambda connection: look_up(connection, words))
    best = ranked(question)
    if not answers(kind, question, best, threshold=SETTINGS.threshold, strong=SETTINGS.strong):
        return None
    shown = answer(best, question.terms, passages=SETTINGS.passages, lead="")
    return [citation.source for citation in shown.citations]


async def answered(store: Store, table: Sequence[tuple[str, str]]) -> float:
    """The share of questions with an answer from the right document."""
    right = [expected in (await sources(store, question) or []) for question, expected in table]
    return sum(right) / len(right)


async def test_questions_about_botcore_are_answered_from_the_right_document(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    assert await answered(store, OWN) >= 0.9


BEGINS = {
    "How do I write a plugin?": "To write a plugin is to write one Python class",
    "What happens to my message if the bot crashes?": "- **The bot crashes or is killed**: your message is not",
    "How do I use another model?": "`starter`, the model in the box,",
    "How do I back it up?": "To back up the bot with all its data, also while it runs:\n\n```bash",
    "How do I make a backup?": "To back up the bot with all its data, also while it runs:\n\n```bash",
    "How do I restore a backup?": "To restore a backup, stop the bot first and then run:\n\n```bash",
}
"""What the empty page offers to ask, and what people ask next."""


async def test_what_people_ask_first_is_answered_first_thing(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    for question, begins in BEGINS.items():
        words = question_stems(question)
        looked_up = await store.read(lambda connection, words=words: look_up(connection, words))
        shown = answer(ranked(looked_up), looked_up.terms, passages=SETTINGS.passages, lead="")
        assert shown.citations[0].snippet[: len(begins)] == begins


async def test_everything_else_passes_on(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    assert [text for text in OFF if await sources(store, text) is not None] == []


async def test_questions_about_other_documents_are_answered_too(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    assert await answered(store, HANDBOOK) >= 0.8


async def test_everything_else_passes_on_there_too(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    assert [text for text in HANDBOOK_OFF if await sources(store, text) is not None] == []


async def test_both_tables_can_tell_good_thresholds_from_bad_ones(
    ingest: Ingest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    monkeypatch.setattr("tests.plugins.test_qa_answers.SETTINGS", QASettings(threshold=0.99))
    assert await answered(store, HANDBOOK) < 0.85
    monkeypatch.setattr("tests.plugins.test_qa_answers.SETTINGS", QASettings(threshold=0.3))
    assert [text for text in HANDBOOK_OFF if await sources(store, text) is not None] != []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How do I add a plugin?", "question"),
        ("how do i add a plugin", "question"),
        ("Hi, where is the log", "question"),
        ("tell me about memory", "question"),
        ("The log?", "question"),
        ("add a plugin", "statement"),
        ("My plugin is broken.", "statement"),
        ("Tell me a story about a plugin", "talk"),
        ("Could you please write a poem about what plugins do?", "talk"),
        ("What is your name?", "talk"),
        ("Translate: how do I add a plugin?", "talk"),
        ("Count to five.", "talk"),
        ("Can you count down from ten?", "talk"),
        ("What is 12 times 7?", "talk"),
        ("How much is 3+4", "talk"),
        ("What changed on 2026-11-25?", "question"),
    ],
)
def test_the_form_of_a_message_says_what_it_wants(text: str, kind: Mood) -> None:
    assert mood(text) == kind


@pytest.mark.parametrize(
    "text", ['" OR 1=1 --', "NEAR(plugin hook)", "plugin* AND -hook", "'); DROP TABLE qa_passage;", "ﬁx ½ ☃?"]
)
async def test_no_message_can_break_the_search(ingest: Ingest, store: Store, text: str) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    await sources(store, text)
    assert await sources(store, "Is there a lift?") == ["handbook/opening.md"]


async def test_every_extract_is_literally_in_its_document(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    for question, _ in HANDBOOK:
        words = question_stems(question)
        looked_up = await store.read(lambda connection, words=words: look_up(connection, words))
        best = ranked(looked_up)
        for citation in answer(best, looked_up.terms, passages=3, lead="").citations if best else ():
            assert citation.snippet in (HANDBOOK_FOLDER.parent / Path(citation.source)).read_text()
