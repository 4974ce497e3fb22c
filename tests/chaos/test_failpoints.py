"""Killed at each named place: every message is answered, in order; one comes twice only where a send was in the air."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore_telegram.testing import FakeTelegram
from tests.chaos.places import IN_RECOVERY, ON_STOP, TELEGRAM, killed_at, killed_in_recovery, killed_on_stop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest.mark.parametrize("place", TELEGRAM)
async def test_killed_there_nothing_is_lost(place: str, telegram: FakeTelegram, tmp_path: Path) -> None:
    assert (await killed_at(place, telegram, tmp_path)).faults == ()


@pytest.mark.parametrize("place", sorted(IN_RECOVERY))
async def test_killed_while_an_earlier_crash_is_settled_nothing_is_lost(
    place: str, telegram: FakeTelegram, tmp_path: Path
) -> None:
    assert (await killed_in_recovery(place, telegram, tmp_path)).faults == ()


@pytest.mark.parametrize("place", sorted(ON_STOP))
async def test_killed_while_it_stops_nothing_is_lost(place: str, telegram: FakeTelegram, tmp_path: Path) -> None:
    assert (await killed_on_stop(place, telegram, tmp_path)).faults == ()
