"""What only a server with several processes can show: connections cut, conflicts, two processes at one queue."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.errors import LeaseLost, StoreError, StoreUnavailable
from botcore.store import Claim, Handover, Notice, Store, engines, feedback, inbox, poison, running_at, sends, turns
from botcore.store.fence import fence
from botcore.testing.clock import ManualClock
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, control, end, message, say, send_one
from tests.store.kit import feedback as feedback_of

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]


def pid(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def kill(url: str, backend: int) -> None:
    execute(url, f"SELECT pg_terminate_backend({backend}, 5000)")


def execute(url: str, statement: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


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


async def test_the_first_process_on_a_data_dir_is_found_there_and_a_second_takes_nothing_from_it(
    store: Store, make_store: OpenStore, tmp_path: Path
) -> None:
    await begin(store)
    store.note_address("http://127.0.0.1:8080")
    async with make_store("two") as other:
        other.note_address("http://127.0.0.1:8081")
        assert await other.claim_next() is None
    assert running_at(tmp_path / "data") == "http://127.0.0.1:8080"


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


async def test_an_error_that_was_caught_undoes_the_rest_and_that_is_said(store: Store) -> None:
    def insert(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO leader (name) VALUES ('a')")

    def twice(connection: sa.Connection) -> None:
        insert(connection)
        with suppress(sa.exc.IntegrityError):
            insert(connection)

    with pytest.raises(StoreError, match="nothing was stored"):
        await store.write(twice)
    await store.write(insert)


async def test_a_lock_that_the_operator_lets_nobody_wait_for_is_the_databases_trouble(store: Store) -> None:
    """``ALTER ROLE … SET lock_timeout``."""
    claim, go, begun = await begin(store), threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        fence(connection, claim)
        begun.set()
        assert go.wait(20)

    def impatient(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
        fence(connection, claim)

    holding = asyncio.create_task(store.write(hold))
    await asyncio.to_thread(begun.wait)
    with pytest.raises(StoreUnavailable, match="lock timeout"):
        await store.write(impatient)
    go.set()
    await holding


async def next_of(notices: AsyncGenerator[Notice, None], kind: str) -> Notice:
    """The next notice of this kind."""
    async with asyncio.timeout(10):
        async for notice in notices:
            if notice.kind == kind:
                return notice
    raise AssertionError("no notice")


async def test_what_is_committed_is_heard_by_the_others_and_nothing_else(store: Store, other: Store) -> None:
    claim, second = await begin(store, chat="c1"), await begin(store, chat="c2")
    async with aclosing(other.notices()) as notices:
        await next_of(notices, "lost")  # from now on everything is heard

        def broken(connection: sa.Connection) -> None:
            turns.commit(connection, second, end(second), now=0.0)
            raise ValueError("after the commit of the turn, before that of the transaction")

        with pytest.raises(ValueError, match="after the commit"):
            await store.write(broken)
        await answer(store, claim)
        assert await next_of(notices, "turn") == ("turn", claim.conversation.key)


async def test_a_stop_is_heard_by_the_others(store: Store, other: Store) -> None:
    claim = await begin(store)
    async with aclosing(store.notices()) as notices:
        await next_of(notices, "lost")
        await other.accept([control("stop")])
        assert await next_of(notices, "stop") == ("stop", claim.conversation.key)


async def test_after_a_cut_the_others_are_heard_again(store: Store, other: Store, url: str, clock: ManualClock) -> None:
    claim = await begin(store)
    async with aclosing(other.notices()) as notices:
        await next_of(notices, "lost")
        again = asyncio.create_task(next_of(notices, "lost"))
        await other.write(_cut_listeners)
        while not again.done():
            await clock.advance(1)
        await again
        await answer(store, claim)
        assert await next_of(notices, "turn") == ("turn", claim.conversation.key)


def _cut_listeners(connection: sa.Connection) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE query = 'LISTEN botcore' AND state = 'idle' AND datname = current_database()"  # other tests have theirs
    )
    connection.exec_driver_sql(cut).all()


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
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(connection.exec_driver_sql(waits).scalar())


GIVING_BACK: dict[str, Callable[[Store, Claim], Awaitable[object]]] = {
    "by itself": lambda store, claim: store.release(claim),
    "by its number": lambda store, claim: store.let_go(claim.conversation.key, claim.epoch),
    "with its turn": lambda store, claim: store.commit_turn(claim, end(claim, release=True)),
    "with the last part": lambda store, claim: store.sent(claim, f"{claim.turn}.0", "p", release=Handover()),
    "with a part that failed": lambda store, claim: store.failed(claim, f"{claim.turn}.0", "no", release=True),
    "put back": lambda store, claim: store.requeue(claim),
}


@pytest.mark.parametrize("how", GIVING_BACK)
async def test_what_is_being_accepted_while_its_conversation_is_given_back_finds_a_worker(
    how: str, store: Store, other: Store, clock: ManualClock
) -> None:
    claim = await begin(store)
    if "part" in how:
        await send_one(store, claim)
    elif "turn" not in how:
        await store.commit_turn(claim, end(claim))
    go, begun = threading.Event(), threading.Event()

    def accept(connection: sa.Connection) -> None:
        limits = inbox.Acceptor(
            owner="two", now=clock.now(), lease_s=30, waiting_per_chat=9, waiting_per_person=9, held={}
        )
        inbox.accept(connection, [message("next")], limits)
        begun.set()
        assert go.wait(20)

    accepting = asyncio.create_task(other.write(accept))
    await asyncio.to_thread(begun.wait)
    giving_back = asyncio.create_task(GIVING_BACK[how](store, claim))
    while not giving_back.done() and not await store.read(_somebody_waits):  # noqa: ASYNC110 — the server has no event
        await asyncio.sleep(0)
    go.set()
    await accepting
    await giving_back
    assert await other.claim_next()


async def test_who_is_frozen_in_the_middle_of_a_transaction_holds_nobody_up(
    make_store: OpenStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "FROZEN_MS", 200)
    go, begun = threading.Event(), threading.Event()
    async with make_store("one") as frozen, make_store("two") as other:
        claim = await begin(frozen)

        def freeze(connection: sa.Connection) -> None:
            fence(connection, claim)
            begun.set()
            assert go.wait(20)
            fence(connection, claim)

        writing = asyncio.create_task(frozen.write(freeze))
        await asyncio.to_thread(begun.wait)
        await clock.advance(31)
        try:
            async with asyncio.timeout(10):
                await say(other, "next")
                assert await other.claim_next()
        finally:
            go.set()
        with pytest.raises(LeaseLost):
            await writing


@pytest.mark.parametrize("first", ["the platform's answer", "the judgement"])
async def test_a_judgement_and_the_platforms_answer_written_at_once_find_each_other(
    first: str, store: Store, other: Store
) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    judgement = feedback_of(1, platform_id="p1")
    go, begun = threading.Event(), threading.Event()

    def held(connection: sa.Connection) -> object:
        if first == "the judgement":
            known: object = feedback.store(connection, judgement, now=0.0)
        else:
            known = sends.sent(connection, claim, row.part.id, "p1")
        begun.set()
        assert go.wait(20)
        return known

    holding = asyncio.create_task(store.write(held))
    await asyncio.to_thread(begun.wait)
    second: Awaitable[object] = (
        other.sent(claim, row.part.id, "p1") if first == "the judgement" else other.accept([judgement])
    )
    following = asyncio.ensure_future(second)
    while not following.done() and not await store.read(_somebody_waits):  # noqa: ASYNC110 — the server has no event
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(holding, following)
    assert [one.value for one in await store.feedback_for(claim.turn)] == [1]


async def test_what_is_forgotten_while_it_is_being_claimed_stays_so(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = (await store.accept([message("my secret", private=False)]))[0].claim
    assert claim
    await store.requeue(claim)
    go, begun, judge = threading.Event(), threading.Event(), poison.judge

    def judge_later(*args: Any, **values: Any) -> poison.Found:
        begun.set()
        assert go.wait(20)
        return judge(*args, **values)

    monkeypatch.setattr(poison, "judge", judge_later)
    claiming = asyncio.create_task(store.claim_next())
    await asyncio.to_thread(begun.wait)
    forgetting = asyncio.create_task(other.forget_person("telegram", "ann"))
    while (await store.outcome(claim.message_id))[0] is None and not await store.read(_somebody_waits):
        pass  # each look takes its time
    go.set()
    await asyncio.gather(claiming, forgetting)
    assert (await store.outcome(claim.message_id))[0] == "stopped"


async def test_a_repetition_whose_first_delivery_is_let_go_in_the_same_moment_is_taken_anew(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = message("hi")
    claim = (await store.accept([said]))[0].claim
    assert claim
    await answer(store, claim)
    look = inbox._FIRST

    def later(connection: sa.Connection, **values: str) -> Any:
        execute(url, "DELETE FROM inbox")
        return look(connection, **values)

    monkeypatch.setattr(inbox, "_FIRST", later)
    assert (await store.accept([said]))[0].claim
