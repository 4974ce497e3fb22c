"""A small phrase grammar: `{a|b}` chooses, `$kind` is a word, `a(n)` becomes the right article.

Everything the starter model reads is said through here, so one seed fixes the whole corpus. The words are in words.py.
"""

import random
import re
from collections.abc import Sequence
from typing import TypeVar

from scripts.starter.words import IN_EIGHTS, WORDS

__all__ = ["Grammar", "capital"]

T = TypeVar("T")

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"\$([a-z]+)")
_ARTICLE = re.compile(r"\b([Aa])\(n\) (\W*)(\w)")
_SYLLABLES = [a + b for a in "b d f g h k l m n p r s t v w z br dr gr kr pl st tr sh".split() for b in "aeiou"]


def capital(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


class Grammar:
    """Says phrases with one random source; `held` draws only the words kept back for evaluation, `unseen` the wordings.

    `added` draws from the wording of phrases/added.toml, too: training does, the measures have what is in the other files.
    """

    def __init__(self, seed: int, *, held: bool = False, unseen: bool = False, added: bool = False) -> None:
        self.random = random.Random(seed)
        self.held = held
        self.unseen = unseen
        self.added = added

    def chance(self, share: float) -> bool:
        """Return True in `share` of the calls."""
        return self.random.random() < share

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return self.random.choice(options)

    def word(self, kind: str) -> str:
        """Return a word of a kind; names, things and towns are sometimes invented, so that spelling is copied."""
        if kind == "number":
            return str(
                self.pick((self.random.randint(2, 12), self.random.randint(13, 99), self.random.randint(100, 999)))
            )
        if kind == "year":
            return str(self.random.randint(1700, 2029))
        if kind == "hour":
            return self.say("{$small {am|pm|o'clock}|$small:{15|30|45|00}}")
        if kind == "small":
            return str(self.random.randint(2, 12))
        if kind == "odd":
            return self.odd()
        if kind in ("name", "city", "thing") and self.chance(0.25):
            odd = self.odd()
            return odd if kind == "thing" else capital(odd)
        words = WORDS[kind]
        split = len(words) >= IN_EIGHTS
        if not split:
            return self.pick(words)
        index = self.random.randrange(len(words) // 8) * 8
        return words[index] if self.held else words[index + self.random.randint(1, 7)]

    def odd(self) -> str:
        """Return an invented word: syllables, or the halves of two real words."""
        if self.chance(0.5):
            return "".join(self.pick(_SYLLABLES) for _ in range(self.pick((2, 2, 3)))) + self.pick(
                ("", "n", "r", "s", "l")
            )
        first, last = (self.pick(WORDS[self.pick(("thing", "name", "animal", "city"))]).lower() for _ in range(2))
        return first.replace(" ", "")[: self.random.randint(2, 5)] + last.replace(" ", "")[-self.random.randint(2, 4) :]

    def say(self, template: str, **bound: str) -> str:
        """Return one phrase of the template; `$name` is taken from `bound`, else from the words of that kind."""
        while (text := _CHOICE.sub(lambda m: self.pick(m[1].split("|")), template)) != template:
            template = text
        text = _SLOT.sub(lambda m: bound[m[1]] if m[1] in bound else self.word(m[1]), text)
        return _ARTICLE.sub(lambda m: f"{m[1]}{'n' if m[3].lower() in 'aeiou' else ''} {m[2]}{m[3]}", text)
