"""Failpoints: off unless armed, and every place named exists in the code."""

import re
from collections.abc import Iterator

import pytest

from botcore.errors import SettingsError
from botcore.failpoints import PLACES, VARIABLE, Broken, arm, failpoint
from tests.house.tree import ROOT


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm({})


def test_nothing_happens_where_nothing_is_armed() -> None:
    arm({})
    failpoint("turn.begin")


def test_a_place_breaks_from_the_visit_on_that_was_asked_for() -> None:
    arm({VARIABLE: "turn.begin=raise@3"})
    failpoint("turn.begin")
    failpoint("turn.written")
    failpoint("turn.begin")
    for _ in range(2):
        with pytest.raises(Broken, match=r"turn\.begin"):
            failpoint("turn.begin")


@pytest.mark.parametrize("order", ["turn.begin", "turn.begin=explode", "nowhere=kill", "turn.begin=kill@0"])
def test_a_wrong_order_is_refused_with_what_there_is(order: str) -> None:
    with pytest.raises(SettingsError, match=r"BOTCORE_FAILPOINTS: .*places: .*turn\.written"):
        arm({VARIABLE: order})


def test_every_place_is_in_the_code_and_every_one_in_the_code_is_named() -> None:
    sources = [path.read_text() for shelf in ("botcore", "adapters") for path in ROOT.glob(f"{shelf}/**/*.py")]
    assert set(re.findall(r'failpoint\("([^"]+)"\)', "".join(sources))) == set(PLACES)
    assert len(PLACES) >= 25
