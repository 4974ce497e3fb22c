"""A database that takes nothing is one line of the log, however many writers meet it, and one when it is over."""

import pytest

from botcore.errors import StoreUnavailable
from botcore.store.trouble import CALM_S, Trouble
from botcore.testing.clock import ManualClock

FULL = StoreUnavailable("nothing was stored: database or disk is full")


async def test_trouble_is_said_once_and_its_end_after_some_calm(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    trouble = Trouble(clock)
    trouble.passed()
    for _ in range(100):
        trouble.met(FULL)
        await clock.advance(1)
        trouble.passed()
    assert [record.getMessage() for record in caplog.records] == [
        "the database takes nothing, and what was not stored is tried again until it does: "
        "nothing was stored: database or disk is full"
    ]
    await clock.advance(CALM_S)
    trouble.passed()
    trouble.passed()
    assert [record.getMessage() for record in caplog.records][1:] == ["the database takes everything again, after 99 s"]
    trouble.met(FULL)
    assert len(caplog.records) == 3
