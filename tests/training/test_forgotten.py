"""What is forgotten goes from the files of runs, line by line; what others said stays."""

import json
from pathlib import Path

import pytest

from botcore.messages import Conversation, Forgotten
from botcore.training.forgotten import forget_in_runs
from botcore.training.lessons import LessonReader
from botcore.training.plan import Plan
from botcore.training.runs import Run, new_run

ANA = Forgotten(channel="web", person="ana")
CHAT = Conversation(channel="web", chat="1")


def line(word: str, *people: str, conversation: str = "c") -> str:
    whose = {"people": [["web", one] for one in people], "conversations": [conversation]}
    return json.dumps({"prompt": f"Where is {word}?", "completion": f"{word} is here.", "whose": whose})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = new_run(tmp_path, "feedback", Plan(base="b", method="sft"), at=0.0)
    run.lessons.mkdir()
    lines = [line("Grace", "ana"), line("Mill", "ben"), line("Both", "ana", "ben"), '{"whose": 3}', "{cut"]
    (run.lessons / "sft.jsonl").write_text("\n".join(lines))
    (run.lessons / "kto.jsonl").write_text(line("Only", "ana"))
    return run


def questions(run: Run) -> list[str]:
    return [lesson.question for lesson in LessonReader(sorted(run.lessons.glob("*.jsonl"))).lessons()]


def test_every_line_with_a_word_of_theirs_goes_and_a_run_without_them_can_be_gone_on_with(
    run: Run, tmp_path: Path
) -> None:
    assert forget_in_runs(tmp_path, ANA) == []
    assert questions(run) == ["Where is Mill?"]
    assert (run.lessons / "sft.jsonl").read_text().endswith('{"whose": 3}\n{cut')


def test_somebody_of_the_same_name_on_another_channel_stays(run: Run, tmp_path: Path) -> None:
    assert forget_in_runs(tmp_path, Forgotten(channel="slack", person="ana")) == []
    assert len(questions(run)) == 4


def test_a_conversation_takes_its_lines_along(run: Run, tmp_path: Path) -> None:
    (run.folder / "samples.jsonl").write_text(line("Grace", "ana", conversation=CHAT.key) + "\n" + line("Mill", "ben"))
    assert forget_in_runs(tmp_path, Forgotten(channel="web", conversation=CHAT)) == []
    assert (run.folder / "samples.jsonl").read_text() == line("Mill", "ben")


def test_a_run_that_learns_from_them_is_named_and_left_as_it_is(run: Run, tmp_path: Path) -> None:
    with run.alone():
        assert forget_in_runs(tmp_path, ANA) == [run.id]
    assert len(questions(run)) == 4


def test_where_nothing_was_ever_learnt_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_in_runs(tmp_path / "nowhere", ANA) == []
