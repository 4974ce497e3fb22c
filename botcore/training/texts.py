"""From folders of text to documents: what is read, and what is skipped, where and why. Pure but for reading files.

A file is one document; in a ``.jsonl`` each line is one, in its ``text``. The order is that of the names, so that the
same folder always gives the same data.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botcore.errors import TrainingError

__all__ = ["Card", "Reader", "Skipped", "encodable", "files_of", "objects_in"]

SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".rst", ".jsonl", ""})
FILE_LIMIT = 1 << 30
"""Bytes of one file; all but a ``.jsonl`` are read as a whole."""
LISTED = 200
"""Skipped things that are named one by one in the card; all are counted."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not learnt from."""

    where: str
    """A file, with the line in a ``.jsonl``."""
    reason: str


@dataclass(slots=True, kw_only=True)
class Card:
    """What a run learnt from."""

    hash: str = ""
    """SHA-256 over all documents in their order."""
    files: int = 0
    documents: int = 0
    characters: int = 0
    tokens: int = 0
    held_out_documents: int = 0
    held_out_tokens: int = 0
    skipped: int = 0
    named: list[Skipped] = field(default_factory=list)
    """The first of the skipped ones."""

    def skip(self, where: str, reason: str) -> None:
        """Count something that is not learnt from, and name it if it is among the first."""
        self.skipped += 1
        if len(self.named) < LISTED:
            self.named.append(Skipped(encodable(where), reason))


def files_of(paths: Sequence[str]) -> list[Path]:
    """Every file below, by name, hidden ones left out. Raises `TrainingError` where there is nothing to read."""
    found = list[Path]()
    for given in map(Path, paths):
        if given.is_dir():
            found += sorted(_below(given))
        elif given.is_file():
            found.append(given)
        else:
            raise TrainingError(f"there is no folder or file {given}")
    if not found:
        raise TrainingError(f"{', '.join(paths)}: an empty folder; put .txt, .md or .jsonl files in it")
    if not any(file.suffix.lower() in SUFFIXES and file.stat().st_size for file in found):
        empty = all(not file.stat().st_size for file in found)
        why = "nothing but empty files" if empty else f"no text among {len(found)} files (.txt, .md, .rst or .jsonl)"
        raise TrainingError(f"{', '.join(paths)}: {why}")
    return found


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (Path(place) / name for name in names if not name.startswith("."))
        yield from (file for file in files if file.is_file())  # a pipe would be waited for, a dead link is nothing


class Reader:
    """Reads documents one by one, and knows afterwards what it read and what it passed over."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._files = files_of(paths)
        self.card: Card = Card()

    def documents(self) -> Iterator[str]:
        """The texts; begins a new card."""
        self.card = card = Card(files=len(self._files))
        whole, seen = hashlib.sha256(), set[bytes]()
        for where, text in self._texts():
            digest = hashlib.sha256(text.encode()).digest()
            if digest in seen:
                self.card.skip(where, "the same text as an earlier one")
                continue
            seen.add(digest)
            whole.update(digest)
            card.documents += 1
            card.characters += len(text)
            yield text
        card.hash = whole.hexdigest()

    def _texts(self) -> Iterator[tuple[str, str]]:
        for file in self._files:
            if file.suffix.lower() not in SUFFIXES:
                self.card.skip(str(file), f"{file.suffix} is no text")
            elif file.stat().st_size > FILE_LIMIT:
                self.card.skip(str(file), "larger than 1 GiB; cut it")
            elif file.suffix.lower() == ".jsonl":
                yield from self._rows(file)
            elif (text := self._read(file)) is None:
                continue
            elif text.strip():
                yield str(file), text
            else:
                self.card.skip(str(file), "empty")

    def _read(self, file: Path) -> str | None:
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.card.skip(str(file), f"not UTF-8 at byte {error.start}")
        except OSError as error:
            self.card.skip(str(file), error.strerror or str(error))
        else:
            if "\0" not in text:
                return text
            self.card.skip(str(file), "a NUL byte: no text")
        return None

    def _rows(self, file: Path) -> Iterator[tuple[str, str]]:
        try:
            for where, row in objects_in(file):
                found = row if isinstance(row, Skipped) else _text_of(where, row)
                if isinstance(found, Skipped):
                    self.card.skip(where, found.reason)
                else:
                    yield where, found
        except OSError as error:
            self.card.skip(str(file), error.strerror or str(error))


def _text_of(where: str, row: Mapping[str, Any]) -> str | Skipped:
    text = row.get("text")
    if not isinstance(text, str):
        return Skipped(where, 'no "text"')
    return encodable(text) if text.strip() else Skipped(where, "empty")


def objects_in(file: Path) -> Iterator[tuple[str, dict[str, Any] | Skipped]]:
    """Where each line stands, and its object, or why there is none; one line at a time is in memory."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{file}:{number}"
                yield where, _object(where, line)


def _object(where: str, line: bytes) -> dict[str, Any] | Skipped:
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        return Skipped(where, "no JSON")
    return found if isinstance(found, dict) else Skipped(where, "no object")


def encodable(text: str) -> str:
    """The text with ``?`` for a lone surrogate, which is legal in JSON and in a file's name, and cannot be encoded."""
    return text.encode("utf-8", "replace").decode()
