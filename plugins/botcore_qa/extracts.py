"""An answer in the documents' own words, pure: which part of which passage is shown, and what its number points at.

Citations are made from what is shown, never the other way round: there is none without its extract.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botcore import Citation
from botcore_qa.markdown import ITEM, blocks, is_example, is_heading, sentences, table, unwrapped
from botcore_qa.score import Scored, Term, share
from botcore_qa.words import stems

__all__ = ["Answer", "answer", "extract"]

SHOWN = 600
"""Characters of one extract at most; code and tables are not cut."""
ROWS = 5
"""Rows of a table that are shown; of a longer one, those that say what was asked."""
SENTENCES = 400
"""Characters taken out of a longer paragraph."""
ALSO = 0.9
"""A second passage is shown where it covers this share of what the best one covers…"""
SAYS = 0.5
"""…and its extract says this share of what the best one's extract says: the rest is in the headings of both."""

CELL = re.compile(r"(?<!\\)\|")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said, with the citations its numbers point at."""

    text: str
    citations: tuple[Citation, ...]


def answer(ranked: Sequence[Scored], terms: Sequence[Term], *, passages: int, lead: str) -> Answer:
    """The best passages' best parts, numbered. ``ranked`` is not empty."""
    shown = list(_shown(ranked, terms, passages))
    text = "\n\n".join([lead, *(_numbered(part, number) for number, (_, part) in enumerate(shown, 1))])
    citations = tuple(
        Citation(number=number, title=one.hit.heading, snippet=part, source=one.hit.source, page=one.hit.page)
        for number, (one, part) in enumerate(shown, 1)
    )
    return Answer(text=text, citations=citations)


def extract(text: str, terms: Sequence[Term]) -> str:
    """The literal part of ``text`` that says most about ``terms``."""
    parts = blocks(text)
    if not parts:
        return text
    if len(parts) > 1 and is_heading(text[slice(*parts[-1])]):
        parts = parts[:-1]  # what stands below it is in the next passage
    best = _best(text, parts, terms)
    start, end = parts[best]
    if rows := _rows(text[start:end], terms):
        return rows
    if best == 0:
        start = _begun(text, (start, end), terms)
    if end - start > SHOWN:
        start, end = _sentences(text, (start, end), terms)
        return text[start:end]
    if _announces(text[start:end]) and best + 1 < len(parts):
        end = parts[best + 1][1]
    elif best and text[slice(*parts[best - 1])].endswith(":") and end - parts[best - 1][0] <= SHOWN:
        start = parts[best - 1][0]
    return text[start:end]


def _rows(block: str, terms: Sequence[Term]) -> str:
    """Of a long table its head and the rows that were asked for; "" where that is no table, or all of it."""
    found = table(block)
    if found is None or len(found[1]) <= ROWS:
        return ""
    head, rows = found
    shares = [share(terms, set(stems(row))) for row in rows]
    asked = [row for row, says in zip(rows, shares, strict=True) if says > ALSO * max(shares)]
    return "\n".join(filter(None, [head, *asked])) if 0 < len(asked) <= ROWS else ""


def _announces(block: str) -> bool:
    """Whether this block says nothing without the next one."""
    return block.endswith(":") or is_heading(block)


def _shown(ranked: Sequence[Scored], terms: Sequence[Term], passages: int) -> Iterator[tuple[Scored, str]]:
    seen, least = list[str](), 0.0
    for one in ranked:
        part = extract(one.hit.body, terms)
        says = share(terms, set(stems(part)))
        if len(seen) == passages or one.score < ALSO * ranked[0].score:
            return
        if says >= least and not any(part in other or other in part for other in seen):
            least = least or SAYS * says
            seen.append(part)
            yield one, part


def _numbered(part: str, number: int) -> str:
    """The extract and its number; behind code and tables it needs a line of its own."""
    part = _listed(unwrapped(_fenced(part)))
    last = part.rsplit("\n", 1)[-1].lstrip()
    return f"{part}\n\n[{number}]" if last.startswith(("```", "~~~", "|")) else f"{part} [{number}]"


def _fenced(part: str) -> str:
    """A block of code that was divided between passages, with the fences it has lost."""
    if part.startswith("    ") and not ITEM.match(part):  # from the middle of it
        return f"```\n{part}\n```"
    return f"{part}\n```" if part.count("```") % 2 else part


def _listed(part: str) -> str:
    """Rows of a table that was divided, as a list: no channel knows them for a table without their head."""
    found = table(part)
    if found is None or found[0]:
        return part
    cells = ([cell.strip() for cell in CELL.split(line.strip().strip("|"))] for line in found[1])
    return "\n".join(f"- {' · '.join(filter(None, row))}" for row in cells)


def _best(text: str, parts: Sequence[Span], terms: Sequence[Term]) -> int:
    said = ("" if is_example(part) else part for part in (text[start:end] for start, end in parts))
    shares = [share(terms, set(stems(part))) for part in said]
    return shares.index(max(shares))


def _begun(text: str, block: Span, terms: Sequence[Term]) -> int:
    """Where a passage's first block begins to be read: behind the rest of a sentence, unless the question is in it."""
    start, end = block
    inside = sentences(text[start:end])
    if not text[start].islower() or len(inside) < 2:
        return start
    behind = start + inside[1][0]
    lost = share(terms, set(stems(text[start:end]))) > share(terms, set(stems(text[behind:end])))
    return start if lost else behind


def _sentences(text: str, block: Span, terms: Sequence[Term]) -> Span:
    """The best sentence of a long block and as many behind it as there is room for."""
    inside = [(block[0] + start, block[0] + end) for start, end in sentences(text[slice(*block)])]
    first = _best(text, inside, terms)
    start, end = inside[first]
    for _, further in inside[first + 1 :]:
        if further - start > SENTENCES:
            break
        end = further
    return start, end
