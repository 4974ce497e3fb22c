"""The table that an evaluation fills: shares with their intervals, beside the marks that the model in the box has to reach."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.starter.judge import Z, wilson

__all__ = ["MARKS", "Sheet"]

MARKS: dict[tuple[str, str], tuple[str, float]] = {
    ("held-out words", "cited, free"): (">=", 0.93),
    ("held-out words", "exact, free"): (">=", 0.85),
    ("held-out words", "exact, restricted"): (">=", 0.92),
    ("held-out words", "refusal right, free"): (">=", 0.85),
    ("held-out words", "false refusals, free"): ("<=", 0.08),
    ("held-out words", "instructions"): (">=", 0.75),
    ("fresh seeds", "cited, free"): (">=", 0.97),
    ("fresh seeds", "exact, free"): (">=", 0.93),
    ("fresh seeds", "instructions"): (">=", 0.88),
    ("held-out phrasing", "cited, free"): (">=", 0.80),
    ("held-out phrasing", "exact, restricted"): (">=", 0.70),
    ("natural, never trained on", "exact, restricted"): (">=", 0.65),
    ("natural, never trained on", "refusal right, restricted"): (">=", 0.75),
    ("900+ tokens of context", "exact points lost, free"): ("<=", 0.08),
    ("900+ tokens of context", "exact points lost, restricted"): ("<=", 0.08),
    ("small talk", "sensible"): (">=", 0.95),
    ("small talk by hand", "sensible"): (">=", 0.95),
    ("stories", "repeated 4-grams"): ("<=", 0.02),
    ("stories", "names consistent"): (">=", 0.90),
    ("stories", "training texts"): ("<=", 0.0),
}
"""What is to be reached: by the figure itself, not by the end of its interval."""
WRONG = 12
"""Wrong answers that are kept of a figure."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """One figure while it is counted."""

    right: float = 0.0
    total: int = 0
    distinct: int = 0
    """Where the same is asked several times: how often something else is; the interval goes by it."""
    seeds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    squares: float = 0.0
    """Of a difference: the sum of squares."""

    def count(self, right: float, total: int, distinct: int, wrong: Sequence[str]) -> None:
        """Take in what one seed gave."""
        self.right, self.total = self.right + right, self.total + total
        self.distinct = max(self.distinct, distinct)
        self.seeds.append(round(right / max(1, total), 4))
        self.wrong = [*self.wrong, *wrong][:WRONG]


class Sheet:
    """All figures of one evaluation."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
        self.tasks: dict[str, Counter[bool]] = defaultdict(Counter)
        """Instructions by kind: how many right, how many wrong."""
        self.samples: list[str] = []

    def add(
        self, cell: str, measure: str, right: Sequence[bool], *, distinct: int = 0, wrong: Sequence[str] = ()
    ) -> None:
        """Count one seed's answers."""
        self._tallies[cell, measure].count(sum(right), len(right), distinct, wrong)

    def share(self, cell: str, measure: str, part: int, whole: int, *, distinct: int) -> None:
        """Count a share of pieces that are not independent, such as words of `distinct` texts."""
        self._tallies[cell, measure].count(part, whole, distinct, ())

    def lost(self, cell: str, measure: str, near: Sequence[bool], far: Sequence[bool]) -> None:
        """Count what is right near and wrong far, less what is right far alone."""
        differences = [one - other for one, other in zip(near, far, strict=True)]
        tally = self._tallies[cell, measure]
        tally.count(sum(differences), len(differences), 0, ())
        tally.squares += sum(map(abs, differences))

    def figures(self) -> list[dict[str, Any]]:
        """Return every figure, ready for JSON."""
        return [self._figure(cell, measure, tally) for (cell, measure), tally in self._tallies.items()]

    def _figure(self, cell: str, measure: str, tally: Tally) -> dict[str, Any]:
        value = tally.right / max(1, tally.total)
        low, high = _interval(tally, value)
        found = {"cell": cell, "measure": measure, "value": round(value, 4), "low": round(low, 4), "high": round(high, 4),
                 "n": tally.total, "seeds": tally.seeds}  # fmt: skip
        if tally.distinct:
            found["distinct"] = tally.distinct
        if mark := MARKS.get((cell, measure)):
            found |= {"mark": f"{mark[0]} {mark[1]}", "met": value >= mark[1] if mark[0] == ">=" else value <= mark[1]}
        return found | ({"wrong": tally.wrong} if tally.wrong else {})

    def lines(self, cells: Sequence[str] = ()) -> list[str]:
        """Return the table, or the part of some cells."""
        return [_line(figure) for figure in self.figures() if not cells or figure["cell"] in cells]

    @property
    def cells(self) -> list[str]:
        """The cells that have figures."""
        return list(dict.fromkeys(cell for cell, _ in self._tallies))


def _interval(tally: Tally, value: float) -> tuple[float, float]:
    if tally.squares or value < 0:  # a difference between two answers to the same
        half = Z * math.sqrt(max(0.0, tally.squares / tally.total - value * value) / tally.total)
        return value - half, value + half
    sure = min(tally.total, tally.distinct or tally.total)
    return wilson(value * sure, sure)


def _line(figure: dict[str, Any]) -> str:
    mark = f"{figure['mark']:>8}  {'pass' if figure['met'] else 'MISS'}" if "mark" in figure else ""
    what = f"{figure['cell']:<28} {figure['measure']:<36}"
    return f"{what} {figure['value']:6.1%}  [{figure['low']:.1%}, {figure['high']:.1%}]  n={figure['n']:<5} {mark}".rstrip()
