"""The lines of a printed page to paragraphs, pure: words divided at a line's end are joined, running heads leave."""

import re
import unicodedata

__all__ = ["Running", "garbled", "reflowed"]

BULLET = re.compile(r"[•‣▪●◦∙·\uf0b7][ \t]*")
ITEM = re.compile(r"(?:[-*+]|\d{1,3}[.)])[ \t]+\S")
CLAUSE = re.compile(r"(?:§[ \t]*\d+|\d{1,2}(?:\.\d{1,2}){1,3}\.?)[ \t]+[^\W\d_a-z]")
"""How the clause of a contract begins: "2.1 The seller", "§ 4 Term"."""
ENDS = re.compile(r"[.!?:;…。！？][\"'”’)\]]*$")
DIVIDED = re.compile(r"\w[-\u00ad\u2010]$")
SHORT = 0.7
"""A line that fills less of the page than this, and ends like a sentence, ends its paragraph; below half, any does."""
GARBLED = 0.3
"""Share of signs without a meaning from which a page is not text: a font without a table of its letters."""


def reflowed(text: str) -> str:
    """Paragraphs, separated by empty lines; list items and lines that stand alone keep lines of their own."""
    lines = [BULLET.sub("- ", " ".join(line.split()), count=1) for line in text.splitlines()]
    lengths = sorted(len(line) for line in lines if line)
    width = lengths[len(lengths) * 9 // 10] if lengths else 0
    whole, before = "", ""
    for line in lines:
        if line and before and DIVIDED.search(before) and line[0].islower():
            whole = whole[:-1] + line
        elif line:
            whole += (_joint(before, line, width) if before else "\n\n" if whole else "") + line
        before = line
    return whole


def _joint(before: str, line: str, width: int) -> str:
    """What stands between two lines that follow each other."""
    if ITEM.match(line):
        return "\n" if ITEM.match(before) or ENDS.search(before) is None else "\n\n"
    if CLAUSE.match(line) and (ENDS.search(before) or len(before) < SHORT * width):
        return "\n\n"
    if ENDS.search(before) and len(line) < width / 2 and not ENDS.search(line) and not line[0].islower():
        return "\n\n"  # the heading of what follows
    if DIVIDED.search(before):
        return ""  # Anglo-Saxon: behind a hyphen of its own
    if len(before) < SHORT * width and ENDS.search(before):
        return "\n\n"
    if len(before) < width / 2:
        return "  \n" if len(line) < width / 2 else "\n\n"  # Markdown's hard break: an address, opening hours
    return " "


def garbled(text: str) -> bool:
    """Whether most of this is no writing in any language."""
    signs = [sign for sign in text if not sign.isspace()]
    odd = sum(sign == "\ufffd" or unicodedata.category(sign) in ("Cc", "Co", "Cn", "Cs") for sign in signs)
    return odd > GARBLED * len(signs)


class Running:
    """Takes the running heads and feet off page after page: lines like those of the page before, but for numbers."""

    def __init__(self) -> None:
        self._before = ("", "")

    def without(self, text: str) -> str:
        """The page's text without them; a page of a few lines is left alone, for there they may be all it says."""
        lines = text.splitlines()
        filled = [at for at, line in enumerate(lines) if line.strip()]
        if len(filled) < 4:
            return text
        ends = (filled[0], filled[-1])
        forms = (_form(lines[ends[0]]), _form(lines[ends[1]]))
        gone = {at for at, form, before in zip(ends, forms, self._before, strict=True) if form in ("#", before)}
        self._before = forms
        return "\n".join(line for at, line in enumerate(lines) if at not in gone)


def _form(line: str) -> str:
    return re.sub(r"\d+", "#", " ".join(line.split()))
