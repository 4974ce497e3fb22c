"""Markdown (and plain text) to sections, passages and the pieces that can be quoted, pure.

    document ── section (a heading's own text) ── passage (what is found) ── block ── sentence (what is quoted)

Everything below a document is a literal slice of it: what is quoted can be found in the file again. Only a table that
does not fit into one passage has its head in each of them: without it nobody knows what the cells say.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from semantic_text_splitter import MarkdownSplitter

__all__ = [
    "ITEM",
    "Piece",
    "blocks",
    "cut",
    "is_example",
    "is_heading",
    "pieces",
    "sections",
    "sentences",
    "table",
    "title",
    "unwrapped",
]

# A document is read in the bot's own process, and `re` holds the interpreter while it looks: every expression here
# takes time in proportion to the text, whatever the text is (`test_no_text_takes_long`).
HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
UNDERLINE = re.compile(r" {0,3}(?:(=+)|-{2,})[ \t]*")
"""What makes the single line above it a heading, of the first or the second depth."""
FRONT = re.compile(r"---[ \t]*\n[\w.][\w.-]*:.*\n(?:(?:[\w.][\w.-]*:|[ \t#-]).*\n|\n)*?---[ \t]*(?:\n|$)")
"""What programs that make pages of Markdown keep in front of it: YAML, of which people see the title."""
TITLE = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
HEADING_CHARS = 200
"""Characters of a heading that are kept."""
FENCE = re.compile(r"[ \t]*(```+|~~~+)")
EXAMPLE = re.compile(r"[ \t]*(?:```+|~~~+)(?:[ \t]*(?:json\w*|py\w*)\b|[ \t]*\n\s*[{\[])", re.IGNORECASE)
"""How a block of code begins that is JSON or Python."""
LINE = 80
"""Characters of a heading that stands on a line of its own."""
UNMARKED = re.compile(r"\n|^[ \t]*(?:[-*+|>]|```|~~~)|[.!?:;,…。！？][\"'”’)\]*_`]*$")
"""What no such heading has: a second line, a mark of lists, tables, quotes or code, the end of a sentence."""
ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)]|\d{1,2}(?:\.\d{1,2}){1,4}(?=[ \t]+[A-ZÄÖÜ][a-zäöüß ]))[ \t]+")
"""Also a clause: "3.2 Dogs stay outside", but no wrapped line that goes on with "9.50 EUR" or "3.11 is needed"."""
SENTENCE = re.compile(r"(?:[.!?…][\"'”’)*_`]*(?=\s+[\"'“‘(*_`]*[^\s.a-z])|[。！？]|$)", re.DOTALL)
UNJOINED = re.compile(r"[ \t]*(?:$|#{1,6}[ \t]|\||>|```|~~~)")
"""Lines that stand for themselves: blank, headings, tables, quotes, fences."""
DELIMITER = re.compile(r"[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*")
"""The line below a table's head."""
GAP = re.compile(r"\s*")
MARKUP = re.compile(r"!?\[([^\[\]]*)\]\([^)\[]*\)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A passage: a part of a document, and the headings it stands under."""

    heading: str
    """``Title › Chapter › Section``."""
    text: str
    page: int = 0
    """0 = the document has no pages."""


def title(text: str, name: str) -> str:
    """What the document says in front, its first heading, or the file's ``name`` without its ending."""
    said = TITLE.search(text, 0, _front(text))
    first = (
        said[1].strip("\"' ")[:HEADING_CHARS] if said else next((words for _, words, _ in _lines(text) if words), "")
    )
    return first or re.sub(r"[-_]+", " ", name.rsplit("/", 1)[-1].rsplit(".", 1)[0]).strip() or name


def pieces(text: str, name: str, *, size: int) -> Iterator[Piece]:
    """The passages of a document, in order, each at most ``size`` characters (longer only where it cannot be split)."""
    whole = title(text, name)
    for path, section in sections(text):
        yield from cut(section, whole, path, size=size)


def cut(text: str, whole: str, path: Sequence[str], *, page: int = 0, size: int) -> Iterator[Piece]:
    """The passages of one section of the document with the title ``whole``, under the headings ``path``."""
    shown = path if [*path[:1]] == [whole] else [whole, *path]
    for chunk in _headed(MarkdownSplitter(size).chunks(text), size // 2):
        if chunk.strip():
            yield Piece(heading=" › ".join(shown), text=chunk.strip(), page=page)


def _headed(chunks: Iterable[str], longest: int) -> Iterator[str]:
    """The chunks, those that begin in the middle of a table with its head (of ``longest`` characters at most) again."""
    head = ""
    for chunk in chunks:
        parts = [chunk[start:end] for start, end in blocks(chunk)] or [""]
        first, last = table(parts[0]), table(parts[-1])
        if first and not first[0] and head:
            yield f"{head}\n{chunk.lstrip()}"
        else:
            yield chunk
        begins = last[0] if last else ""
        head = begins or (head if last and len(parts) == 1 else "")
        head = head if len(head) <= longest else ""


def table(block: str) -> tuple[str, list[str]] | None:
    """The head of a table ("" where it has none, being the rest of one) and its rows; None for any other block."""
    lines = block.split("\n")
    if not all(line.lstrip().startswith("|") for line in lines):
        return None
    below = 2 if len(lines) > 1 and DELIMITER.fullmatch(lines[1]) else 0
    return "\n".join(lines[:below]), lines[below:]


def blocks(text: str) -> list[tuple[int, int]]:
    """Where the paragraphs, lists, tables and code blocks of a passage begin and end."""
    found, kind = list[tuple[int, int]](), ""
    for start, end, this in _kinds(text):
        if this and this == kind:
            found[-1] = (found[-1][0], end)
        elif this:
            found.append((start, end))
        kind = this
    return found


def is_example(block: str) -> bool:
    """Whether this block is fenced JSON or Python: an example, whose names and values say nothing by themselves."""
    return EXAMPLE.match(block) is not None


def is_heading(block: str) -> bool:
    """Whether this block is a heading that is not marked as one, as in a PDF: a short line, no sentence."""
    return len(block) <= LINE and not UNMARKED.search(block)


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a paragraph begin and end; list items and table rows are sentences of their own."""
    found = list[tuple[int, int]]()
    for start, end, kind in _units(text):
        found += _split(text, start, end) if kind in ("text", "list") else [(start, end)]
    return found


def unwrapped(text: str) -> str:
    """``text`` with the lines of each paragraph joined: where a source was wrapped is no line break of its own.

    Code, tables, headings, quotes and hard breaks (two spaces or a backslash at the end) stay as they are.
    """
    lines, fenced = list[str](), False
    for line in text.split("\n"):
        begins = fenced or not lines or UNJOINED.match(line) or ITEM.match(line)
        fenced ^= bool(FENCE.match(line))
        if begins or UNJOINED.match(lines[-1]) or lines[-1].endswith(("  ", "\\")):
            lines.append(line)
        else:
            lines[-1] = f"{lines[-1].rstrip()} {line.strip()}"
    return "\n".join(lines)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in SENTENCE.finditer(text, start, end):
        if match.end() > start:
            yield start, match.end()
            gap = GAP.match(text, match.end(), end)
            start = gap.end() if gap else end


def _units(text: str) -> Iterator[tuple[int, int, str]]:
    """List items, table rows, code blocks and paragraphs."""
    held: tuple[int, int, str] | None = None
    for start, end, kind in _kinds(text):
        joins = held and kind == held[2] and kind != "table" and not (kind == "list" and ITEM.match(text, start))
        if held and joins:
            held = (held[0], end, kind)
            continue
        if held and held[2]:
            yield held
        held = (start, end, kind)
    if held and held[2]:
        yield held


def _kinds(text: str) -> Iterator[tuple[int, int, str]]:
    """Every line without its newline, and what it belongs to; "" for an empty one."""
    fence, kind, start = "", "", 0
    for line in text.splitlines(keepends=True):
        bare, mark = line.rstrip(), FENCE.match(line)
        if fence:
            kind, fence = "code", "" if mark and bare.strip().startswith(fence) else fence
        elif mark:
            kind, fence = "code", mark[1]
        else:
            kind = _kind(bare, kind)
        yield start, start + len(bare), kind
        start += len(line)


def _kind(bare: str, before: str) -> str:
    if not bare:
        return ""
    if bare.lstrip().startswith("|"):
        return "table"
    return "list" if ITEM.match(bare) or before == "list" else "text"


def sections(text: str) -> Iterator[tuple[list[str], str]]:
    """(headings above it, text) of every stretch between two headings; a heading without text of its own has none."""
    path, start = list[tuple[int, str]](), _front(text)
    for depth, words, (begin, end) in _lines(text):
        if not words:
            continue
        if text[start:begin].strip():
            yield [name for _, name in path], text[start:begin]
        path = [*(above for above in path if above[0] < depth), (depth, words)]
        start = end
    if text[start:].strip():
        yield [name for _, name in path], text[start:]


def _lines(text: str) -> Iterator[tuple[int, str, tuple[int, int]]]:
    """(depth, words, where) of every heading outside code: marked in front, or by a line below it."""
    front, above, alone = _front(text), "", False
    begin = finish = 0
    for start, end, kind in _kinds(text):
        if start < front:
            continue
        heading = HEADING.fullmatch(text, start, end) if kind in ("text", "list") else None
        below = UNDERLINE.fullmatch(text, start, end) if kind == "text" and alone else None
        if heading:
            yield len(heading[1]), _plain(heading[2]), (start, end)
        elif below:
            yield 1 if below[1] else 2, _plain(text[begin:finish].strip()), (begin, end)
        begin, finish, alone = start, end, kind == "text" and not above and not heading
        above = "" if heading or below else kind


def _front(text: str) -> int:
    """Where the document itself begins."""
    found = FRONT.match(text)
    return found.end() if found else 0


def _plain(heading: str) -> str:
    """The words of a heading, without the signs that close it (those of "About C#" close nothing)."""
    open_ended = heading.rstrip("#")
    words = heading if open_ended[-1:].strip() else open_ended
    return MARKUP.sub(lambda match: match[1] or "", words[:HEADING_CHARS]).strip()
