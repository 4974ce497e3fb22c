"""Messages, and the small faults of typing that make unseen wording less strange to the model."""

from dataclasses import dataclass
from typing import Literal

from scripts.starter.grammar import Grammar

__all__ = ["Message", "Pair", "lowered", "typed"]

Pair = tuple[str, str]
"""What the user says, what the model answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a training conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


_COMMON = {"you": "u", "are": "r", "please": "pls", "thanks": "thx", "what is": "whats", "for": "4", "Tell": "Tel"}


def lowered(text: str) -> str:
    """Return the text with a small first letter, unless it begins with the word I."""
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def typed(grammar: Grammar, text: str, share: float = 0.45) -> str:
    """Return the text as a person in a hurry types it, in `share` of the calls; names and quotes may be hit as well."""
    if not grammar.chance(share):
        return text
    random = grammar.random
    how = random.randrange(8)
    if how <= 1:
        return text.lower()
    if how == 2:
        return lowered(text).rstrip(".!?")
    if how == 3:
        return text.rstrip(".!?")
    if how == 4:
        return text.rstrip(".") + random.choice((" please", "!", "!!", "??", "...", " :)", " pls"))
    if how == 5:
        old = random.choice(list(_COMMON))
        return text.replace(old, _COMMON[old])
    if how == 6:
        return random.choice(("Hey, ", "Ok, ", "So, ", "Well, ", "Please, ", "And ", "Now ", "Hmm, ")) + lowered(text)
    return _slip(grammar, text)


def _slip(grammar: Grammar, text: str) -> str:
    """One letter lost, doubled or swapped with its neighbour."""
    at = grammar.random.randrange(len(text))
    if not text[at].isalpha() or at + 1 == len(text):
        return text
    return text[:at] + grammar.pick(("", text[at] * 2, text[at + 1] + text[at])) + text[at + 1 :]
