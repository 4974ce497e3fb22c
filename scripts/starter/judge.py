"""What of an answer is right, by rule; and how sure a share is. Nothing here knows a model."""

import math
import re
from collections.abc import Sequence
from functools import cache

from scripts.starter.chat import DO_NOT_KNOW, JOKES, TALK
from scripts.starter.framing import REFUSAL
from scripts.starter.words import WORDS

__all__ = ["cites", "consistent", "intents", "refuses", "repeated", "sensible", "wilson"]

Z = 1.96
"""95 %."""
_NUMBERS = re.compile(r"\[(\d+)\]")
_SLOT = re.compile(r"\\\$[a-z]+")
_CAPITAL = re.compile(r"[A-Z][a-z]+")
PEOPLE = set(WORDS["she"]) | set(WORDS["he"]) | set(WORDS["name"])
PLACES = set(WORDS["city"]) | set(WORDS["day"]) | set(WORDS["month"])
CAST = 2
"""A story has a hero and a friend; a third name is somebody who came from nowhere, or one of the two misspelt."""


def wilson(right: float, total: int) -> tuple[float, float]:
    """Return the interval of a share, Wilson's, 95 %."""
    if not total:
        return 0.0, 1.0
    share = right / total
    scale = 1 + Z * Z / total
    middle = (share + Z * Z / (2 * total)) / scale
    half = Z / scale * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def cites(answer: str, gold: str) -> bool:
    """Whether the answer names the passage of the right one, and no other."""
    return set(_NUMBERS.findall(answer)) == set(_NUMBERS.findall(gold))


def refuses(answer: str) -> bool:
    """Whether it says that the passages do not tell."""
    return answer == REFUSAL


def repeated(text: str, size: int = 4) -> tuple[int, int]:
    """Return how many runs of four words were there before, of how many."""
    words = text.split()
    runs = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    return len(runs) - len(set(runs)), len(runs)


def consistent(story: str, topic: str) -> bool:
    """Whether the names of a story stay: no third person, no word that only looks like a name, the topic is named.

    The grammar's own stories pass it (a test); a model fails where it forgets who it tells of, or how to spell them.
    """
    subject = topic.split()[-1].lower()
    if subject not in story.lower():
        return False
    known = {word for word in re.findall(r"\w+", topic) if word[:1].isupper()}
    within = {word for sentence in re.split(r"(?<=[.!?:])[\"' ]+|\n", story) for word in _inner(sentence)}
    people = {word for word in _words(story) if word in PEOPLE} | {word for word in known if word in story}
    strange = within - PEOPLE - PLACES - known
    return len(people - PLACES) <= CAST and len(strange) <= 1  # one may be a town that was invented


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", text)


def _inner(sentence: str) -> set[str]:
    """Capital words that do not begin the sentence."""
    first, *rest = _words(sentence) or [""]
    del first
    return {word for word in rest if _CAPITAL.fullmatch(word)}


def intents(ask: str, me: str = "botcore") -> set[str]:
    """Return what a message of small talk may mean: every intent that says it in these words."""
    found = {name for name, forms in TALK.items() if any(_says(form, ask, me) for form in forms.asks)}
    return found - {"noise"} or found  # noise may be any words


def sensible(answer: str, meant: Sequence[str], me: str = "botcore") -> bool:
    """Whether the answer is one of those to an intent; `joke` and `unknown` are intents too."""
    if "unknown" in meant and answer == DO_NOT_KNOW:
        return True
    if "joke" in meant and answer in JOKES:
        return True
    return any(_says(form, answer, me) for name in meant if name in TALK for form in TALK[name].answers)


def _says(template: str, text: str, me: str) -> bool:
    return _pattern(template, me if "$me" in template else "").fullmatch(text) is not None


@cache
def _pattern(template: str, me: str) -> re.Pattern[str]:
    """The phrase grammar's notation as a regular expression, with the bot's name where it stands."""
    pattern = re.escape(template).replace(r"a\(n\)", "an?")
    pattern = pattern.replace(r"\{", "(?:").replace(r"\}", ")").replace(r"\|", "|")
    pattern = re.sub(r"\\\$me\b", lambda _: re.escape(me), pattern)
    return re.compile(_SLOT.sub(".+", pattern))
