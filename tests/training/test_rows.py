"""Questions and answers from JSON lines: both shapes, and every bad row named with its line and what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from botcore.errors import TrainingError
from botcore.training.rows import RowReader

USER, ANSWER = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}


def read(tmp_path: Path, *lines: Any) -> tuple[list[tuple[list[str], str]], dict[str, str]]:
    """The rows as roles and answer, and the skipped lines' reasons."""
    file = tmp_path / "rows.jsonl"
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    file.write_bytes(b"\n".join(raw))
    reader = RowReader(file)
    rows = [([one["role"] for one in row.prompt], row.answer) for row in reader.rows()]
    assert reader.card.documents == len(rows)
    return rows, {one.where.rpartition(":")[2]: one.reason for one in reader.card.named}


def test_texts_messages_and_conversations_are_rows(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be kind."}
    rows, skipped = read(
        tmp_path,
        {"prompt": "Hi", "completion": "Hello."},
        {"prompt": [system, USER], "completion": [ANSWER], "label": True},
        {"messages": [system, USER, ANSWER, USER, ANSWER]},
    )
    assert rows == [
        (["user"], "Hello."),
        (["system", "user"], "Hello."),
        (["system", "user", "assistant", "user"], "Hello."),
    ]
    assert skipped == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "no JSON"),
        (b'{"prompt": "\xff", "completion": "x"}', "no JSON"),
        (b"[1]", "no object"),
        ({"prompt": "Hi"}, 'needs "prompt" and "completion", or "messages"'),
        ({"prompt": [USER], "completion": [ANSWER, ANSWER]}, "a completion is one message"),
        ({"messages": "Hi"}, "no list of messages"),
        ({"messages": []}, "no list of messages"),
        ({"messages": [ANSWER]}, "an answer to nothing"),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, "does not end with an answer of the assistant"),
        ({"messages": [ANSWER, USER]}, "does not end with an answer of the assistant"),
        ({"messages": [{"role": "wizard", "content": "x"}, ANSWER]}, "a message's role is none of"),
        ({"messages": [{"role": "user", "content": 3}, ANSWER]}, "a message's content is no text"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_the_others_are_read(tmp_path: Path, line: Any, reason: str) -> None:
    good, other = {"messages": [USER, ANSWER]}, {"messages": [USER, USER, ANSWER]}
    rows, skipped = read(tmp_path, good, b"", line, other)
    assert len(rows) == 2
    assert list(skipped) == ["3"]
    assert skipped["3"].startswith(reason)


def test_a_row_is_there_once_so_that_none_is_learnt_and_held_out(tmp_path: Path) -> None:
    row = {"messages": [USER, ANSWER]}
    rows, skipped = read(tmp_path, row, {"prompt": "Hi", "completion": "Hello."}, row | {"more": 1})
    assert (len(rows), skipped) == (1, {"2": "there already", "3": "there already"})


def test_no_file_and_an_empty_file_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no file"):
        RowReader(tmp_path / "gone.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(TrainingError, match=r"empty.jsonl is empty; each line"):
        RowReader(tmp_path / "empty.jsonl")


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").write_text("{}")
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    with pytest.raises(TrainingError, match=r"rows\.jsonl cannot be read: permission denied"):
        RowReader(tmp_path / "rows.jsonl")
