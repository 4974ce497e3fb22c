"""Rows of questions and answers from a file of JSON lines: what is learnt, and what is skipped, where and why.

    {"prompt": …, "completion": …}    both text, or both lists of messages; what `botcore feedback export` writes
    {"messages": […]}                 a conversation; its last message, the assistant's, is the answer

Pure but for reading the file.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.errors import TrainingError
from botcore.training.texts import Card, Skipped, encodable, objects_in

__all__ = ["Row", "RowReader", "readable", "row_of"]

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
FILE_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class Row:
    """The answer to learn, and everything said before it."""

    where: str
    prompt: tuple[dict[str, str], ...]
    """Messages of ``role`` and ``content``."""
    answer: str


class RowReader:
    """Reads rows one by one, and knows afterwards what it read and what it passed over."""

    def __init__(self, file: Path) -> None:
        self._file = readable(file)
        self.card: Card = Card(files=1)

    def rows(self) -> Iterator[Row]:
        """The good rows, each once, or one could be learnt and held out too; begins a new card."""
        self.card = card = Card(files=1)
        whole, seen = hashlib.sha256(), set[bytes]()
        for where, found in objects_in(self._file):
            row = found if isinstance(found, Skipped) else row_of(where, found)
            if isinstance(row, Skipped):
                card.skip(where, row.reason)
                continue
            said = json.dumps([row.prompt, row.answer]).encode()
            if (mark := hashlib.blake2b(said, digest_size=16).digest()) in seen:
                card.skip(where, "there already")
                continue
            seen.add(mark)
            whole.update(said)
            card.documents += 1
            card.characters += len(row.answer)
            yield row
        card.hash = whole.hexdigest()


def readable(file: Path) -> Path:
    """The file, if there is something in it to read; `TrainingError` says why not."""
    if not file.is_file():
        raise TrainingError(f"there is no file {file}")
    if not file.stat().st_size:
        raise TrainingError(f"{file} is empty; each line is a row of prompt and completion, or of messages")
    if file.stat().st_size > FILE_LIMIT:
        raise TrainingError(f"{file} is larger than 1 GiB; cut it")
    if not os.access(file, os.R_OK):
        raise TrainingError(f"{file} cannot be read: permission denied")
    return file


def row_of(where: str, found: Mapping[str, Any]) -> Row | Skipped:
    """The row of one line's object, or what is wrong with it."""
    if "messages" in found:
        said = _messages(found["messages"])
    else:
        said = _joined(found.get("prompt"), found.get("completion"))
    if isinstance(said, str):
        return Skipped(where, said)
    if said[-1]["role"] != "assistant" or not said[-1]["content"].strip():
        return Skipped(where, "does not end with an answer of the assistant")
    if len(said) < 2:
        return Skipped(where, "an answer to nothing")
    return Row(where, tuple(said[:-1]), said[-1]["content"])


def _joined(prompt: Any, completion: Any) -> list[dict[str, str]] | str:
    if isinstance(prompt, str) and isinstance(completion, str):
        prompt, completion = [{"role": "user", "content": prompt}], [{"role": "assistant", "content": completion}]
    before, after = _messages(prompt), _messages(completion)
    if isinstance(before, str) or isinstance(after, str):
        return 'needs "prompt" and "completion", or "messages"'
    return [*before, *after] if len(after) == 1 else "a completion is one message"


def _messages(found: Any) -> list[dict[str, str]] | str:
    """The messages, with nothing but role and content; or what is wrong with them."""
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        return "no list of messages"
    if not all(isinstance(one, dict) and one.get("role") in ROLES for one in found):
        return f"a message's role is none of {', '.join(sorted(ROLES))}"
    if not all(isinstance(one.get("content"), str) for one in found):
        return "a message's content is no text"
    return [{"role": one["role"], "content": encodable(one["content"])} for one in found]
