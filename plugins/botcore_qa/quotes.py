"""Whether an answer of the model may be shown, pure: every number exists, every quotation is literally in its passage.

Also what makes a passage safe to put before a model: it is data, on one line, and cannot speak as system or user.
"""

import re
from collections.abc import Sequence

from botcore import Citation, Passage
from botcore_qa.extracts import Answer

__all__ = ["checked", "defused"]

NUMBER = re.compile(r"\[(\d{1,3})\]")
QUOTED = re.compile(r"\"([^\"]+)\"|“([^“”]+)”")
ABSTAINS = re.compile(r"\b(?:passages?|documents?|text) (?:do|does) not (?:say|tell|mention|contain)\b", re.IGNORECASE)
SPECIAL = re.compile(r"<(?=\||/?s>|[｜])|\[(?=/?INST\])|<(?=</?SYS>>)", re.IGNORECASE)
SNIPPET = 300
"""Characters of a passage that stand for it where nothing was quoted."""


def defused(text: str) -> str:
    """``text`` as one line without a chat template's special tokens: ``<|im_start|>`` becomes ``< |im_start|>``."""
    return SPECIAL.sub(lambda match: match[0] + " ", " ".join(text.split()))


def checked(text: str, passages: Sequence[Passage]) -> Answer | None:
    """The answer with its citations renumbered in order, or None if it may not be shown.

    It may not if it cites nothing or a passage that was not given, if words in quotation marks are not in the passage
    that is cited behind them, or if it says that the passages do not say.
    """
    cited = [int(number) for number in NUMBER.findall(text)]
    if not cited or ABSTAINS.search(text) or not all(1 <= number <= len(passages) for number in cited):
        return None
    quotations = _quotations(text)
    if not all(_literal(words, passages[number - 1].text) for number, words in quotations):
        return None
    quoted = dict(quotations)
    order = {old: new for new, old in enumerate(dict.fromkeys(cited), 1)}
    citations = (_citation(passages[old - 1], new, quoted.get(old, "")) for old, new in order.items())
    renumbered = NUMBER.sub(lambda match: f"[{order[int(match[1])]}]", text.strip())
    return Answer(text=renumbered, citations=tuple(citations))


def _quotations(text: str) -> list[tuple[int, str]]:
    """(number it is credited to, words) of everything in quotation marks: the next number, or the last of the text."""
    found = list[tuple[int, str]]()
    for match in QUOTED.finditer(text):
        behind = NUMBER.search(text, match.end())
        number = int(behind[1]) if behind else int(NUMBER.findall(text)[-1])
        found.append((number, match[1] or match[2]))
    return found


def _literal(words: str, passage: str) -> bool:
    return " ".join(words.split()) in " ".join(passage.split())


def _citation(passage: Passage, number: int, quoted: str) -> Citation:
    return Citation(
        number=number,
        title=passage.title,
        snippet=quoted or passage.text[:SNIPPET].rstrip(),
        source=passage.source,
        page=passage.page,
    )
