"""What people taught, from files of JSON lines: pairs, answers and thumbs; what is read, and what is skipped and why.

    {"prompt": …, "chosen": …, "rejected": …}       a pair: what is better than what
    {"prompt": …, "completion": …, "label": true}   a thumb: up or down
    {"prompt": …, "completion": …}                  an answer: a correction

These are the shapes that `botcore feedback export` writes and TRL's trainers read. Pure but for reading the files.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from botcore.training.rows import readable, row_of
from botcore.training.texts import Card, Skipped, objects_in

__all__ = ["Lesson", "LessonReader"]

Kind = Literal["pair", "answer", "liked", "disliked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one line teaches."""

    where: str
    prompt: tuple[dict[str, str], ...]
    """Messages of ``role`` and ``content``."""
    said: str
    """The answer that was given, judged, or chosen."""
    kind: Kind
    instead_of: str = ""
    """Of a pair: the answer that was rejected."""
    whose: Mapping[str, Any] | None = None
    """Whose words are in it (`forgotten`), where the line says so."""

    @property
    def wanted(self) -> bool:
        """Whether ``said`` is how it is to answer."""
        return self.kind != "disliked"

    @property
    def question(self) -> str:
        """The last that was said before the answer."""
        return self.prompt[-1]["content"]


class LessonReader:
    """Reads lessons one by one, and knows afterwards what it read and what it passed over."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = [readable(file) for file in files]
        self.card: Card = Card(files=len(files))

    def lessons(self) -> Iterator[Lesson]:
        """The good ones, each once; begins a new card."""
        self.card = card = Card(files=len(self._files))
        whole, seen = hashlib.sha256(), set[str]()
        for file in self._files:
            for where, found in objects_in(file):
                lesson = found if isinstance(found, Skipped) else _lesson(where, found)
                if isinstance(lesson, Skipped):
                    card.skip(where, lesson.reason)
                    continue
                said = json.dumps([lesson.prompt, lesson.said, lesson.kind, lesson.instead_of])
                if said in seen:
                    card.skip(where, "there already")
                    continue
                seen.add(said)
                whole.update(said.encode())
                card.documents += 1
                card.characters += len(lesson.said)
                yield lesson
        card.hash = whole.hexdigest()


def _lesson(where: str, found: Mapping[str, Any]) -> Lesson | Skipped:
    if "chosen" in found or "rejected" in found:
        return _pair(where, found)
    row, label, whose = row_of(where, found), found.get("label"), found.get("whose")
    if isinstance(row, Skipped):
        return row
    if label is not None and not isinstance(label, bool):
        return Skipped(where, "a label is true or false")
    kind: Kind = "answer" if label is None else "liked" if label else "disliked"
    return Lesson(where=where, prompt=row.prompt, said=row.answer, kind=kind, whose=whose)


def _pair(where: str, found: Mapping[str, Any]) -> Lesson | Skipped:
    chosen, rejected = (
        row_of(where, {"prompt": found.get("prompt"), "completion": found.get(name)}) for name in ("chosen", "rejected")
    )
    if isinstance(chosen, Skipped) or isinstance(rejected, Skipped):
        return Skipped(where, 'a pair needs "prompt", "chosen" and "rejected"')
    if chosen.answer.split() == rejected.answer.split():
        return Skipped(where, "chosen and rejected are the same")
    said, instead_of, whose = chosen.answer, rejected.answer, found.get("whose")
    return Lesson(where=where, prompt=chosen.prompt, said=said, kind="pair", instead_of=instead_of, whose=whose)
