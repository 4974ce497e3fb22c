"""Rate and time left of a fetch."""

import pytest

from botcore.cli.model_get import Meter
from botcore.testing import ManualClock

MIB = 1 << 20


async def test_rate_and_time_left_follow_the_last_ten_seconds() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    assert meter.due(700 * MIB, every=0.2)  # what an earlier fetch has left is not this one's speed
    assert meter.words(1000 * MIB) == "…"
    for second in range(1, 21):
        await clock.advance(1)
        meter.due((700 + (second if second <= 10 else 10 + 3 * (second - 10))) * MIB, every=0.2)
    assert meter.rate == pytest.approx(3 * MIB)
    assert meter.words(1000 * MIB) == "3.0 MiB/s, 87 s left"
    assert meter.words(10_000 * MIB) == "3.0 MiB/s, 51 min left"


async def test_it_is_said_at_most_so_often() -> None:
    clock = ManualClock()
    meter = Meter(clock)
    assert [meter.due(1, every=1), meter.due(2, every=1)] == [True, False]
    await clock.advance(1)
    assert meter.due(3, every=1)
