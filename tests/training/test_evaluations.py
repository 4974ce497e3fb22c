"""Evaluations are kept, found again, and compared where the questions are the same."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from botcore.clock import SystemClock
from botcore.engine.model import STARTER
from botcore.errors import TrainingError
from botcore.training.evaluations import Task, changes, evaluate, find_result, flat, last_of, new_evaluation
from botcore.training.progress import encode
from botcore.training.questions import Question, read_questions
from tests.engine_python import PYTHON, needs_engine

QUESTIONS = [Question(kind="story", ask="Tell me one.")]


def task(set_hash: str = "abc") -> Task:
    return Task(model="/m", name="m", set_hash=set_hash)


def kept(data_dir: Path, set_hash: str = "abc", **figures: Any) -> dict[str, Any]:
    folder = new_evaluation(data_dir, task(set_hash), QUESTIONS)
    result = {"id": folder.name, "name": "m", "set_hash": set_hash, "figures": figures}
    (folder / "result.json").write_text(json.dumps(result))
    return result


def test_each_evaluation_has_a_folder_with_its_questions(tmp_path: Path) -> None:
    folders = [new_evaluation(tmp_path, task(), QUESTIONS) for _ in range(3)]
    assert [folder.name for folder in folders] == ["eval-1", "eval-2", "eval-3"]
    assert read_questions(folders[0] / "questions.jsonl") == QUESTIONS


def test_the_last_one_is_the_newest_with_the_same_questions_that_came_to_an_end(tmp_path: Path) -> None:
    first = kept(tmp_path)
    kept(tmp_path, "other")
    new_evaluation(tmp_path, task(), QUESTIONS)
    assert last_of(tmp_path, "abc") == first
    newest = kept(tmp_path)
    assert last_of(tmp_path, "abc") == newest
    assert last_of(tmp_path, "abc", before=newest["id"]) == first
    assert last_of(tmp_path, "none") is None


def test_one_is_found_by_its_name_or_as_a_file(tmp_path: Path) -> None:
    result = kept(tmp_path)
    assert find_result(tmp_path, "eval-1") == result
    assert find_result(tmp_path, str(tmp_path / "evaluations" / "eval-1" / "result.json")) == result
    with pytest.raises(TrainingError, match="there is no evaluation eval-7; there are: eval-1"):
        find_result(tmp_path, "eval-7")


def test_a_file_that_is_no_result_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"figures": 3}')
    with pytest.raises(TrainingError, match=r"x\.json is no result"):
        find_result(tmp_path, str(tmp_path / "x.json"))


def test_a_change_knows_which_way_is_better(tmp_path: Path) -> None:
    before = kept(tmp_path, quote={"share": 0.5, "right": 1, "of": 2}, perplexity=40.0, story={"words": 30.0})
    now = kept(tmp_path, quote={"share": 0.4, "right": 2, "of": 5}, perplexity=30.0, story={"words": 20.0}, refusal={})
    found = {one.name: (one.now, one.before, one.better) for one in changes(now, before)}
    assert found == {"quote": (0.4, 0.5, False), "perplexity": (30.0, 40.0, True), "words": (20.0, 30.0, None)}


def test_other_questions_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="eval-1 answered other questions"):
        changes({"set_hash": "abc", "figures": {}}, kept(tmp_path, "other"))


# ------------------------------------------------------------------ run


def engine(tmp_path: Path, code: str) -> Path:
    """A Python that runs the guard as it is, and this code in the place of the examination."""
    (tmp_path / "child.py").write_text(code)
    path = tmp_path / "python"
    guard = f'[ "$1" = -I ] && exec {sys.executable} "$@"'
    path.write_text(f'#!/bin/sh\n{guard}\nexec {sys.executable} {tmp_path / "child.py"} "$@"\n')
    path.chmod(0o755)
    return path


async def test_what_the_child_found_is_kept_with_its_task(tmp_path: Path) -> None:
    asked, end = encode("asked", done=1, total=2, progress=0.5, left=3.0), encode("end", state="done")
    answers = [{"kind": "story", "ask": "Tell me one.", "answer": "Once. " * 20}] * 1_000  # more than a line can hold
    found = json.dumps({"figures": {"perplexity": 2.0}, "answers": answers})
    keep = f"import sys, pathlib; pathlib.Path(sys.argv[2], 'found.json').write_text({found!r})"
    folder, heard = new_evaluation(tmp_path, task(), QUESTIONS), list[str]()
    python = engine(tmp_path, f"print({asked!r}); print('a word of a library'); {keep}; print({end!r})")
    result = await evaluate(folder, python, clock=SystemClock(), heard=lambda event: heard.append(event["event"]))
    assert heard == ["asked", "end"]
    assert (result["id"], result["model"], result["figures"]) == ("eval-1", "/m", {"perplexity": 2.0})
    assert result["answers"] == answers
    assert find_result(tmp_path, "eval-1") == result
    assert {path.name for path in folder.iterdir()} == {"task.json", "questions.jsonl", "log", "result.json"}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"print({encode('end', state='failed', reason='the model has no chat template')!r})", "has no chat template"),
        ("raise SystemExit('no torch here')", "the evaluation ended with 1: no torch here"),
        ("import os; os.kill(os.getpid(), 9)", "the evaluation was killed "),
    ],
)
async def test_a_child_that_fails_is_one_line_and_leaves_no_result(tmp_path: Path, code: str, said: str) -> None:
    folder = new_evaluation(tmp_path, task(), QUESTIONS)
    with pytest.raises(TrainingError, match=said) as error:
        await evaluate(folder, engine(tmp_path, code), clock=SystemClock(), heard=print)
    assert str(error.value).endswith(f"all of it: {folder / 'log'}")
    assert last_of(tmp_path, "abc") is None


@pytest.mark.engine
@needs_engine
async def test_the_model_in_the_box_answers_every_kind_of_question(tmp_path: Path) -> None:
    told = ("The gate is red.", "The shop opens at nine.")
    asked = [
        Question(kind="text", text="The path along the canal is flat. " * 300),  # longer than the window
        Question(kind="instruction", ask="Count from 1 to 5.", accept=("1, 2, 3, 4, 5",)),
        Question(kind="quote", ask="When does the shop open?", passages=told, sentence=told[1], number=2),
        Question(kind="refusal", ask="Who owns the gate?", passages=told),
        Question(kind="story", ask="Tell me a story about a fox."),
    ]
    whole = Task(model=str(STARTER), name="starter", set_hash="x", threads=1)
    folder, heard = new_evaluation(tmp_path, whole, asked), list[str]()
    first = await evaluate(folder, PYTHON, clock=SystemClock(), heard=lambda event: heard.append(event["event"]))
    assert heard[:2] == ["stage", "model"]
    assert heard.count("asked") >= 3
    assert set(flat(first["figures"])) == {
        "instruction", "quote", "refusal", "false_refusal", "distinct_1", "distinct_2", "repeated_4", "words",
        "perplexity", "bits_per_byte",
    }  # fmt: skip
    assert [one["kind"] for one in first["answers"]] == [one.kind for one in asked]
    assert first["figures"]["instruction"] == {"right": 1, "of": 1, "share": 1.0}
    assert 0 < first["figures"]["bits_per_byte"] < 8
