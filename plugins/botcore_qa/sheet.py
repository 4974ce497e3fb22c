"""CSV to Markdown, pure: one table, whose first row is its head and stands again above each stretch of rows."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from botcore_qa.kinds import Unreadable

__all__ = ["stretches"]

DELIMITERS = ",;\t|"
SAID = re.compile(f"sep=([{DELIMITERS}])", re.IGNORECASE)
ROWS = 200
"""Of one stretch."""


def stretches(text: str) -> Iterator[str]:
    """The table, some rows at a time. Raises `Unreadable`."""
    rows = _rows(*_divided(text.lstrip("\n")))
    names = next(rows, [])
    head = f"{_row(names)}\n|{' --- |' * len(names)}"
    stretch = list(islice(rows, ROWS))
    yield "\n".join([head, *map(_row, stretch)])
    while stretch := list(islice(rows, ROWS)):
        yield "\n".join([head, *map(_row, stretch)])


def _divided(text: str) -> tuple[str, str]:
    """The rows and the sign that divides the cells: Excel may say it in a line of its own, else the most frequent."""
    first, _, rest = text.partition("\n")
    said = SAID.fullmatch(first)
    return (rest, said[1]) if said else (text, max(DELIMITERS, key=first.count))


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Its rows, less the empty ones."""
    try:
        found = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        yield from (cells for cells in found if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise Unreadable(f"no CSV: {error}") from error


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"
