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
_SMALL = {"the", "a", "an", "is", "are", "do", "does", "me", "to", "of", "my", "please", "can", "i", "am", "it", "very"}
_BEFORE = ["so", "ok", "okay then,", "well,", "oh,", "hm,", "excuse me,", "hey,", "hi,", "hello,", "please,", "one question:", "tell me,", "say,",
           "I wonder:", "I would love to know,", "would you tell me,", "just", "and", "but", "quick question:", "now", "listen,", "my friend,", "good,"]  # fmt: skip
_AFTER = ["then", "my dear", "mate", "buddy", "friend", "dear", "sir", "over there", "these days", "exactly", "really", "at all", "for me", "if you can",
          "right now", "today", "this time", "again", "for real", "little bot", "robot", "there", "actually", "by the way", "I think", "so much", "now", "from me"]  # fmt: skip


def lowered(text: str) -> str:
    """Return the text with a small first letter, unless it begins with the word I."""
    return text if text.startswith(("I ", "I'")) else text[:1].lower() + text[1:]


def typed(grammar: Grammar, text: str, share: float = 0.45) -> str:
    """Return the text as a person in a hurry types it, in `share` of the calls; names and quotes may be hit as well."""
    if not grammar.chance(share):
        return text
    random = grammar.random
    if grammar.chance(0.5):
        text = _padded(grammar, text)
    how = random.randrange(9)
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
    if how == 7:
        return _stretched(grammar, text)
    return _slip(grammar, text)


def _padded(grammar: Grammar, text: str) -> str:
    """Words around the message that change nothing, or one small word lost: what matters is the rest."""
    words = text.split()
    how = grammar.random.randrange(4)
    if how == 0 and len(words) > 3:
        small = [at for at, word in enumerate(words) if word.lower() in _SMALL]
        return " ".join(word for at, word in enumerate(words) if not small or at != grammar.pick(small))
    if how == 1:
        return f"{grammar.pick(_BEFORE)} {lowered(text)}"
    stop = text[-1] if text[-1] in ".!?" else ""
    return f"{text.rstrip('.!?')} {grammar.pick(_AFTER)}{stop}"


def _stretched(grammar: Grammar, text: str) -> str:
    """Hellooo: the last letter of a word, several times."""
    words = text.split()
    at = grammar.random.randrange(len(words))
    end = words[at][-1]
    words[at] += end * grammar.random.randint(1, 4) if end.isalpha() else ""
    return " ".join(words)


def _slip(grammar: Grammar, text: str) -> str:
    """One letter lost, doubled or swapped with its neighbour."""
    at = grammar.random.randrange(len(text))
    if not text[at].isalpha() or at + 1 == len(text):
        return text
    return text[:at] + grammar.pick(("", text[at] * 2, text[at + 1] + text[at])) + text[at + 1 :]
