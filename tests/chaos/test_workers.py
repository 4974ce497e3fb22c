"""Several bots on one PostgreSQL, killed, frozen, stopped and cut off: the short form of what ``tests.chaos`` runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from botcore_telegram.testing import FakeTelegram
from tests.chaos.outages import postgres_cut, postgres_restarted
from tests.chaos.places import killed_at, killed_in_recovery, on_postgres
from tests.chaos.report import Run
from tests.chaos.workers import workers_killed, workers_stopped
from tests.store.conftest import own_schema, postgres

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(180)]


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema(postgres()) as url:
        yield url


@pytest.mark.parametrize(
    ("scenario", "size"),
    [(workers_killed, 12), (workers_stopped, 1), (postgres_restarted, 10), (postgres_cut, 10)],
)
async def test_nothing_is_lost_and_no_two_turns_of_one_conversation_run_at_once(
    scenario: Run, size: int, tmp_path: Path
) -> None:
    postgres()  # or the test is skipped
    counts = await scenario(tmp_path, 1, size)
    assert (counts.lost, counts.out_of_order, counts.wrong) == (0, 0, ())
    assert counts.sent > 0
    assert counts.kills > 0


@pytest.mark.parametrize("place", ["accept.in_commit", "turn.committed"])
async def test_killed_there_nothing_is_lost(place: str, url: str, tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        assert (await killed_at(place, telegram, tmp_path, **on_postgres(url))).faults == ()


async def test_killed_while_an_earlier_crash_is_settled_nothing_is_lost(url: str, tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        assert (await killed_in_recovery("outbox.resending", telegram, tmp_path, **on_postgres(url))).faults == ()
