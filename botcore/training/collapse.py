"""Whether an adapter has collapsed, judged by what it says: loops, nothing, gibberish, one answer to everything. Pure.

The loss does not tell: preference training at too high a rate ends with a perfect one and ``wardwardward…``. So base
and adapter answer the same prompts, always with the likeliest token, and the answers are compared. What was taught is
never held against an adapter, however odd it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

from botcore.training.progress import printable

__all__ = ["Answer", "as_lines", "collapsed", "figures"]

GRAM = 6
"""Signs of a piece; an ordinary text of a few hundred repeats one in ten of them, a loop nearly all."""
LOOP, LONGER = 0.5, 0.2
"""A text that repeats more than half of itself loops, where the base's does clearly less."""
STRANGE, STRANGER = 6.0, 2.5
"""Nats a token, by the base: beyond the first a text is unlike anything it would say, beyond the second more so than
what it said itself."""
FEW = 0.25
"""Of the answers so many may be bad."""
ALIKE = 0.8
"""As similar as this, an answer is the one that was taught: it may differ in a word or a sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What base and adapter say to one prompt."""

    prompt: str
    before: str
    after: str
    wanted: str = ""
    """What was taught, where something was."""
    surprise_before: float = 0.0
    """Of the base, about its own answer: nats a token."""
    surprise_after: float = 0.0
    """Of the base, about the adapter's answer."""
    learnt: bool = False
    """Whether the prompt was learnt from; the others are the fixed ones."""
    whose: Mapping[str, Any] | None = None
    """Whose words the prompt is, as its lesson says."""


def collapsed(answers: Sequence[Answer], taught: Sequence[str] = ()) -> str:
    """Why this adapter must not be used; "" where nothing is wrong with it. ``taught`` are all answers of lessons."""
    untaught = [one for one in answers if not _is_one_of(one.after, (one.wanted, *taught))]
    bad = [(one, why) for one in untaught if (why := _what_is_wrong(one))]
    if len(bad) > FEW * len(answers):
        one, why = bad[0]
        # The reason is kept for ever, people's words are not.
        asked = "" if one.learnt else f"to “{_short(one.prompt)}” "
        return f"{len(bad)} of {len(answers)} answers {why}: {asked}it says “{_short(one.after)}”"
    return _one_for_all(answers)


def _what_is_wrong(one: Answer) -> str:
    if not one.after.strip():
        return "are empty" if one.before.strip() else ""
    if repeated(one.after) > max(LOOP, repeated(one.before) + LONGER):
        return "repeat themselves"
    if one.surprise_after > max(STRANGE, one.surprise_before + STRANGER):
        return "are gibberish"
    return ""


def _one_for_all(answers: Sequence[Answer]) -> str:
    """Different prompts get different answers, or at least as different ones as from the base."""
    before, after = {_plain(one.before) for one in answers}, {_plain(one.after) for one in answers}
    if len(answers) >= 4 and len(after) <= FEW * len(answers) and len(after) <= len(before) / 2:
        return f"it says the same to nearly everything: “{_short(answers[0].after)}”"
    return ""


def repeated(text: str) -> float:
    """The share of the text's pieces that were there before: 0 = none, near 1 = a loop. 0 for a short text."""
    plain = _plain(text)
    pieces = [plain[at : at + GRAM] for at in range(len(plain) - GRAM + 1)]
    return 1 - len(set(pieces)) / len(pieces) if len(pieces) >= 4 * GRAM else 0.0


def _is_one_of(said: str, wanted: Sequence[str]) -> bool:
    words = said.casefold().split()
    return any(text and SequenceMatcher(None, words, text.casefold().split()).ratio() >= ALIKE for text in wanted)


def figures(answers: Sequence[Answer]) -> dict[str, Any]:
    """How many of the taught answers it gives, and how many of the base's others it leaves as they were."""
    asked = [one for one in answers if one.wanted]
    others = [one for one in answers if not one.learnt]
    return {
        "taught": sum(_is_one_of(one.after, (one.wanted,)) for one in asked),
        "asked": len(asked),
        "kept": sum(_is_one_of(one.after, (one.before,)) for one in others),
        "others": len(others),
    }


def _plain(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    said = printable(text)
    return said if len(said) <= 60 else f"{said[:59]}…"


def as_lines(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """For samples.jsonl."""
    return [asdict(one) | {"text": f"{one.prompt} → {one.after}"} for one in answers]
