"""Cuts a long reply into messages a platform takes: at paragraphs, lines, sentences or words, never inside a character.

A link that fits is not cut. A fenced code block that must be cut is closed and opened again, so both halves stay code.
"""

import re
import unicodedata
from collections.abc import Callable

__all__ = ["measure", "split"]

FENCE = re.compile(r"^( {0,3}(?:```+(?=[^`\n]*$)|~~~+))(.*)$", re.MULTILINE)
"""A line that opens or closes a code block; one with a backtick behind the fence is text."""
BREAKS = (re.compile(r"\n\n+"), re.compile(r"\n"), re.compile(r"(?<=[.!?…])\s|(?<=[。！？])"), re.compile(r"\s"))
LINK = re.compile(r"\[[^\[\]\n]{1,500}\]\([^()\s]{1,2000}\)")
FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""The letters of which two make a flag."""
EXTENDERS = re.compile("[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
"""Beside marks: joiners, skin colours, and the tags of which flags of regions are made."""

MEASURES: dict[str, Callable[[str], int]] = {
    "chars": len,
    "utf16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "utf8": lambda text: len(text.encode("utf-8", "surrogatepass")),
}


def measure(text: str, unit: str) -> int:
    """The length of ``text`` in ``chars``, ``utf16`` code units or ``utf8`` bytes."""
    return MEASURES[unit](text)


def split(text: str, *, limit: int, unit: str = "chars") -> list[str]:
    """``text`` in pieces of at most ``limit`` units (16 or more); no piece is blank, and a blank text has none."""
    pieces, rest = list[str](), text.strip()
    while measure(rest, unit) > limit:
        piece, rest = _cut(rest, limit, unit)
        pieces.append(piece)
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int, unit: str) -> tuple[str, str]:
    opening = FENCE.match(text)
    at = _before_link(text, _break(_prefix(text, limit, unit), after=opening.end() + 1 if opening else 0))
    opening = _open_fence(text[:at])
    if opening:
        return _cut_code(text, at, opening, limit, unit)
    return text[:at].rstrip(), text[at:].lstrip()


def _cut_code(text: str, at: int, opening: re.Match[str], limit: int, unit: str) -> tuple[str, str]:
    """Cut the code block that ``at`` is inside of, or in front of it where nothing of its code would come before."""
    first_line, closing = opening[0].strip(), opening[1]
    room = limit - measure(f"\n{closing}", unit)
    if measure(first_line, unit) + 16 > room:  # a fence longer than the message: give up on keeping it
        return text[:at].rstrip(), text[at:].lstrip()
    plain, at = at, _break(_prefix(text[:at], room, unit), after=opening.end() + 1)
    before = text[: opening.start()].rstrip()
    if before and not text[opening.end() : at].strip():
        return before, text[opening.start() :]
    if at <= opening.end() + 1:  # one character of it is longer than the message, with its marks: give up likewise
        return text[:plain].rstrip(), text[plain:].lstrip()
    return f"{text[:at].rstrip()}\n{closing}", f"{first_line}\n{text[at:].lstrip(chr(10))}"


def _before_link(text: str, at: int) -> int:
    """Where to cut instead where ``at`` is inside a link: in front of it, unless that is the beginning."""
    nearby = text.rfind("[", 0, at)
    link = LINK.match(text, nearby) if nearby > 0 else None
    return nearby if link and link.end() > at and text[:nearby].strip() else at


def _prefix(text: str, limit: int, unit: str) -> str:
    """The longest start of ``text`` within ``limit``, not ending inside a grapheme."""
    size = min(len(text), limit)
    while measure(text[:size], unit) > limit:
        size -= max(1, (measure(text[:size], unit) - limit) // 4)
    end = size
    while 0 < end < len(text) and _continues(text, end):
        end -= 1
    return text[: end or size]


def _continues(text: str, at: int) -> bool:
    """Whether the character at ``at`` belongs to the one before it."""
    here, before = text[at], text[at - 1]
    if here in FLAGS and before in FLAGS:
        return (at - len(text[:at].rstrip(FLAGS))) % 2 == 1
    # Not by combining(): vowel signs of Thai, Hindi and many others are marks of class 0.
    return before == "\u200d" or unicodedata.category(here).startswith("M") or bool(EXTENDERS.match(here))


def _break(fitting: str, *, after: int = 0) -> int:
    """The best place to cut in the last two thirds, behind ``after``; the end where there is none."""
    least = max(after, len(fitting) // 3)
    for pattern in BREAKS:
        found = [match.end() for match in pattern.finditer(fitting) if match.end() > least]
        if found:
            return found[-1]
    return len(fitting)


def _open_fence(text: str) -> re.Match[str] | None:
    """The first line of the code block that ``text`` ends inside of."""
    inside: re.Match[str] | None = None
    for match in FENCE.finditer(text):
        if inside is None:
            inside = match
        elif match[1].lstrip().startswith(inside[1].lstrip()) and not match[2].strip():
            inside = None
    return inside
