"""An encoder that knows what it was told to: texts are near each other where they share words, or words of one meaning.

It keeps the whole `Encoder` contract and starts nothing. A test gives the meanings, holds its answers with `hold`, and
makes it fail with `fails`.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from botcore.engine.scripted import Scripted, turn_of_the_loop
from botcore.engine.vectors import counted, unit
from botcore.ports import EngineStatus

if TYPE_CHECKING:
    from array import array

    from botcore.errors import EngineError

__all__ = ["ScriptedEncoder"]

SIZE = 1024
"""Numbers of a vector: so many that a test's words seldom share one."""


class ScriptedEncoder(Scripted):
    """An `Encoder` whose meanings a test decides: ``ScriptedEncoder(("car", "automobile"), ("mend", "repair"))``."""

    def __init__(self, *meanings: Sequence[str], name: str = "scripted") -> None:
        """The words of each of the ``meanings`` mean the same; case does not matter."""
        super().__init__(EngineStatus(stage="off", model=name))
        self._means = {word.casefold(): words[0].casefold() for words in meanings for word in words}
        self.name = name
        """Another one is another model: its vectors are not to be compared with those before."""
        self.fails: EngineError | None = None
        """What every call raises."""
        self.texts: list[str] = []
        """Every text that is searched it was given, oldest first."""
        self.questions: list[str] = []
        """Every text that asks."""
        self.open: int = 0
        """Calls running now."""

    async def encode(self, texts: Sequence[str], *, question: bool = False) -> list["array[float]"]:
        """See `Encoder.encode`. The texts are recorded even where the answer is an error."""
        (self.questions if question else self.texts).extend(counted(texts))
        if self.status.stage != "ready":
            raise self._not_ready("encoder")
        self.open += 1
        try:
            await (self._gate.wait() if self._gate else turn_of_the_loop())
        finally:
            self.open -= 1
        if self.fails:
            raise self.fails
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> "array[float]":
        """Each word counts at the place of its meaning; the first place is for texts without a word."""
        counts = [0.0] * SIZE
        words: list[str] = re.findall(r"\w+", text.casefold()) or [""]
        for word in words:
            counts[_place(self._means.get(word, word))] += 1
        return unit(counts)


def _place(word: str) -> int:
    return 1 + crc32(word.encode()) % (SIZE - 1) if word else 0
