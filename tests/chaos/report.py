"""The form of every scenario: what it counts, whether that holds, and the one table they all end in.

A scenario is an async function ``(folder, seed, size) -> Counts`` under ``@scenario(size=…)``, in a module named in
`tests.chaos.__main__.MODULES`. ``folder`` is empty and its own; ``seed`` decides everything that chance decides;
``size`` says how much (messages, rounds: the docstring's first line tells), and the decorator's is the full length.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["SCENARIOS", "Counts", "Line", "Run", "Scenario", "as_json", "compare", "progress", "scenario", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a scenario has counted, and what it may have counted at most."""

    sent: int
    """Messages that people wrote."""
    lost: int = 0
    """Messages that were never answered."""
    doubled: int = 0
    """Answers that came once more than they should."""
    may_double: int = 0
    out_of_order: int = 0
    """Answers that came after the answer to a later message of the same conversation."""
    kills: int = 0
    """Times the bot was killed, stopped, or something was taken away from it."""
    grown_mib: float | None = None
    """Resident memory at the end beyond that after the start; None = not measured."""
    may_grow_mib: float = 150.0
    wrong: tuple[str, ...] = ()
    """Whatever else did not hold, one line each."""
    note: str = ""
    """A figure worth reading beside the table."""

    def __add__(self, other: "Counts") -> "Counts":
        grown = [one for one in (self.grown_mib, other.grown_mib) if one is not None]
        return Counts(
            sent=self.sent + other.sent,
            lost=self.lost + other.lost,
            doubled=self.doubled + other.doubled,
            may_double=self.may_double + other.may_double,
            out_of_order=self.out_of_order + other.out_of_order,
            kills=self.kills + other.kills,
            grown_mib=max(grown, default=None),
            may_grow_mib=min(self.may_grow_mib, other.may_grow_mib),
            wrong=self.wrong + other.wrong,
            note=", ".join(filter(None, (self.note, other.note))),
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What did not hold."""
        grown = self.grown_mib or 0.0
        found = (
            (self.lost, f"{self.lost} lost"),
            (self.out_of_order, f"{self.out_of_order} out of order"),
            (self.doubled > self.may_double, f"{self.doubled} doubled, {self.may_double} allowed"),
            (grown > self.may_grow_mib, f"grew by {grown:.0f} MiB, {self.may_grow_mib:.0f} allowed"),
        )
        return (*(text for failed, text in found if failed), *self.wrong)


Run = Callable[[Path, int, int], Awaitable[Counts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario by its name."""

    name: str
    about: str
    run: Run
    size: int
    alone: bool
    """It measures times: nothing may run beside it."""
    postgres: bool
    """It needs the server that BOTCORE_TEST_POSTGRES names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table."""

    scenario: str
    seed: int
    size: int
    seconds: float
    counts: Counts


SCENARIOS: dict[str, Scenario] = {}
"""Every scenario of the modules that were imported, in their order."""


def scenario(*, size: int, alone: bool = False, postgres: bool = False) -> Callable[[Run], Run]:
    """Make it known under the function's name, with dashes."""

    def add(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        about = (run.__doc__ or "").partition("\n")[0]
        SCENARIOS[name] = Scenario(name=name, about=about, run=run, size=size, alone=alone, postgres=postgres)
        return run

    return add


def compare(said: Mapping[str, Sequence[str]], heard: Mapping[str, Sequence[str]]) -> Counts:
    """What became of what was said, by conversation: ``heard`` are the texts answered, in the order of the answers."""
    total = Counts(sent=0)
    for place, texts in said.items():
        answers = [text for text in heard.get(place, ()) if text in set(texts)]
        first = list(dict.fromkeys(answers))
        places = {text: number for number, text in enumerate(texts)}
        total += Counts(
            sent=len(texts),
            lost=len(texts) - len(first),
            doubled=len(answers) - len(first),
            out_of_order=_late(places[text] for text in first),
        )
    return total


def _late(places: Iterable[int]) -> int:
    late, highest = 0, -1
    for place in places:
        late += place < highest
        highest = max(highest, place)
    return late


def progress(text: str) -> None:
    """Tell whoever watches; the table alone goes to stdout."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(lines: Sequence[Line]) -> str:
    """The figures, a line for each scenario, and below it whatever did not hold."""
    head = ("scenario", "seed", "sent", "lost", "doubled", "late", "kills", "MiB", "seconds", "verdict")
    rows = [head, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    shown = ["  ".join(map(_placed, row, widths, range(len(head)))) for row in rows]
    notes = [f"{line.scenario}: {text}" for line in lines for text in (line.counts.note, *line.counts.faults) if text]
    return "\n".join(text.rstrip() for text in (*shown, *notes))


def _cells(line: Line) -> tuple[str, ...]:
    counts = line.counts
    doubled = f"{counts.doubled} of {counts.may_double}" if counts.may_double else str(counts.doubled)
    grown = "" if counts.grown_mib is None else f"{counts.grown_mib:+.0f}"
    figures = (line.seed, counts.sent, counts.lost, doubled, counts.out_of_order, counts.kills, grown)
    return (line.scenario, *map(str, figures), f"{line.seconds:.0f}", "FAILED" if counts.faults else "ok")


def _placed(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def as_json(lines: Sequence[Line]) -> str:
    """The same for machines."""
    found = [asdict(line) | {"faults": line.counts.faults, "ok": not line.counts.faults} for line in lines]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
