"""What a document is made of once it is read, pure: an opening, then sections of Markdown in order, then its end.

    format ── Heading, Block … ── Section … ── one line of JSON each ── the bot

Formats with pages make their sections themselves.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = [
    "Block",
    "End",
    "Heading",
    "Opening",
    "Part",
    "Refusal",
    "Section",
    "from_line",
    "sections",
    "slices",
    "to_line",
]

SECTION = 50_000
"""Characters of one section at most: one line of JSON stays below a megabyte, whatever the script."""
WORDS = 200
"""Characters of a title or heading that are kept."""
UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")
"""What no database takes: NUL and halves of UTF-16 pairs."""


class Refusal(Exception):
    """The document cannot be used; the text says why, in words for whoever sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The first thing told about a document."""

    title: str = ""
    """What it calls itself; "" where it does not."""
    pages: int = 0
    """0 = it has no pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A page, or what stands under one heading, as Markdown."""

    text: str
    heading: tuple[str, ...] = ()
    """The headings above it, the outermost first."""
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The document is complete."""

    unread: tuple[int, ...] = ()
    """Pages whose text could not be made out."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; 0 is the title, 1 a chapter."""

    depth: int
    words: str


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, one item of a list, one row of a table, or code."""

    text: str
    kind: Literal["text", "item", "row", "code"] = "text"


Part = Opening | Section | End


def sections(stream: Iterable[Heading | Block]) -> Iterator[Section]:
    """What stands under each heading, in order; long stretches in several sections."""
    path, text, before = list[tuple[int, str]](), "", ""
    for one in stream:
        if isinstance(one, Heading) or len(text) > SECTION:
            yield from _section(path, text)
            text, before = "", ""
        if isinstance(one, Heading):
            path = [*(above for above in path if above[0] < one.depth), (one.depth, _words(one.words))]
            continue
        joined = one.kind == before and one.kind in ("item", "row")
        text += ("\n" if joined else "\n\n" if text else "") + one.text
        before = one.kind
    yield from _section(path, text)


def _section(path: list[tuple[int, str]], text: str) -> Iterator[Section]:
    heading = tuple(words for _, words in path if words)
    for part in slices(text):
        yield Section(text=part, heading=heading)


def slices(text: str) -> Iterator[str]:
    """``text`` in stretches of at most `SECTION` characters, divided between paragraphs, lines or words."""
    start = 0
    while start < len(text):
        end = start + SECTION
        if end < len(text):
            end = next((at for gap in ("\n\n", "\n", " ") if (at := text.rfind(gap, start + 1, end)) > 0), end)
        if text[start:end].strip():
            yield text[start:end]
        start = end


def to_line(part: Part) -> bytes:
    """One line of JSON, in ASCII: halves of UTF-16 pairs, which no text may hold, get through as they are."""
    return json.dumps({"part": type(part).__name__.lower(), **asdict(part)}).encode() + b"\n"


def from_line(line: bytes) -> Part:
    """The part, with nothing in it that cannot be stored, whatever a hostile file has made of its reader.

    Raises `Refusal` where the reader refused the document, and for what is no part.
    """
    try:
        return _part(json.loads(line))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise Refusal("its reader said what is no part of a document; damaged, or made to do harm") from error


def _part(told: dict[str, Any]) -> Part:
    if "refused" in told:
        raise Refusal(_words(told["refused"]))
    match told["part"]:
        case "opening":
            return Opening(title=_words(told["title"]), pages=_number(told["pages"]))
        case "section":
            heading = tuple(_words(words) for words in told["heading"][:9])
            return Section(text=_storable(told["text"]), heading=heading, page=_number(told["page"]))
        case "end":
            return End(unread=tuple(_number(page) for page in told["unread"]))
    raise ValueError(told["part"])


def _storable(text: str) -> str:
    return UNSTORABLE.sub("\ufffd", text)


def _number(told: int) -> int:
    if not 0 <= told < 1_000_000:
        raise ValueError(told)
    return int(told)


def _words(text: str) -> str:
    return " ".join(_storable(text).split())[:WORDS]
