"""CSV to Markdown, pure: one table, whose first row is its head and stands again above each stretch of rows."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from botcore_qa.kinds import Unreadable

__all__ = ["stretches"]

DELIMITERS = ",;\t|"
ROWS = 200
"""Of one stretch."""


def stretches(text: str) -> Iterator[str]:
    """The table, some rows at a time. Raises `Unreadable`."""
    rows = _rows(text.lstrip("\n"))
    names = next(rows, [])
    head = f"{_row(names)}\n|{' --- |' * len(names)}"
    stretch = list(islice(rows, ROWS))
    yield "\n".join([head, *map(_row, stretch)])
    while stretch := list(islice(rows, ROWS)):
        yield "\n".join([head, *map(_row, stretch)])


def _rows(text: str) -> Iterator[list[str]]:
    """Its rows, less the empty ones; the sign most frequent in the first line divides the cells."""
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    try:
        found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        yield from (cells for cells in found if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise Unreadable(f"no CSV: {error}") from error


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"
