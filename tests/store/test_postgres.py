"""What only a server with several processes can show: connections cut, conflicts, two processes at one queue."""

import asyncio
import threading

import pytest
import sqlalchemy as sa

from botcore.errors import StoreUnavailable
from botcore.store import Store, turns
from tests.store.kit import answer, begin, end, say

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]


def pid(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def kill(url: str, backend: int) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend({backend}, 5000)")


async def test_a_connection_cut_before_commit_is_tried_again(store: Store, url: str) -> None:
    runs = []

    def fn(connection: sa.Connection) -> int:
        runs.append(1)
        if len(runs) == 1:
            kill(url, pid(connection))
        return pid(connection)

    assert await store.write(fn)
    assert len(runs) == 2


async def test_one_cut_during_commit_says_that_the_outcome_is_unknown(store: Store, url: str) -> None:
    with pytest.raises(StoreUnavailable, match="outcome is unknown"):
        await store.write(lambda connection: kill(url, pid(connection)))
    assert (await say(store)).claim


async def test_a_conflict_is_tried_once_more(store: Store) -> None:
    runs = []

    def conflict(connection: sa.Connection) -> int:
        runs.append(1)
        if len(runs) % 3 != 2:
            connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")
        return len(runs)

    assert await store.write(conflict) == 2
    with pytest.raises(StoreUnavailable, match="again"):
        await store.write(conflict)
    assert len(runs) == 4


async def test_two_processes_never_take_the_same_conversation(store: Store, other: Store) -> None:
    claims = [await begin(store, chat=f"c{n}") for n in range(24)]
    for claim in claims:
        await store.release(claim)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(who.claim_next()) for who in (store, other) * 12]
    taken = [claim.conversation.key for task in tasks if (claim := task.result())]
    assert len(taken) == len(set(taken)) == 24


async def test_two_processes_that_accept_at_once_keep_one_claim_each(store: Store, other: Store) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(say(who, f"m{n}", chat=f"c{n % 5}")) for n in range(50) for who in (store, other)]
    assert sum(task.result().claim is not None for task in tasks) == 5


async def test_a_turn_cannot_appear_below_a_cursor(store: Store, other: Store) -> None:
    slow, quick = await begin(store, chat="slow"), await begin(store, chat="quick")
    go, begun = threading.Event(), threading.Event()

    def held(connection: sa.Connection) -> None:
        turns.commit(connection, slow, end(slow, "slow"), now=0.0)
        begun.set()
        assert go.wait(20)

    first = asyncio.create_task(store.write(held))
    await asyncio.to_thread(begun.wait)
    await answer(store, quick, "quick")
    reading = asyncio.create_task(other.turns())
    while not reading.done() and not await store.read(_somebody_waits):  # noqa: ASYNC110 — the server has no event
        await asyncio.sleep(0)
    go.set()
    await first
    assert [reply.text for _, reply in await reading] == ["slow", "quick"]


def _somebody_waits(connection: sa.Connection) -> bool:
    return bool(connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar())
