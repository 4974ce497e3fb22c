"""Long replies become messages a platform takes, and nothing is lost on the way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.split import measure, split

UNITS = ["chars", "utf16", "utf8"]


def test_a_short_text_stays_whole() -> None:
    assert split("hello", limit=16) == ["hello"]


def test_a_blank_text_has_no_messages() -> None:
    assert split(" \n ", limit=16) == []


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("first paragraph\n\nsecond", ["first paragraph", "second"]),
        ("one line here\nanother line", ["one line here", "another line"]),
        ("A sentence here. And another one.", ["A sentence here.", "And another one."]),
        ("several words without any stop", ["several words", "without any stop"]),
    ],
)
def test_it_is_cut_at_the_best_place_there_is(text: str, pieces: list[str]) -> None:
    assert split(text, limit=18) == pieces


def test_a_cut_code_block_stays_code_on_both_sides() -> None:
    code = "\n".join(f"line {number}" for number in range(12))
    pieces = split(f"```python\n{code}\n```", limit=60)
    assert len(pieces) > 1
    assert all(piece.startswith("```python\n") and piece.endswith("\n```") for piece in pieces)
    assert [line for piece in pieces for line in piece.splitlines() if line.startswith("line")] == code.splitlines()


def test_a_block_that_no_code_would_stand_before_the_cut_of_goes_to_the_next_piece_whole() -> None:
    first, second = split("```\nx\n```\n" + "w" * 30 + "\n```\n" + "y\n" * 12 + "```", limit=48)
    assert first == "```\nx\n```\n" + "w" * 30
    assert second.startswith("```\ny\n")


def test_code_within_a_list_is_closed_where_it_stands() -> None:
    first, second = split("- Run\n  ```sh\n" + "  make\n" * 12 + "  ```", limit=70)
    assert first.endswith("  make\n  ```")
    assert second.startswith("```sh\n  make\n")


def visible(string: str) -> str:
    return re.sub(r"[\s`]", "", string)  # fences are opened and closed again


@pytest.mark.parametrize("before", ["", "Hello.\n\n"])
@pytest.mark.parametrize("mark", ["\u0301", "\u200d", "\ufe0f", "🏽"])
def test_code_that_begins_with_more_marks_than_a_message_holds_is_cut_all_the_same(mark: str, before: str) -> None:
    text = f"{before}```\n{mark * 60}\nmake\n```"
    assert visible("".join(split(text, limit=30))) == visible(text)


def test_backticks_around_a_word_on_a_line_of_its_own_open_no_code_block() -> None:
    pieces = split("```make```\n" + "does it all. " * 8, limit=60)
    assert "".join(pieces).count("```") == 2


CODE = st.builds("```{}\n{}\n```".format, st.sampled_from(["", "py"]), st.text("x\n", max_size=60))
PROSE = st.lists(st.text("w", min_size=1, max_size=9), min_size=1, max_size=12).map(" ".join)


@given(st.lists(CODE | PROSE, min_size=2, max_size=9), st.sampled_from(["\n", "\n\n"]), st.integers(50, 120))
def test_code_stays_code_and_words_stay_words(blocks: list[str], between: str, limit: int) -> None:
    pieces = split(between.join(blocks), limit=limit)
    assert all(len(piece) <= limit for piece in pieces)
    for piece in pieces:
        inside = False
        for line in piece.splitlines():
            fence = line.startswith("```")
            inside ^= fence
            assert fence or not line or ("x" in line) == inside
        assert not inside, "a block is left open"


def test_half_a_character_can_be_counted() -> None:
    assert [len(piece) for piece in split("\ud83d" * 40, limit=30, unit="utf16")] == [30, 10]


def test_a_family_of_joined_emoji_is_never_cut_apart() -> None:
    family = "👨‍👩‍👧"
    for piece in split(family * 30, limit=50, unit="utf16"):
        assert piece.replace(family, "") == ""


@pytest.mark.parametrize("letter", ["กี่", "कि", "ที่", "a\u0301", "☎\ufe0f", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"])
def test_a_letter_keeps_its_marks(letter: str) -> None:
    for start in range(len(letter)):
        for piece in split("x" * start + letter * 40, limit=40):
            assert piece.lstrip("x").replace(letter, "") == ""


def test_a_text_without_blanks_is_cut_between_its_sentences() -> None:
    assert split("今天下雨了。我们在家里看书吧！", limit=16) == ["今天下雨了。我们在家里看书吧！"]
    assert split("今天下雨了，很冷。我们就在家里看书吧！", limit=16) == ["今天下雨了，很冷。", "我们就在家里看书吧！"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_flag_is_never_cut_apart(unit: str) -> None:
    for piece in split("a" + "🇩🇪" * 40, limit=46, unit=unit):
        assert piece.replace("🇩🇪", "") in ("", "a")


def test_a_link_is_cut_before_it_begins() -> None:
    link = "[the whole manual of it](https://example.com/manual)"
    assert split(f"Please read {link} now.", limit=60) == ["Please read", f"{link} now."]
    assert "".join(split(f"{link} {link}", limit=40)).count("example.com/manual") == 2  # too long: cut all the same


BITS = ["```", "~~~~", "py", "\n", " ", "[a](b)", "\u0301" * 30, "\u200d" * 90]
MARKED = st.lists(st.sampled_from(BITS)).map("".join)


@given(st.text(max_size=400) | MARKED, st.integers(16, 90), st.sampled_from(UNITS))
def test_no_piece_is_too_long_or_blank(text: str, limit: int, unit: str) -> None:
    for piece in split(text, limit=limit, unit=unit):
        assert piece.strip()
        assert measure(piece, unit) <= limit


@given(st.text(alphabet="ab 😀é\n.`", max_size=400), st.integers(16, 60), st.sampled_from(UNITS))
def test_every_visible_character_arrives_in_order(text: str, limit: int, unit: str) -> None:
    assert visible("".join(split(text, limit=limit, unit=unit))) == visible(text)
