"""`config/local.toml`, edited in place: one value changes, everything else stays as its author wrote it."""

import os
import tomllib
from pathlib import Path

import pytest

from botcore import SettingsError
from botcore.local import save_local, with_values
from tests.disk import no_more_than

TELEGRAM = ["channels", "telegram"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[channels.telegram]\ntoken = "new"\n'),
        ("# only this", '# only this\n\n[channels.telegram]\ntoken = "new"\n'),
        ("[channels.telegram]", '[channels.telegram]\ntoken = "new"\n'),
        ('[channels.telegram]\ntoken = "old" # why\n', '[channels.telegram]\ntoken = "new" # why\n'),
        ("[channels.telegram]\n\ttoken='old'\nx = 1\n", '[channels.telegram]\n\ttoken="new"\nx = 1\n'),
        ('[ channels . "telegram" ] # c\nx = 1\n', '[ channels . "telegram" ] # c\ntoken = "new"\nx = 1\n'),
        ('[bot]\nname = "b"\n', '[bot]\nname = "b"\n\n[channels.telegram]\ntoken = "new"\n'),
        ('[channels.telegram]\n[other]\ntoken = "t"\n', '[channels.telegram]\ntoken = "new"\n[other]\ntoken = "t"\n'),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert with_values(before, TELEGRAM, {"token": "new"}) == after


@pytest.mark.parametrize(
    "text",
    [
        'channels = { telegram = { token = "old" } }\n',
        '[channels]\ntelegram.token = "old"\n',
        'channels.telegram.token = "old"\n',
        '[channels.telegram]\ntoken = """\nold"""\n',
        '[channels.telegram]\nlist = [\n[1],\n]\ntoken = "old"\n',
        'note = """\n[channels.telegram]\n"""\n',
        "channels = 1\n",
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_its_author(text: str) -> None:
    tomllib.loads(text)
    with pytest.raises(ValueError, match="by hand"):
        with_values(text, TELEGRAM, {"token": "new"})


def test_a_file_that_is_no_toml_is_left_alone() -> None:
    with pytest.raises(ValueError, match="mend it first"):
        with_values("[channels.telegram\n", TELEGRAM, {"token": "new"})


def test_a_table_of_the_core_is_written_the_same_way() -> None:
    before = '[engine] # mine\nkind = "vllm"\n\n[http]\nport = 9000\n'
    after = '[engine] # mine\nmodel = "a/b"\nkind = "vllm"\n\n[http]\nport = 9000\n'
    assert with_values(before, ["engine"], {"model": "a/b"}) == after
    assert with_values(after, ["engine"], {"model": "starter"}) == after.replace("a/b", "starter")


def test_a_full_disk_is_one_line_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "local.toml"
    file.write_text('[engine]\nmodel = "a"\n')
    with no_more_than(10), pytest.raises(SettingsError, match=f"cannot write {file}: File too large"):
        save_local(["engine"], {"model": "b"}, path=file)
    assert (file.read_text(), os.listdir(tmp_path)) == ('[engine]\nmodel = "a"\n', [file.name])


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "config" / "local.toml"
    save_local(["engine"], {"model": "b"}, path=file)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ('[engine]\nmodel = "b"\n', 0o600)
