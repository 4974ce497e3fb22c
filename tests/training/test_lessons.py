"""Lessons from files: what is read, and what is skipped where and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from botcore.training.lessons import Lesson, LessonReader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lessons.jsonl"


def read(file: Path, *rows: dict[str, Any] | str) -> tuple[list[Lesson], list[str]]:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    reader = LessonReader([file])
    found = list(reader.lessons())
    assert (reader.card.documents, reader.card.skipped) == (len(found), len(reader.card.named))
    return found, [f"{one.where.rpartition(':')[2]} {one.reason}" for one in reader.card.named]


def test_a_line_is_a_pair_a_thumb_or_an_answer(file: Path) -> None:
    found, skipped = read(
        file,
        {"prompt": "When?", "chosen": "At nine.", "rejected": "At ten."},
        {"prompt": "Hi", "completion": "Hello.", "label": True},
        {"prompt": "Hi", "completion": "What?", "label": False},
        {"prompt": "Who?", "completion": "Me."},
    )
    assert skipped == []
    assert [one.kind for one in found] == ["pair", "liked", "disliked", "answer"]
    assert (found[0].question, found[0].said, found[0].instead_of) == ("When?", "At nine.", "At ten.")
    assert [one.wanted for one in found] == [True, True, False, True]


def test_messages_are_read_as_the_plugin_writes_them(file: Path) -> None:
    prompt = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "When?"}]
    answer = [{"role": "assistant", "content": "At nine."}]
    (lesson,), _ = read(file, {"prompt": prompt, "completion": answer, "label": True})
    assert (lesson.prompt, lesson.question, lesson.said) == (tuple(prompt), "When?", "At nine.")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{broken", "no JSON"),
        ("[]", "no object"),
        ({"prompt": "When?", "chosen": "At nine."}, 'a pair needs "prompt", "chosen" and "rejected"'),
        ({"prompt": "When?", "chosen": "At nine.", "rejected": " At  nine."}, "chosen and rejected are the same"),
        ({"prompt": "When?", "completion": "At nine.", "label": "yes"}, "a label is true or false"),
        ({"prompt": "When?", "completion": " "}, "does not end with an answer of the assistant"),
    ],
)
def test_what_teaches_nothing_is_named_with_its_line(file: Path, row: dict[str, Any] | str, reason: str) -> None:
    found, skipped = read(file, {"prompt": "Who?", "completion": "Me."}, row)
    assert (len(found), skipped) == (1, [f"2 {reason}"])


def test_the_same_lesson_counts_once_and_the_hash_is_of_what_is_learnt(file: Path) -> None:
    row = {"prompt": "Who?", "completion": "Me."}
    assert read(file, row, row) == (read(file, row)[0], ["2 there already"])
    reader = LessonReader([file])
    list(reader.lessons())
    first = reader.card.hash
    read(file, row, "{broken")
    list(reader.lessons())
    assert reader.card.hash == first
