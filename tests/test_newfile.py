"""A file appears under its name whole, and takes nobody's place unasked."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botcore import BotcoreError, new_file
from tests.disk import no_more_than


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def write(path: Path, text: bytes, *, force: bool = False, meanwhile: Callable[[], object] = lambda: None) -> None:
    with new_file(path, force=force) as draft:
        draft.write(text)
        assert not path.exists() or path.read_bytes() != text
        meanwhile()


def test_it_is_there_when_the_body_has_ended_and_its_owners_alone(file: Path) -> None:
    write(file, b"all of it")
    assert file.read_bytes() == b"all of it"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(file.parent) == [file.name]


def test_a_body_that_fails_leaves_nothing(file: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write(file, b"half", meanwhile=lambda: 1 / 0)
    assert os.listdir(file.parent) == []


@pytest.mark.parametrize("size", [100, 100_000])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(file: Path, size: int) -> None:
    file.write_bytes(b"mine")
    with no_more_than(50), pytest.raises(BotcoreError, match=rf"cannot write {file}: File too large"):
        write(file, b"x" * size, force=True)
    assert (file.read_bytes(), os.listdir(file.parent)) == (b"mine", [file.name])


def test_what_is_there_stays_unless_it_is_forced(file: Path) -> None:
    file.write_bytes(b"mine")
    with pytest.raises(BotcoreError, match="exists; give another name"):
        write(file, b"new")
    assert file.read_bytes() == b"mine"
    write(file, b"new", force=True)
    assert file.read_bytes() == b"new"


def test_what_comes_there_meanwhile_stays(file: Path) -> None:
    with pytest.raises(BotcoreError, match="exists; give another name"):
        write(file, b"new", meanwhile=lambda: file.write_bytes(b"mine"))
    assert (file.read_bytes(), os.listdir(file.parent)) == (b"mine", [file.name])


def test_a_disk_without_hard_links_will_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise PermissionError("as on a USB disk")

    monkeypatch.setattr(os, "link", no_links)
    write(file, b"all of it")
    assert file.read_bytes() == b"all of it"


def test_its_name_survives_a_power_cut(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[bool]()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    write(file, b"all of it")
    assert synced == [False, True], "the file first, then the folder it stands in"


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    for place, why in (
        (tmp_path / "nowhere" / "x", "there is no folder"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(BotcoreError, match=why):
            write(place, b"")
