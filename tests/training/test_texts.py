"""From folders to documents: the same order always, and whatever is passed over has a place and a reason."""

import os
import tracemalloc
from pathlib import Path

import pytest

from botcore.errors import TrainingError
from botcore.training.texts import LISTED, Reader, files_of, objects_in


def write(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read(folder: Path) -> tuple[list[str], Reader]:
    reader = Reader([str(folder)])
    return list(reader.documents()), reader


def test_files_come_by_name_and_hidden_ones_do_not(tmp_path: Path) -> None:
    write(tmp_path, b__txt="two", a__md="one", **{"sub/c__txt": "three", ".git/x__txt": "no"})
    texts, reader = read(tmp_path)
    assert texts == ["one", "two", "three"]
    assert (reader.card.documents, reader.card.files, reader.card.skipped) == (3, 3, 0)


def test_each_row_of_a_jsonl_is_a_document_and_bad_rows_are_named_with_their_line(tmp_path: Path) -> None:
    rows = ['{"text": "good"}', "{broken", '{"text": 3}', "", '["text"]', '{"text": "  "}', '{"text": "too"}']
    write(tmp_path, rows__jsonl="\n".join(rows))
    texts, reader = read(tmp_path)
    assert texts == ["good", "too"]
    named = [(one.where.rpartition(":")[2], one.reason) for one in reader.card.named]
    assert named == [("2", "no JSON"), ("3", 'no "text"'), ("5", "no object"), ("6", "empty")]


def test_what_is_no_text_is_skipped_with_the_reason(tmp_path: Path) -> None:
    write(
        tmp_path,
        a__txt=b"abc\xff",
        b__txt=b"a\0b",
        c__txt=" \n",
        d__pdf=b"%PDF",
        e__txt="same",
        f__txt="same",
        g__txt="x",
    )
    texts, reader = read(tmp_path)
    assert texts == ["same", "x"]
    assert {Path(one.where).name: one.reason for one in reader.card.named} == {
        "a.txt": "not UTF-8 at byte 3",
        "b.txt": "a NUL byte: no text",
        "c.txt": "empty",
        "d.pdf": ".pdf is no text",
        "f.txt": "the same text as an earlier one",
    }


def test_the_hash_is_of_the_texts_alone(tmp_path: Path) -> None:
    for folder, name in (("one", "a__txt"), ("two", "b__md")):
        write(tmp_path / folder, **{name: "words"})
    (first, second), other = (read(tmp_path / name)[1].card.hash for name in ("one", "two")), tmp_path / "three"
    write(other, a__txt="other words")
    assert first == second != read(other)[1].card.hash


def test_all_skipped_things_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    write(tmp_path, rows__jsonl="{\n" * (LISTED + 5))
    _, reader = read(tmp_path)
    assert (reader.card.skipped, len(reader.card.named)) == (LISTED + 5, LISTED)


def test_a_dead_link_and_a_pipe_are_no_files_and_any_name_of_a_file_can_be_told(tmp_path: Path) -> None:
    write(tmp_path, a__txt="one")
    (tmp_path / "dead.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.pdf")).write_text("%PDF")
    texts, reader = read(tmp_path)
    assert (texts, reader.card.files) == (["one"], 2)
    assert [one.where.encode() for one in reader.card.named] == [f"{tmp_path}/caf?.pdf".encode()]


def test_nothing_to_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no folder or file"):
        files_of([str(tmp_path / "gone")])
    with pytest.raises(TrainingError, match="an empty folder; put"):
        files_of([str(tmp_path)])
    write(tmp_path, a__txt="")
    with pytest.raises(TrainingError, match="nothing but empty files"):
        files_of([str(tmp_path)])
    write(tmp_path, b__pdf="%PDF")
    with pytest.raises(TrainingError, match="no text among 2 files"):
        files_of([str(tmp_path)])


def test_of_a_long_file_one_line_at_a_time_is_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'{"prompt": "Hi", "completion": "Hello."}\n' * 20_000)
    tracemalloc.start()
    assert sum(1 for _ in objects_in(file)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < file.stat().st_size / 4
