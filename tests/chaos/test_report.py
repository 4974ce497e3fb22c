"""The counting itself: a lost, a doubled and a late answer are seen, and each makes its line fail."""

import json

import pytest

from tests.chaos.report import Counts, Line, as_json, compare, table

SAID = {"7": ["one", "two", "three"]}


@pytest.mark.parametrize(
    ("heard", "lost", "doubled", "late"),
    [
        (["one", "two", "three"], 0, 0, 0),
        (["one", "three"], 1, 0, 0),
        (["one", "two", "one", "three", "three"], 0, 2, 0),
        (["two", "one", "three"], 0, 0, 1),
        (["three", "one", "two"], 0, 0, 2),
        (["one", "a notice", "two", "three"], 0, 0, 0),
        ([], 3, 0, 0),
    ],
)
def test_what_was_said_is_compared_with_what_was_answered(heard: list[str], lost: int, doubled: int, late: int) -> None:
    counts = compare(SAID, {"7": heard})
    assert (counts.sent, counts.lost, counts.doubled, counts.out_of_order) == (3, lost, doubled, late)


@pytest.mark.parametrize(
    "counts",
    [
        Counts(sent=1, lost=1),
        Counts(sent=1, doubled=2, may_double=1),
        Counts(sent=1, out_of_order=1),
        Counts(sent=1, grown_mib=151),
        Counts(sent=1, wrong=("exit status 1",)),
    ],
)
def test_a_line_fails_on_anything_that_did_not_hold(counts: Counts) -> None:
    assert len(counts.faults) == 1
    assert counts.faults[0] in table([_line(counts)])
    assert "FAILED" in table([_line(counts)])


def test_a_line_holds_within_its_bounds() -> None:
    counts = Counts(sent=1, doubled=1, may_double=1, grown_mib=150, kills=1, note="p95 3 ms")
    assert counts.faults == ()
    assert table([_line(counts)]).splitlines()[1].split()[-1] == "ok"
    assert json.loads(as_json([_line(counts)]))[0]["ok"]


def _line(counts: Counts) -> Line:
    return Line(scenario="updates", seed=1, size=1, seconds=2, counts=counts)
