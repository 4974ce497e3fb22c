"""Several processes take documents out of one index at once: no word is uncounted twice, no passage stays behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.store import Store
from botcore.testing import ManualClock
from botcore_qa import index
from botcore_qa.intake import swept
from tests.plugins.conftest import held
from tests.plugins.test_qa_scope import keep, words


@pytest.fixture
async def other(url: str, store: Store, tmp_path: Path) -> AsyncIterator[Store]:
    """Another process on the same database; SQLite lets none in, so it is the same one there."""
    async with AsyncExitStack() as stack:
        if store.dialect == "sqlite":
            yield store
        else:
            yield await stack.enter_async_context(Store(url, clock=ManualClock(), data_dir=tmp_path / "other"))


async def somebody_waits(store: Store) -> None:
    """Return once a transaction waits for another one."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(20):
        while not await store.read(lambda connection: connection.exec_driver_sql(query).scalar_one()):
            pass


async def count(store: Store, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"
    return int(await store.read(lambda connection: connection.exec_driver_sql(query).scalar_one()))


async def test_all_sweep_at_once_and_count_each_passage_once(store: Store, other: Store) -> None:
    await keep(store, "person/web//ana", "stays.txt", ["Zebras run."] * 40)
    before = await words(store)
    for number in range(4):
        leaving = await keep(store, "person/web//ana", f"{number}.txt", ["Zebras sleep."] * 60)
        await store.write(partial(index.drop, id=leaving))
    async with asyncio.TaskGroup() as group:
        for each in (store, other, store, other):
            group.create_task(swept(each))
    assert await words(store) == before
    assert (await count(store, "qa_passage"), await count(store, "qa_document")) == (40, 1)


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_what_another_one_deleted_meanwhile_is_not_counted_again(store: Store, other: Store) -> None:
    await keep(store, "", "stays.txt", ["Zebras run."] * 40)
    before = await words(store)
    await store.write(partial(index.drop, id=await keep(store, "", "a.txt", ["Zebras sleep."] * 20)))
    sweep = partial(index.sweep, limit=50)
    async with asyncio.TaskGroup() as group, held(store, sweep):
        group.create_task(other.write(sweep))
        await somebody_waits(store)
    assert await words(store) == before
    assert await count(store, "qa_document") == 1


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_what_begins_to_leave_during_a_sweep_is_swept_by_the_next(store: Store, other: Store) -> None:
    await store.write(partial(index.drop, id=await keep(store, "", "a.txt", ["Zebras sleep."])))
    later = await keep(store, "", "b.txt", ["Zebras run."])

    def words_held(connection: sa.Connection) -> None:
        connection.exec_driver_sql("UPDATE qa_word SET passages = passages")

    async with asyncio.TaskGroup() as group, held(store, words_held):
        group.create_task(other.write(partial(index.sweep, limit=50)))
        await somebody_waits(store)
        await store.write(partial(index.drop, id=later))
    await swept(store)
    assert [await count(store, table) for table in ("qa_document", "qa_passage", "qa_word")] == [0, 0, 0]
