"""Whether an answer of the model may be shown, pure: every number exists, every quotation is literally in its passage.

Also which answers there are to choose from, for an engine that keeps to a choice; and what makes a passage safe to put
before a model: it is data, on one line, and cannot speak as system or user.
"""

import re
from collections.abc import Sequence

from botcore import Citation, Passage
from botcore_qa.extracts import Answer
from botcore_qa.markdown import ITEM, sentences

__all__ = ["REFUSAL", "checked", "choices", "defused"]

NUMBER = re.compile(r"\[(\d{1,3})\]")
QUOTED = re.compile(r"\"([^\"]+)\"|[“„]([^“”„]+)[”“]|«([^«»]+)»|»([^«»]+)«|「([^「」]+)」|『([^『』]+)』")
ABSTAINS = re.compile(r"\b(?:passages?|documents?|text) (?:do|does) not (?:say|tell|mention|contain)\b", re.IGNORECASE)
SPECIAL = re.compile(r"<(?=\||/?s>|[｜])|\[(?=/?INST\])|<(?=</?SYS>>)", re.IGNORECASE)
REFUSAL = "The passages do not say."
"""What the model is told to write where they do not."""
QUOTES = 80
"""Sentences to choose from at most; three passages have about fifteen."""
QUOTE_CHARS = 600
"""Characters of a sentence that is one to choose."""
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


def choices(bodies: Sequence[str], passages: Sequence[Passage]) -> tuple[str, ...]:
    """Every sentence of the passages as a quotation with its number, and the refusal; empty where there is no sentence.

    ``bodies`` are the passages before they were made one line: line breaks end list items and rows of tables.
    """
    found = list[str]()
    for number, (body, passage) in enumerate(zip(bodies, passages, strict=True), 1):
        for start, end in sentences(body):
            sentence = defused(ITEM.sub("", body[start:end], count=1))
            if _quotable(sentence) and _literal(sentence, passage.text):
                found.append(f'"{sentence}" [{number}]')
    return (*dict.fromkeys(found[:QUOTES]), REFUSAL) if found else ()


def _quotable(sentence: str) -> bool:
    """Words, no mark that ends a quotation, and nothing that a grammar of texts could stumble over."""
    plain = sentence.isprintable() and not set(sentence) & set('"“”')
    return plain and len(sentence) <= QUOTE_CHARS and any(letter.isalpha() for letter in sentence)


def _quotations(text: str) -> list[tuple[int, str]]:
    """(number it is credited to, words) of everything in quotation marks: the next number, or the last of the text."""
    found = list[tuple[int, str]]()
    for match in QUOTED.finditer(text):
        behind = NUMBER.search(text, match.end())
        number = int(behind[1]) if behind else int(NUMBER.findall(text)[-1])
        found.append((number, match[match.lastindex or 0]))
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
