"""Shared commits: one caller's failure is its own, a full disk is everybody's, results come after the commit."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from botcore.clock import Clock
from botcore.errors import StoreError, StoreUnavailable
from botcore.store import Store
from botcore.store.threads import ENDS
from botcore.testing.clock import ManualClock
from tests.store.kit import say

Write = Callable[[sa.Connection], int]


@pytest.fixture
async def numbers(store: Store) -> Store:
    """A store with a table of numbers."""
    await store.write(lambda c: c.exec_driver_sql("CREATE TABLE numbers (n BIGINT PRIMARY KEY, text TEXT)"))
    return store


def insert(n: int, text: str = "") -> Write:
    def fn(connection: sa.Connection) -> int:
        connection.execute(sa.text("INSERT INTO numbers VALUES (:n, :text)"), {"n": n, "text": text})
        return n

    return fn


def fails(n: int) -> Write:
    def fn(connection: sa.Connection) -> int:
        insert(n)(connection)
        raise ValueError(n)

    return fn


async def stored(store: Store) -> list[int]:
    return await store.read(lambda c: list(c.execute(sa.text("SELECT n FROM numbers ORDER BY n")).scalars()))


class Held:
    """Keeps the only writer busy, so that what comes meanwhile is one batch."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self.begun = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, connection: sa.Connection) -> int:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self._go.wait(20)
        return 0

    def let_go(self) -> None:
        self._go.set()


async def in_one_batch(store: Store, *writes: Write) -> list[int | BaseException]:
    """The results of writes that queued while another one was running."""
    held = Held()
    first = asyncio.create_task(store.write(held))
    await held.begun.wait()
    tasks = [asyncio.create_task(store.write(write)) for write in writes]
    await asyncio.sleep(0)  # each is queued now
    held.let_go()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_callers_failure_leaves_the_others_whole(numbers: Store) -> None:
    results = await in_one_batch(numbers, insert(1), fails(2), insert(3), insert(3), insert(4))
    assert [result for result in results if isinstance(result, int)] == [1, 3, 4]
    assert isinstance(results[1], ValueError)
    twice = results[2:4]  # PostgreSQL has several writers: either may be the first
    assert [isinstance(result, sa.exc.IntegrityError) for result in twice].count(True) == 1
    assert await stored(numbers) == [1, 3, 4]


@pytest.mark.parametrize("end", ["begin", "close", "commit", "rollback"])
async def test_no_function_ends_the_transaction_of_others(numbers: Store, end: str) -> None:
    def ends(connection: sa.Connection) -> int:
        insert(2)(connection)
        getattr(connection, end)()
        return 2

    one, two, three = await in_one_batch(numbers, insert(1), ends, insert(3))
    assert (one, three) == (1, 3)
    assert isinstance(two, StoreError)
    assert f"leave out {', '.join(ENDS)}" in str(two)
    assert await stored(numbers) == [1, 3]


async def test_a_session_that_rolls_back_leaves_nobody_believing_in_what_is_gone(numbers: Store) -> None:
    def undoes(connection: sa.Connection) -> int:
        with orm.Session(connection) as session:
            session.execute(sa.text("SELECT 1"))
            session.rollback()
        return 2

    results = await in_one_batch(numbers, insert(1), undoes)
    assert not isinstance(results[1], int)
    assert isinstance(results[0], int) == (await stored(numbers) == [1])  # PostgreSQL has a transaction for each
    if numbers.dialect == "sqlite":
        assert isinstance(results[0], StoreUnavailable)


async def test_what_a_function_needs_besides_the_connection_is_given_with_it(numbers: Store) -> None:
    def add(connection: sa.Connection, n: int, *, text: str) -> str:
        insert(n, text)(connection)
        return text

    assert await numbers.write(add, 1, text="one") == "one"
    assert await numbers.read(lambda connection, n: connection.scalar(sa.text(f"SELECT {n}")), 7) == 7
    assert await stored(numbers) == [1]


async def test_what_queued_during_a_commit_is_committed_together(numbers: Store) -> None:
    commits: list[object] = []
    sa.event.listen(numbers._engine, "commit", commits.append)
    await in_one_batch(numbers, *[insert(n) for n in range(5)])
    # The one that kept the writer busy, and the rest; on PostgreSQL each caller has a transaction of its own.
    assert len(commits) == (2 if numbers.dialect == "sqlite" else 6)


async def test_a_caller_who_leaves_is_written_all_the_same(numbers: Store) -> None:
    held = Held()
    first = asyncio.create_task(numbers.write(held))
    await held.begun.wait()
    left = asyncio.create_task(numbers.write(insert(7)))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    held.let_go()
    await first
    await numbers.write(insert(8))
    while await stored(numbers) == [8]:  # PostgreSQL has several writers: 8 may be stored first
        pass
    assert await stored(numbers) == [7, 8]


async def test_a_reader_cannot_write(numbers: Store) -> None:
    with pytest.raises(StoreError, match="use `write`"):
        await numbers.read(insert(1))
    assert await stored(numbers) == []


async def test_the_callers_own_mistake_is_not_the_databases(numbers: Store) -> None:
    with pytest.raises((sa.exc.OperationalError, sa.exc.ProgrammingError), match="nowhere"):
        await numbers.write(lambda c: c.exec_driver_sql("SELECT * FROM nowhere"))


async def test_closing_finishes_what_is_queued(make_store: Callable[[], Store]) -> None:
    async with make_store() as store:
        tasks = [asyncio.create_task(say(store, chat=f"c{n}")) for n in range(20)]
        await asyncio.sleep(0)
    assert all([(await task).claim for task in tasks])
    with pytest.raises(StoreUnavailable, match="not open"):
        await say(store)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.window("x")


async def test_a_write_that_stops_an_iteration_does_not_hang_its_batch(numbers: Store) -> None:
    def stops(_: sa.Connection) -> int:
        return next(iter(()))  # raises StopIteration, which no future can carry

    results = await in_one_batch(numbers, insert(1), stops, insert(2))
    assert isinstance(results[1], RuntimeError)
    assert await stored(numbers) == [1, 2]


# ------------------------------------------------------------------ SQLite alone


@pytest.fixture
async def small(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    """A database with room for about forty pages more."""
    async with Store(f"sqlite:///{tmp_path}/small.db", clock=clock, data_dir=tmp_path) as store:
        await store.write(lambda c: c.exec_driver_sql("CREATE TABLE numbers (n BIGINT PRIMARY KEY, text TEXT)"))
        await store.write(_limit)
        yield store


def _limit(connection: sa.Connection, pages: int = 10) -> None:
    used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}").all()


async def test_a_full_disk_fails_the_whole_batch_and_says_so(small: Store) -> None:
    await small.write(insert(1))
    results = await in_one_batch(small, insert(2), insert(3, "x" * 1_000_000), insert(4))
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert str(results[0]) == "nothing was stored: database or disk is full"
    assert await stored(small) == [1]


async def test_after_a_full_disk_what_fits_is_stored_again(small: Store) -> None:
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await small.write(insert(3, "x" * 1_000_000))
    assert await small.write(insert(5)) == 5
    assert await stored(small) == [5]


async def test_check_says_that_the_disk_is_full(small: Store) -> None:
    assert await small.check(deep=True) == "ok"
    await small.write(lambda c: c.exec_driver_sql("DROP TABLE probe"))
    assert "probe" in await small.check()


async def test_a_file_held_by_another_program_is_unavailable(tmp_path: Path, clock: Clock) -> None:
    async with Store(f"sqlite:///{tmp_path}/x.db", clock=clock, data_dir=tmp_path) as store:
        await store.write(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 1").all())
        with sqlite3.connect(tmp_path / "x.db", isolation_level=None) as program:
            program.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await say(store)
            program.execute("ROLLBACK")
        program.close()
        assert (await say(store)).claim


async def test_what_sqlite_promises_is_switched_on(small: Store) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await small.write(pragmas) == ["wal", 2, 1]


async def test_plugins_have_full_text_search(small: Store) -> None:
    def search(connection: sa.Connection) -> int:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE words USING fts5(text)")
        connection.exec_driver_sql("INSERT INTO words VALUES ('the quick fox')")
        return len(connection.exec_driver_sql("SELECT * FROM words WHERE words MATCH 'quick'").all())

    assert await small.write(search) == 1
