"""`config/local.toml`, edited in place: one value changes, everything else stays as its author wrote it."""

import tomllib

import pytest

from botcore.local import with_values

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
