"""HTML to Markdown, by selectolax (Lexbor): what a reader of the page would read, without menus and scripts."""

import codecs
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from botcore_qa.reader.parts import Block, End, Heading, Opening, Part, Refusal, sections

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

__all__ = ["read"]

_SKIPPED = "head script style nav noscript template iframe svg math object button select"
SKIPPED = frozenset(_SKIPPED.split())
_BLOCKS = """
address article aside blockquote body caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5
h6 header hr html li main ol p pre section summary table tbody tfoot thead tr ul
"""
BLOCKS = frozenset(_BLOCKS.split())
"""What begins and ends a paragraph."""
HEADING = re.compile(r"h[1-6]")
SPANNED = 100
"""Columns or rows that one cell of a table may take up."""
CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=[\s\"']*([\w-]{2,40})", re.IGNORECASE)
HEAD = 4_096
"""Bytes in which the page must say its encoding."""


def read(stream: IO[bytes]) -> Iterator[Part]:
    """Its sections. Raises `Refusal`: no text of its encoding."""
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(_decoded(stream.read()))
    title = page.css_first("title") or page.css_first("h1")
    yield Opening(title=title.text() if title else "")
    if page.body is not None:
        yield from sections(_Blocks().of(page.body))
    yield End()


def _decoded(raw: bytes) -> str:
    named = CHARSET.search(raw[:HEAD])
    encoding = "utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    if named and encoding == "utf-8-sig" and not raw.startswith(codecs.BOM_UTF8):
        encoding = named[1].decode()
    try:
        known = codecs.lookup(encoding).name
        text = raw.decode("cp1252" if known in ("iso8859-1", "ascii") else known)  # as browsers do
    except (LookupError, UnicodeDecodeError) as error:
        raise Refusal(f"not the {encoding.removesuffix('-sig').upper()} text it should be; save it as UTF-8") from error
    if "\0" in text:
        raise Refusal("holds NUL bytes: no text file")
    return text


class _Blocks:
    """Collects the words of a page into blocks, on one walk without recursion: some are nested very deeply."""

    def __init__(self) -> None:
        self._words = ""
        self._item = False
        """Whether what comes first is the item of a list."""
        self._cells: list[str] | None = None
        """The row of a table under way."""
        self._rows = 0
        self._down = dict[int, tuple[int, str]]()
        """For how many more rows a cell goes on, by its column: each row has its words, for each is found by itself."""

    def of(self, root: "LexborNode") -> Iterator[Heading | Block]:
        """The headings and blocks below ``root``, in order."""
        for node, enters in _walk(root):
            tag = node.tag
            if tag == "-text":
                self._words += node.text(deep=False) or ""
            elif tag == "br":
                self._words += "\n"
            elif tag in ("td", "th"):
                self._cell(node, enters=enters)
            elif tag in BLOCKS and self._cells is not None and tag != "tr":
                self._words += " "
            elif tag in BLOCKS:
                yield from self._block(str(tag), enters=enters)
        yield from self._flush("")

    def _block(self, tag: str, *, enters: bool) -> Iterator[Heading | Block]:
        """The words before this tag begins, or in it when it ends."""
        if tag == "table" and enters:
            self._rows = 0
            self._down.clear()
        yield from self._flush("" if enters else tag)
        if tag == "li":
            self._item = enters
        if tag == "tr":
            self._cells = [] if enters else None

    def _cell(self, node: "LexborNode", *, enters: bool) -> None:
        if self._cells is not None and not enters:
            self._come_down(self._cells)
            words, further = " ".join(self._words.split()).replace("|", "/"), _span(node, "rowspan") - 1
            for text in (words, *[""] * (_span(node, "colspan") - 1)):
                if further:
                    self._down[len(self._cells)] = (further, text)
                self._cells.append(text)
        self._words = "" if self._cells is not None else self._words + " "

    def _come_down(self, cells: list[str]) -> None:
        """The cells of rows above that take up the next columns of this one."""
        while held := self._down.pop(len(cells), None):
            further, text = held
            if further > 1:
                self._down[len(cells)] = (further - 1, text)
            cells.append(text)

    def _flush(self, tag: str) -> Iterator[Heading | Block]:
        words, self._words = self._words, ""
        if tag == "tr" and self._cells:
            self._come_down(self._cells)
        if tag == "tr" and self._cells:
            yield Block("| " + " | ".join(self._cells) + " |", "row")
            if not self._rows:
                yield Block("|" + " --- |" * len(self._cells), "row")
            self._rows += 1
        elif tag == "pre" and words.strip():
            yield Block(f"```\n{words.strip(chr(10))}\n```", "code")
        elif plain := " ".join(words.split()):
            if HEADING.fullmatch(tag):
                yield Heading(int(tag[1]), plain)
            else:
                yield Block(f"- {plain}", "item") if self._item else Block(plain)
            self._item = False


def _walk(root: "LexborNode") -> Iterator[tuple["LexborNode", bool]]:
    """Every node, as it is entered (True) and left (False)."""
    waiting = [(root, True)]
    while waiting:
        node, enters = waiting.pop()
        yield node, enters
        if enters and node.tag not in ("-text", "br"):
            waiting.append((node, False))
            below = [child for child in node.iter(include_text=True) if not _is_skipped(child)]
            waiting.extend((child, True) for child in reversed(below))


def _is_skipped(node: "LexborNode") -> bool:
    """What is hidden is not: where pages fold, it holds the answers."""
    return node.tag in SKIPPED or (node.tag != "-text" and node.attributes.get("role") == "navigation")


def _span(node: "LexborNode", name: str) -> int:
    told = (node.attributes.get(name) or "")[:3]
    return min(max(int(told), 1), SPANNED) if told.isdecimal() else 1
