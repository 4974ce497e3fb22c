"""What the operator's page is made of: figures, rows, series. Data alone, bounded here; who draws it is elsewhere.

A panel's ``read`` returns a sequence of these. They are drawn one below the other, figures that follow each other side
by side.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Cell", "Figure", "Kind", "Read", "Rows", "Series", "Tone", "Widget", "as_json", "thinned"]

Cell = str | float | None
"""A value as it is; how it is written is the page's business. None and a number that is none are shown as a dash."""

Kind = Literal["text", "number", "time", "share", "state", "code"]
"""How a value is shown. ``time``: Unix seconds. ``share``: 0 to 1, as a bar. ``state``: a word with a colour for the
known ones. ``code``: a command, to be copied."""

Tone = Literal["", "good", "warn", "bad"]

WIDGETS, ROWS, COLUMNS, LINES, POINTS, TEXT = 40, 200, 12, 8, 300, 2_000
"""More of anything is left out, so that no panel can make the page slow. ``TEXT`` in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value under its name, as a tile."""

    name: str
    value: Cell
    kind: Kind = "text"
    note: str = ""
    """A few words below it: the unit, or what to do."""
    tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table that can be sorted by each column."""

    title: str = ""
    columns: Mapping[str, Kind]
    """Heading to how its cells are shown, from left to right."""
    rows: Sequence[Sequence[Cell]]
    empty: str = ""
    """What stands in the place of no rows: what it means, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Lines over a common axis."""

    title: str = ""
    lines: Mapping[str, Sequence[tuple[float, float]]]
    """Name to points, ordered by their x. Of more than 300 those are kept that make its shape."""
    x: str = ""
    y: str = ""
    """What the axes measure, with the unit."""
    time: bool = False
    """Whether x is Unix seconds."""
    empty: str = ""


Widget = Figure | Rows | Series
Read = Callable[[], Awaitable[Sequence[Widget]]]


def as_json(widgets: Iterable[Widget]) -> list[dict[str, Any]]:
    """The widgets as the page reads them. Raises `TypeError` for anything else, saying what it was."""
    if isinstance(widgets, Mapping | str):
        raise TypeError(f"read returned a {type(widgets).__name__}; return a list of Figure, Rows and Series")
    return [_widget(widget) for widget in list(widgets)[:WIDGETS]]


def _widget(widget: Widget) -> dict[str, Any]:
    match widget:
        case Figure():
            return {
                "figure": _text(widget.name),
                "value": _cell(widget.value),
                "kind": widget.kind,
                "note": _text(widget.note),
                "tone": widget.tone,
            }
        case Rows():
            return {
                "title": _text(widget.title),
                "columns": [[_text(name), kind] for name, kind in list(widget.columns.items())[:COLUMNS]],
                "rows": [[_cell(cell) for cell in row[:COLUMNS]] for row in widget.rows[:ROWS]],
                "more": max(0, len(widget.rows) - ROWS),
                "empty": _text(widget.empty),
            }
        case Series():
            return {
                "title": _text(widget.title),
                "lines": [[_text(name), _points(points)] for name, points in list(widget.lines.items())[:LINES]],
                "x": _text(widget.x),
                "y": _text(widget.y),
                "time": widget.time,
                "empty": _text(widget.empty),
            }
    raise TypeError(f"read returned a {type(widget).__name__} in its list; return Figure, Rows and Series")


def _text(text: str) -> str:
    text = str(text)
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _cell(value: Cell) -> Cell:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None  # JSON has no word for infinity
    return value if isinstance(value, int | float) else _text(value)


def _points(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return thinned([(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)], POINTS)


def thinned(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most ``most`` of the points (at least 3): first, last, and of each stretch the one that shapes the line most.

    Largest-Triangle-Three-Buckets: S. Steinarsson, Downsampling Time Series for Visual Representation, 2013.
    """
    if len(points) <= most:
        return list(points)
    stretch = (len(points) - 2) / (most - 2)
    edges = [1 + round(number * stretch) for number in range(most - 1)]
    kept = [points[0]]
    for number in range(most - 2):
        here = points[edges[number] : edges[number + 1]]
        ahead = points[edges[number + 1] : edges[number + 2]] if number < most - 3 else points[-1:]
        mean = sum(x for x, _ in ahead) / len(ahead), sum(y for _, y in ahead) / len(ahead)
        kept.append(max(here, key=lambda point: _area(kept[-1], point, mean)))
    return [*kept, points[-1]]


def _area(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Twice the triangle's area."""
    return abs((a[0] - c[0]) * (b[1] - a[1]) - (a[0] - b[0]) * (c[1] - a[1]))
