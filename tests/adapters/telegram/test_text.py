"""Markdown as text and entities, with sources, within 4,096 UTF-16 units."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore import Citation
from botcore_telegram.text import LIMIT, SNIPPET_LIMIT, Body, Span, body, head, plain, tail, units


def marked(text: str) -> dict[str, str]:
    """Entity type → the text it covers."""
    said = body(text)
    raw = said.text.encode("utf-16-le")
    return {
        span.type: raw[2 * span.offset : 2 * (span.offset + span.length)].decode("utf-16-le") for span in said.spans
    }


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("plain", "plain"),
        ("**bold** and `code`", "bold and code"),
        ("- a\n- b", "• a\n• b"),
        ("## Title\n\ntext", "Title\n\ntext"),
        ("List<int> and <script>x</script>", "List<int> and <script>x</script>"),
        ("`a<b>`", "a<b>"),
        ("a < b > c &lt;", "a < b > c <"),
        ("**unfinished `code", "**unfinished `code"),
        ("<!-- only a comment -->", "<!-- only a comment -->"),
        (r"a \< b and \$5", "a < b and $5"),
        ("a || b || c", "a || b || c"),
        ("```sh\nmake \\\n|| exit ||\n```", "make \\\n|| exit ||"),
        ("| a || b |\n|---|---|---|\n|1||2|", "a |  | b\n--+--+--\n1 |  | 2"),
        ("```\n|a||b|\n|1||2|\n```", "|a||b|\n|1||2|"),
        ("Put $HOME/bin:$PATH there, or A$B$C", "Put $HOME/bin:$PATH there, or A$B$C"),
        ("That costs US$5, not $6.", "That costs US$5, not $6."),
        ("- [ ] a\n- [x] b", "☐ a\n✅ b"),
    ],
)
def test_nothing_that_was_written_is_lost(markdown: str, text: str) -> None:
    assert body(markdown).text == text


def test_entities_count_in_utf16_units() -> None:
    assert marked("😀😀 **bold** `x`") == {"bold": "bold", "code": "x"}
    assert body("😀 **b**").spans == (Span(type="bold", offset=3, length=1),)


def test_tabs_are_blanks_as_long_as_there_is_room() -> None:
    assert body("```go\nif x {\n\treturn\n}\n```").text == "if x {\n    return\n}"
    assert body("```go\n" + "\tx\n" * 1200 + "```").text == ("\tx\n" * 1200)[:-1]


def test_code_blocks_keep_their_language() -> None:
    said = body("```python\nprint(1)\n```")
    assert (said.text, said.spans[0].type, said.spans[0].language) == ("print(1)", "pre", "python")


@pytest.mark.parametrize(
    ("markdown", "text", "kind", "block"),
    [
        ("1. Run\n   ```sh\n   ls 😀\n   ```\n   and **see**.", "1. Run\nls 😀\nand see.", "pre", "ls 😀"),
        ("Do:\n\n- Run\n\n  ```\n  ls\n  ```\n\n  and **see**.", "Do:\n\n• Run\n\nls\nand see.", "pre", "ls"),
        ("- b\n  > c\n\n  and **see**.", "• b\nc\nand see.", "blockquote", "c\n"),
    ],
)
def test_a_block_in_a_list_stands_on_lines_of_its_own(markdown: str, text: str, kind: str, block: str) -> None:
    assert body(markdown).text == text
    assert marked(markdown) == {kind: block, "bold": "see"}


def test_formulas_are_shown_as_such() -> None:
    assert (body(r"So $\alpha < \beta$.").text, marked("So $a_b$.")) == ("So α < β.", {"code": "a_b"})
    assert marked("So\n\n$$\n\\frac{a}{b}\n$$") == {"pre": "a/b"}


def test_a_link_goes_where_it_says() -> None:
    assert [span.url for span in body("[a](https://a.example/?b=$c&d=<e>)").spans] == ["https://a.example/?b=$c&d=<e>"]


def test_links_go_only_to_places_a_reader_expects() -> None:
    assert [span.url for span in body("[a](https://a.example) [b](javascript:alert(1)) [c](file:///x)").spans] == [
        "https://a.example"
    ]


def test_a_text_that_grows_beyond_the_limit_is_sent_as_it_is() -> None:
    rows = "\n".join([f"|{'a' * 60}|b|", "|---|---|", *["|1|2|"] * 500])
    assert units(rows) <= LIMIT
    said = body(rows)
    assert (said.text, said.spans) == (rows, ())


def test_sources_stand_below_the_text() -> None:
    said = body(
        "See [1]",
        (
            Citation(number=1, title="Guide", source="https://docs.example/guide"),
            Citation(number=2, title="", source="notes.md"),
            Citation(number=1, title="Guide", source="https://docs.example/guide"),
        ),
    )
    assert said.text == "See [1]\n\nSources\n[1] Guide\n[2] notes.md"
    assert Span(
        type="text_link", offset=len("See [1]\n\nSources\n[1] "), length=5, url="https://docs.example/guide"
    ) in (said.spans)


def test_a_source_says_its_page_and_what_stands_there() -> None:
    citations = (
        Citation(number=1, title="Guide 😀", page=12, snippet="The lamp\n  is   red.", source="https://docs.example/g"),
        Citation(number=2, title="Notes", snippet="w" * 500),
    )
    said = body("See [1]", citations)
    quote = "w" * (SNIPPET_LIMIT - 1) + "…"
    assert said.text == f"See [1]\n\nSources\n[1] Guide 😀, p. 12\nThe lamp is red.\n[2] Notes\n{quote}"
    found = {span.type: _cut(said, span) for span in said.spans}
    assert found == {"bold": "Sources", "text_link": "Guide 😀", "expandable_blockquote": quote}


def test_quotes_give_way_before_a_source_does() -> None:
    citations = tuple(Citation(number=number, title="Guide", page=3, snippet="s" * 150) for number in (1, 2, 3))
    said = body("x" * 3800, citations)
    assert said.text.endswith("Sources\n[1] Guide, p. 3\n[2] Guide, p. 3\n[3] Guide, p. 3")


def _cut(said: Body, span: Span) -> str:
    raw = said.text.encode("utf-16-le")
    return raw[2 * span.offset : 2 * (span.offset + span.length)].decode("utf-16-le")


def test_many_sources_are_shortened_to_what_fits() -> None:
    citations = tuple(Citation(number=number, title="t" * 200) for number in range(1, 100))
    said = body("x" * 3800, citations)
    assert units(said.text) <= LIMIT
    assert said.text.startswith("x" * 3800 + "\n\nSources\n[1] ttt")
    assert said.text.endswith("more")


def test_without_formatting_the_sources_stay() -> None:
    assert plain("**x**", (Citation(number=1, title="Guide"),)).text == "**x**\n\nSources\n[1] Guide"


@given(st.text(max_size=300), st.integers(min_value=2, max_value=120))
def test_head_and_tail_fit_and_cut_no_character(text: str, limit: int) -> None:
    for piece in (head(text, limit), tail(text, limit)):
        assert units(piece) <= limit
        piece.encode("utf-16-le")


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "**",
            "*",
            "`",
            "```\n",
            "\n",
            "\n\n",
            "- ",
            "> ",
            "# ",
            "[a](https://x.y)",
            "<b>",
            "$",
            "|",
            "😀",
            "word ",
            "_",
            "~~",
        ]
    )
    | st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=8)
).map("".join)


@settings(max_examples=200, deadline=None)
@given(MARKDOWN)
def test_every_entity_lies_between_characters(text: str) -> None:
    said = body(text)
    edges, at = {0}, 0
    for character in said.text:
        at += 2 if ord(character) > 0xFFFF else 1
        edges.add(at)
    assert all(span.offset in edges and span.offset + span.length in edges for span in said.spans)
    assert units(said.text) <= LIMIT
