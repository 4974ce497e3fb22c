"""The files of JSON lines that a run keeps, read: the whole of one, or lines from all over a long one."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["lines_of", "some_lines"]

STRETCHES, STRETCH, TAIL = 224, 512, 16 * 1024
"""Bytes of a stretch, which is two whole lines of metrics, and of the file's end: 128 KiB in all."""


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The objects of a file, none where there is no file; a last line that a crash cut short is left out."""
    return list(_objects(file.read_bytes())) if file.is_file() else []


def some_lines(file: Path) -> list[dict[str, Any]]:
    """As `lines_of`, for 128 KiB whatever the size of the file: of a longer one its end, and lines from all over it.

    Of a file that is not there, none.
    """
    try:
        with file.open("rb") as source:
            return [line for text in _stretches(source) for line in _objects(text)]
    except OSError:
        return []


def _stretches(source: BinaryIO) -> Iterator[bytes]:
    size = os.fstat(source.fileno()).st_size
    whole = STRETCHES * STRETCH + TAIL
    if size <= whole:
        yield source.read(whole)
        return
    for number in range(STRETCHES):
        yield _whole_lines(source, (size - TAIL - STRETCH) * number // (STRETCHES - 1), STRETCH)
    yield _whole_lines(source, size - TAIL, TAIL)


def _whole_lines(source: BinaryIO, at: int, length: int) -> bytes:
    """From there on, without the line that began before; one that is cut short at the end is no JSON."""
    source.seek(at)
    text = source.read(length)
    return text[text.find(b"\n") + 1 :] if at else text


def _objects(text: bytes) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                yield value
