"""A reply's Markdown as Telegram shows it: text and entities, with its sources.

Lengths are UTF-16 units, as Telegram counts. Entities instead of MarkdownV2: nothing has to be escaped, so nothing can
fail to parse.
"""

import logging
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from botcore import Citation

if TYPE_CHECKING:
    from telegramify_markdown import MessageEntity, RenderConfig

__all__ = ["LIMIT", "Body", "Span", "body", "head", "plain", "tail", "units"]

log = logging.getLogger(__name__)

LIMIT = 4096
"""The longest message, after entities are taken out."""

TITLE_LIMIT = 80
SNIPPET_LIMIT = 200
"""About four lines on a phone; Telegram folds a longer quote."""
HIDDEN = {"<": "\ufdd0", "|": "\ufdd1", "$": "\ufdd2"}
"""What stands for these while converting: never in real text."""
HIDE, SHOW = str.maketrans(HIDDEN), str.maketrans({stand_in: shown for shown, stand_in in HIDDEN.items()})
FORMULA_OR_DOLLAR = re.compile(
    r"(\\.|\$\$.+?\$\$|(?<![\w$])\$(?=[^\s$])[^$\n]*(?<=[^\s$])\$(?![\w$]))|\$", re.DOTALL | re.ASCII
)
"""A dollar of a formula stands at a word's edge, as on GitHub; others are prices and variables."""
TABLE = re.compile(r"^[ \t]*\|[ \t]*:?-", re.MULTILINE)
ROW = re.compile(r"^[ \t]*\|(?!\|).*\|[ \t]*$", re.MULTILINE)
MISTAKEN = re.compile(r"(\\.)|<|\|\|", re.DOTALL)

MORE = "\n… and {} more"
TAB = 4
BLOCKS = ("pre", "blockquote", "expandable_blockquote")
NEWLINE = "\n".encode("utf-16-le")
LINKS = ("http://", "https://", "mailto:", "tg://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One entity: where a piece of text is bold, code, a link."""

    type: str
    offset: int
    length: int
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What one message says."""

    text: str
    spans: tuple[Span, ...] = ()


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def head(text: str, limit: int = LIMIT) -> str:
    """The beginning of ``text`` that fits, with "…" where something is missing."""
    return text if units(text) <= limit else f"{_first(text, limit - 1)}…"


def tail(text: str, limit: int = LIMIT) -> str:
    """The end of ``text`` that fits: what a reader of a growing reply wants to see."""
    if units(text) <= limit:
        return text
    return f"…{_first(text[::-1], limit - 1)[::-1]}"


def body(text: str, citations: Sequence[Citation] = ()) -> Body:
    """``text`` formatted, with its sources below; unformatted where the formatted form does not fit."""
    formatted = _converted(text)
    sources = _sources(citations, LIMIT - units(formatted.text)) if formatted else None
    if not formatted or sources is None:
        return plain(text, citations)
    return _joined(formatted, sources)


def plain(text: str, citations: Sequence[Citation] = ()) -> Body:
    """``text`` as it is, with its sources below as far as they fit."""
    text = head(text)
    sources = _sources(citations, LIMIT - units(text))
    return Body(text=text + sources.text if sources else text)


def _first(text: str, limit: int) -> str:
    # Characters beyond the BMP are two units and one code point: counting by code points never cuts one in half.
    total = 0
    for place, character in enumerate(text):
        total += 2 if ord(character) > 0xFFFF else 1
        if total > limit:
            return text[:place]
    return text


def _converted(text: str) -> Body | None:
    from telegramify_markdown import convert

    try:
        shown, entities = convert(_unmistakable(_indented(text)), config=_look())
    except Exception as error:
        # A converter's bug must not cost the reader the reply.
        log.warning("the reply is shown unformatted: %s in the Markdown converter", type(error).__name__)
        return None
    said = _apart(shown.translate(SHOW), [_span(entity) for entity in entities])
    shown = said.text.rstrip()
    length = units(shown)
    if not shown or length > LIMIT:
        return None
    kept = (replace(span, length=min(span.length, length - span.offset)) for span in said.spans if _kept(span, length))
    return Body(text=shown, spans=tuple(kept))


def _indented(text: str) -> str:
    """Tabs as blanks, where there is room: Telegram makes one blank of each, and code would lose its shape."""
    wide = text.expandtabs(TAB)
    return wide if units(wide) <= LIMIT else text


def _unmistakable(text: str) -> str:
    """The text without what the converter would take for more than it is.

    It drops what looks like HTML, as ``List<int>`` does, hides what stands between two "||", as in ``a || b || c``,
    and takes what stands between any two dollars for a formula, as in ``$HOME/bin:$PATH``.
    """
    text = FORMULA_OR_DOLLAR.sub(_hidden, text)
    if TABLE.search(text):  # where "||" is an empty cell
        text = ROW.sub(lambda row: re.sub(r"\|(?=\|)", "| ", row[0]), text)
    return MISTAKEN.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    return found[1] or found[0].translate(HIDE)


def _span(entity: "MessageEntity") -> Span:
    url, language = (text and text.translate(SHOW) for text in (entity.url, entity.language))
    return Span(type=entity.type, offset=entity.offset, length=entity.length, url=url, language=language)


def _apart(text: str, spans: Sequence[Span]) -> Body:
    """Blocks on lines of their own: in an item of a list the converter runs them into what stands around them."""
    if not spans:
        return Body(text=text)
    raw = text.encode("utf-16-le", "surrogatepass")
    edges = {edge for span in spans if span.type in BLOCKS for edge in (span.offset, span.offset + span.length)}
    glued = [edge for edge in sorted(edges) if 0 < edge < len(raw) // 2 and NEWLINE not in _around(raw, edge)]
    pieces = [raw[2 * start : 2 * end] for start, end in pairwise([0, *glued, len(raw) // 2])]
    return Body(
        text=NEWLINE.join(pieces).decode("utf-16-le", "surrogatepass"),
        spans=tuple(_shifted(span, glued) for span in spans),
    )


def _around(raw: bytes, edge: int) -> tuple[bytes, bytes]:
    return raw[2 * edge - 2 : 2 * edge], raw[2 * edge : 2 * edge + 2]


def _shifted(span: Span, glued: Sequence[int]) -> Span:
    """The span where a unit was put in at each of these places: none at its own edges is part of it."""
    end = span.offset + span.length
    offset = span.offset + bisect_right(glued, span.offset)
    return replace(span, offset=offset, length=end + bisect_left(glued, end) - offset)


@lru_cache(maxsize=1)
def _look() -> "RenderConfig":
    from telegramify_markdown import RenderConfig

    look = RenderConfig.isolated()
    for level in range(1, 5):
        setattr(look.markdown_symbol, f"heading_level_{level}", "")
    look.markdown_symbol.unordered_list_item = "•"
    look.markdown_symbol.task_uncompleted = "☐"
    return look


def _kept(span: Span, length: int) -> bool:
    fits = 0 <= span.offset < length and span.length > 0
    return fits and (span.type != "text_link" or (span.url or "").startswith(LINKS))


def _sources(citations: Sequence[Citation], room: int) -> Body | None:
    """The list of sources, quoted where they fit into ``room``; None where not even the list's beginning fits."""
    if not citations:
        return Body(text="")
    unique = list({citation.number: citation for citation in citations}.values())
    quoted = _all([_source(citation, quote=True) for citation in unique])
    return quoted if units(quoted.text) <= room else _first_few([_source(citation) for citation in unique], room)


def _first_few(sources: Sequence[Body], room: int) -> Body | None:
    for shown in range(len(sources), -1, -1):
        listed = _all(sources[:shown])
        more = MORE.format(len(sources) - shown) if shown < len(sources) else ""
        if units(listed.text + more) <= room:
            return replace(listed, text=listed.text + more)
    return None


def _all(sources: Sequence[Body]) -> Body:
    listed = Body(text="\n\nSources", spans=(Span(type="bold", offset=2, length=len("Sources")),))
    for source in sources:
        listed = _joined(listed, source)
    return listed


def _source(citation: Citation, *, quote: bool = False) -> Body:
    """``[1] Title, p. 12``, and below it what it says."""
    title = head(" ".join(citation.title.split()) or citation.source, TITLE_LIMIT)
    before, page = f"\n[{citation.number}] ", f", p. {citation.page}" if citation.page else ""
    line = Body(text=before + title + page)
    if title and citation.source.startswith(("http://", "https://")):
        link = Span(type="text_link", offset=units(before), length=units(title), url=citation.source)
        line = replace(line, spans=(link,))
    snippet = head(" ".join(citation.snippet.split()), SNIPPET_LIMIT)
    if not quote or not snippet:
        return line
    mark = Span(type="expandable_blockquote", offset=1, length=units(snippet))
    return _joined(line, Body(text=f"\n{snippet}", spans=(mark,)))


def _joined(first: Body, second: Body) -> Body:
    offset = units(first.text)
    moved = tuple(replace(span, offset=span.offset + offset) for span in second.spans)
    return Body(text=first.text + second.text, spans=first.spans + moved)
