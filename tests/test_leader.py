"""Leading, as two processes of a bot do on one PostgreSQL; and alone, on SQLite."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.clock import SystemClock
from botcore.errors import SettingsError
from botcore.leader import TERM_S, Leadership
from botcore.store import Store
from botcore.testing import ManualClock, until
from tests.store.conftest import own_schema


class Counting(Store):
    """Knows how often a term was extended."""

    extended = 0

    async def keep_lead(self, name: str, *, lease_s: float) -> bool:
        kept = await super().keep_lead(name, lease_s=lease_s)
        self.extended += 1
        return kept


class Process:
    """One process's leadership, and what it has done under it."""

    def __init__(self, store: Counting, clock: ManualClock, group: asyncio.TaskGroup) -> None:
        self.store, self.clock = store, clock
        self.leadership = Leadership(store, clock=clock, group=group)
        self.leads = asyncio.Event()
        self.ends = asyncio.Event()
        self._group = group
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = self._group.create_task(self._lead(), name="leads")

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _lead(self) -> None:
        async with self.leadership.lead("polls"):
            self.leads.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.leads.clear()
        self.ends.set()


@pytest.fixture
def url() -> Iterator[str]:
    server = os.environ.get("BOTCORE_TEST_POSTGRES")
    if not server:
        pytest.skip("BOTCORE_TEST_POSTGRES names no server")
    with own_schema(sa.make_url(server)) as url:
        yield url


@pytest.fixture
async def processes(url: str, tmp_path: Path) -> AsyncIterator[tuple[Process, Process]]:
    """Two, each with a clock of its own that stands still."""
    async with AsyncExitStack() as stack:
        clocks = ManualClock(), ManualClock()
        stores = [await stack.enter_async_context(Counting(url, clock=clock, data_dir=tmp_path)) for clock in clocks]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        found = [Process(store, clock, group) for store, clock in zip(stores, clocks, strict=True)]
        found[0].begin()
        await until(found[0].leads.is_set)
        yield found[0], found[1]
        for process in found:
            process.stop()


async def run_out(store: Store) -> None:
    """The database's clock cannot be moved; the end of the term can."""
    await store.write(lambda connection: connection.exec_driver_sql("UPDATE leader SET until = 0"))


@pytest.mark.postgres
async def test_the_second_stands_by_and_leads_at_once_when_the_first_stops(
    processes: tuple[Process, Process], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first, second = processes
    second.begin()
    await until(lambda: "standing by" in caplog.text)
    assert not second.leads.is_set()
    first.stop()
    while not second.leads.is_set():
        second.leadership.heard()  # as the notice would
        await asyncio.sleep(0)


@pytest.mark.postgres
async def test_a_leader_that_was_overtaken_ends_at_its_next_look(processes: tuple[Process, Process]) -> None:
    first, second = processes
    await run_out(first.store)
    second.begin()
    await until(second.leads.is_set)
    while not first.ends.is_set():
        await first.clock.advance(TERM_S / 3)


@pytest.mark.postgres
async def test_a_leader_that_goes_on_extending_stays(processes: tuple[Process, Process]) -> None:
    first, second = processes
    second.begin()
    for times in range(1, 13):
        await first.clock.advance(TERM_S / 3)
        await until(lambda times=times: first.store.extended == times)
    assert first.leads.is_set()
    assert not second.leads.is_set()


@pytest.mark.postgres
async def test_a_leader_that_slept_through_its_term_notices_before_it_does_anything(
    processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after SIGCONT: the term's end and what the body waited for meet the event loop in one turn."""
    monkeypatch.setattr("botcore.leader.TERM_S", 0.1)
    clock, did = SystemClock(), list[str]()
    telegram, line = socket.socketpair()
    line.setblocking(False)
    with telegram, line:
        async with asyncio.TaskGroup() as group:
            leadership, entered = Leadership(processes[0].store, clock=clock, group=group), asyncio.Event()

            async def body() -> None:
                async with leadership.lead("other"):
                    entered.set()
                    await asyncio.get_running_loop().sock_recv(line, 1)
                    did.append("confirmed an offset")
                did.append("noticed")

            task = group.create_task(body())
            await entered.wait()
            await asyncio.sleep(0)
            telegram.send(b"x")
            asleep = clock.monotonic() + 0.2
            while clock.monotonic() < asleep:
                pass
            await task
    assert did == ["noticed"]


@pytest.mark.postgres
async def test_without_its_database_a_leader_ends_with_its_term(
    processes: tuple[Process, Process],
) -> None:
    first, _ = processes
    await first.store.__aexit__(None, None, None)
    await first.clock.advance(TERM_S - 1)
    assert not first.ends.is_set()
    await first.clock.advance(1)
    await until(first.ends.is_set)


async def test_on_sqlite_it_is_entered_at_once_and_what_the_body_raises_goes_on(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Store(f"sqlite:///{tmp_path}/x.db", clock=clock, data_dir=tmp_path) as store, asyncio.TaskGroup() as all:
        leadership = Leadership(store, clock=clock, group=all)
        async with leadership.lead("polls"):
            pass
        with pytest.raises(SettingsError, match="wrong token"):
            async with leadership.lead("polls"):
                raise SettingsError("wrong token")


@pytest.mark.postgres
@pytest.mark.parametrize("error", [SettingsError("wrong token"), TimeoutError("its own")])
async def test_what_the_body_raises_goes_on_and_the_lead_is_given_up(
    processes: tuple[Process, Process], error: Exception
) -> None:
    first, second = processes
    with pytest.raises(type(error), match=str(error)):
        async with first.leadership.lead("other"):
            raise error
    assert await second.store.take_lead("other", lease_s=1)
