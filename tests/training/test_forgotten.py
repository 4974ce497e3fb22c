"""What is forgotten goes from the files of runs, line by line; what others said stays."""

import json
from pathlib import Path

import pytest

from botcore.messages import Conversation, Forgotten
from botcore.training.forgotten import CANNOT_UNLEARN, forget_in_runs, learnt_from, note_whose
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


def test_a_run_that_learnt_from_them_and_was_stopped_begins_anew(run: Run, tmp_path: Path) -> None:
    for learnt in ("checkpoint", "adapter"):
        (run.folder / learnt).mkdir()
    assert forget_in_runs(tmp_path, Forgotten(channel="web", person="eve")) == []
    assert (run.folder / "checkpoint").is_dir()
    assert forget_in_runs(tmp_path, ANA) == []
    assert not (run.folder / "checkpoint").exists()
    assert not (run.folder / "adapter").exists()


def done(run: Run) -> None:
    """As a run ends: an adapter is made, the words of the lessons are gone."""
    run.change(state="done", outputs={"adapter": "a"})
    note_whose(run)
    run.drop_lessons()


def test_of_lessons_that_are_learnt_it_is_kept_whose_they_were_and_no_word(run: Run, tmp_path: Path) -> None:
    done(run)
    assert run.whose.read_text().count("\n") == 3
    assert not any(word in run.whose.read_text() for word in ("Grace", "Mill", "Both"))
    assert learnt_from(tmp_path, ANA) == learnt_from(tmp_path, Forgotten(channel="web", person="ben")) == [run.id]
    assert learnt_from(tmp_path, Forgotten(channel="web", person="eve")) == []


def test_an_adapter_that_learnt_from_somebody_who_is_forgotten_is_on_record_as_such(run: Run, tmp_path: Path) -> None:
    done(run)
    for _ in range(2):
        assert forget_in_runs(tmp_path, ANA) == []
        assert (run.read().state, run.read().reason) == ("done", CANNOT_UNLEARN)
    assert "ana" not in run.whose.read_text()
    assert learnt_from(tmp_path, ANA) == []


def test_lessons_of_a_file_say_nobodys_name_and_leave_no_marks(run: Run) -> None:
    for file in run.lessons.iterdir():
        file.write_text('{"prompt": "Hi", "completion": "Hello."}\n{"whose": null}\n')
    done(run)
    assert not run.whose.exists()


def test_a_run_without_a_readable_record_forgets_too(run: Run, tmp_path: Path) -> None:
    (run.folder / "run.json").write_text("{")
    assert forget_in_runs(tmp_path, ANA) == []
    assert questions(run) == ["Where is Mill?"]


def test_where_nothing_was_ever_learnt_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_in_runs(tmp_path / "nowhere", ANA) == []
