import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore_qa.markdown import blocks, pieces, sentences, table, title, unwrapped

PAGE = """\
# The *page*

Intro text. It has e.g. two sentences! Python 3.11 is needed.

## Run it

To run:
```sh
# not a heading
make run
```
- one item
  goes on
- another. With more.

| a | b |
|---|---|
| c | d |

### `admit(turn: Turn)`
Refuses.
"""


def literal(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_a_passage_knows_its_headings() -> None:
    assert [piece.heading for piece in pieces(PAGE, "page.md", size=700)] == [
        "The page",
        "The page › Run it",
        "The page › Run it › admit(turn: Turn)",
    ]


def test_a_heading_may_be_marked_by_the_line_below_it() -> None:
    text = "The pool\n========\n\nHours\n-----\nWe open at nine.\nAnd close.\n---\n\n    x\n\n```\nNot one\n---\n```"
    found = list(pieces(text, "pool.md", size=700))
    assert [piece.heading for piece in found] == ["The pool › Hours"]
    assert found[0].text.startswith("We open at nine.\nAnd close.\n---")


def test_a_heading_may_stand_right_below_another_kind_of_heading() -> None:
    (found,) = pieces("# The pool\nHours\n---\nAt nine.", "pool.md", size=700)
    assert (found.heading, found.text) == ("The pool › Hours", "At nine.")


@pytest.mark.parametrize(
    ("front", "called"), [('title: "The pool"\ntags:\n  - water\n- x\n# note', "The pool"), ("tags: [a]", "Hours")]
)
def test_what_stands_in_front_of_a_page_is_no_text_of_it(front: str, called: str) -> None:
    text = f"---\n{front}\n---\n# Hours\n\nWe open at nine."
    assert title(text, "pool.md") == called
    assert [piece.text for piece in pieces(text, "pool.md", size=700)] == ["We open at nine."]


def test_a_rule_at_the_beginning_is_nothing_in_front() -> None:
    for text in ("---\n\nWe open.\n\n---\n\nSoon.", "---\n- one\n- two\n\n---\n\nSoon."):
        assert [piece.text for piece in pieces(text, "pool.md", size=700)] == [text]


def test_a_divided_table_has_its_head_in_every_passage() -> None:
    head = "| Article | Price |\n|---|---:|"
    rows = [f"| Article number {number} | {number} EUR |" for number in range(30)]
    found = [piece.text for piece in pieces("\n".join([head, *rows, "\nMore."]), "page.md", size=300)]
    assert len(found) > 3
    assert all(head in text for text in found[:-1])
    assert [line for text in found for line in text.split("\n") if line in rows] == rows


def test_what_stands_behind_a_table_gets_no_head_of_it() -> None:
    text = "| a | b |\n|---|---|\n| c | d |\n\n" + "Other words. " * 30 + "\n\n| e | f |"
    found = [piece.text for piece in pieces(text, "page.md", size=200)]
    assert sum("|---|" in text for text in found) == 1


def test_the_rest_of_a_table_has_no_head() -> None:
    assert table("| a |\n|---|\n| b |") == ("| a |\n|---|", ["| b |"])
    assert table("| b |\n| c |") == ("", ["| b |", "| c |"])
    assert table("no table") is None


def test_a_sign_in_code_is_no_heading() -> None:
    assert "# not a heading" in [*pieces(PAGE, "page.md", size=700)][1].text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# Fees #", "Fees"),
        ("# Fees ##  ", "Fees"),
        ("# About C#", "About C#"),
        ("#  Fees \t more", "Fees \t more"),
        ("# See [the fees](fees.md)", "See the fees"),
        (f"# {'x' * 300}", "x" * 200),
        ("# #", "name"),
        ("#Fees", "name"),
    ],
)
def test_a_heading_gives_its_words(line: str, words: str) -> None:
    assert title(line, "name.md") == words


def test_a_text_without_headings_is_called_by_its_file() -> None:
    assert title("Just words.", "notes/first-steps.txt") == "first steps"
    assert title("Just words.", "notes/_.txt") == "notes/_.txt"
    assert [piece.heading for piece in pieces("Just words.", "notes/first-steps.txt", size=700)] == ["first steps"]


def test_blocks_are_paragraphs_lists_tables_and_code() -> None:
    section = [*pieces(PAGE, "page.md", size=700)][1].text
    assert literal(section, blocks(section)) == [
        "To run:",
        "```sh\n# not a heading\nmake run\n```",
        "- one item\n  goes on\n- another. With more.",
        "| a | b |\n|---|---|\n| c | d |",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It has e.g. two. Yes!", ["It has e.g. two.", "Yes!"]),
        ("Python 3.11 is needed. Really", ["Python 3.11 is needed.", "Really"]),
        ("- one. Two.\n- three", ["- one.", "Two.", "- three"]),
        ("3.1 No dogs. 3.2 is void.\n3.2 No fires", ["3.1 No dogs.", "3.2 is void.", "3.2 No fires"]),
        ("Is it? “It is.” Good.", ["Is it?", "“It is.”", "Good."]),
        ("", []),
    ],
)
def test_sentences(text: str, found: list[str]) -> None:
    assert literal(text, sentences(text)) == found


@given(st.text(alphabet="ab .!?\n#`-|*>1[]() ", max_size=400))
def test_everything_is_a_literal_part_of_the_document(text: str) -> None:
    for piece in pieces(text, "x.md", size=80):
        assert piece.text in text
        assert all(piece.text[start:end].strip() for start, end in blocks(piece.text))
        for start, end in sentences(piece.text):
            assert 0 <= start < end <= len(piece.text)


def test_a_long_section_is_divided() -> None:
    text = "# Long\n\n" + " ".join(f"Sentence number {number} stands here." for number in range(100))
    found = list(pieces(text, "long.md", size=300))
    assert len(found) > 5
    assert all(len(piece.text) <= 300 for piece in found)


@pytest.mark.parametrize(
    ("wrapped", "shown"),
    [
        ("one line\nand the next", "one line and the next"),
        ("- an item\n  goes on\n- another", "- an item goes on\n- another"),
        ("a paragraph\n\nanother", "a paragraph\n\nanother"),
        ("| a | b |\n|---|---|\n| c | d |", "| a | b |\n|---|---|\n| c | d |"),
        ("text:\n```\na\nb\n```\nmore\ntext", "text:\n```\na\nb\n```\nmore text"),
        ("hard  \nbreak", "hard  \nbreak"),
        ("# Heading\ntext", "# Heading\ntext"),
        ("3.1 Dogs stay\noutside.\n3.2 A fire is no fun.", "3.1 Dogs stay outside.\n3.2 A fire is no fun."),
        ("A mug is\n9.50 EUR, Python\n3.11 is needed.", "A mug is 9.50 EUR, Python 3.11 is needed."),
    ],
)
def test_lines_that_were_only_wrapped_are_joined(wrapped: str, shown: str) -> None:
    assert unwrapped(wrapped) == shown


@given(st.text(alphabet="ab -#|`\n\\", max_size=80))
def test_joining_lines_changes_nothing_but_white_space(text: str) -> None:
    assert unwrapped(text).split() == text.split()
