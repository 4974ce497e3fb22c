"""Natural passages, written by hand, with questions: `natural/*.txt` for training, `held_out/natural.txt` for evaluation only.

A passage is a block of lines, one sentence to a line. A line that begins with `? ` is a question which the sentence above
answers; a line that begins with `- ` or `-- ` is a question of the same field which the passage does not answer. An empty line
ends the passage, `#` begins a comment.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scripts.starter.words import KEPT_BACK, WORDS

__all__ = [
    "HELD_OUT",
    "PROPER",
    "PROPER_KINDS",
    "TRAINING",
    "Passage",
    "held_out",
    "parse",
    "read_training",
    "training",
]

TRAINING = Path(__file__).parent / "natural"
HELD_OUT = Path(__file__).parent / "held_out" / "natural.txt"
_MARK = "# held out"
"""How a file begins that is only for evaluation."""
PROPER_KINDS = {
    word: kind for kind in ("she", "he", "city") for word in WORDS[kind] if word not in ("Mark", "Split", "Bath")
}
"""Names and towns, which reading.py exchanges."""
PROPER = re.compile(rf"\b({'|'.join(sorted(PROPER_KINDS, key=len, reverse=True))})\b")
_KEPT_BACK = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(KEPT_BACK - set(PROPER_KINDS))))})s?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Sentences, and questions with the index of the sentence that answers, or None where none does."""

    field: str
    sentences: tuple[str, ...]
    questions: tuple[tuple[str, int | None], ...]

    @property
    def text(self) -> str:
        """The passage as one paragraph."""
        return " ".join(self.sentences)


def parse(text: str, field: str) -> list[Passage]:
    """Return the passages of a file's text."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return [_passage(block.splitlines(), field) for block in lines.split("\n\n") if block.strip()]


def _passage(lines: list[str], field: str) -> Passage:
    sentences: list[str] = []
    questions: list[tuple[str, int | None]] = []
    for line in filter(None, lines):
        if line.startswith("? "):
            questions.append((line[2:], len(sentences) - 1))
        elif line.startswith(("- ", "-- ")):
            questions.append((line.lstrip("-").lstrip(), None))
        else:
            sentences.append(line)
    return Passage(field=field, sentences=tuple(sentences), questions=tuple(questions))


def read_training(folder: Path) -> tuple[Passage, ...]:
    """Return the passages of all files of a folder; a file marked as held out is refused with ValueError."""
    found: list[Passage] = []
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        if text.startswith(_MARK):
            raise ValueError(f"{path.name} is held out: it measures the model and must not train it")
        found += parse(text, path.stem)
    return tuple(found)


@cache
def training() -> tuple[Passage, ...]:
    """Return the passages to train on: those that say no word kept back, for one in twenty happens to."""
    return tuple(passage for passage in read_training(TRAINING) if not _says_kept_back(passage))


def _says_kept_back(passage: Passage) -> bool:
    return bool(_KEPT_BACK.search(" ".join((passage.text, *(ask for ask, _ in passage.questions)))))


@cache
def held_out() -> tuple[Passage, ...]:
    """Return the passages to measure with; only evaluate.py and tests ask for them."""
    return tuple(parse(HELD_OUT.read_text(encoding="utf-8"), "held_out"))
