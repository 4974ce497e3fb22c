"""Claims: who gets which conversation, in what order, and what is to be done there."""

from typing import Any

import pytest
import sqlalchemy as sa

from botcore.store import Handover, Store, claims
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, begin, end, part, say, send_one


async def test_nothing_to_do_is_none(store: Store) -> None:
    assert await store.claim_next() is None


async def test_a_held_conversation_is_nobody_elses(store: Store, other: Store, clock: ManualClock) -> None:
    await begin(store)
    await clock.advance(29)
    assert await other.claim_next() is None


async def test_a_lease_that_ended_is_taken_over_with_its_message(
    store: Store, other: Store, clock: ManualClock
) -> None:
    claim = await begin(store)
    await clock.advance(30)
    taken = await other.claim_next()
    assert taken
    assert (taken.message_id, taken.turn, taken.message) == (claim.message_id, claim.turn, claim.message)
    assert taken.epoch == claim.epoch + 1
    assert taken.attempts == 2


async def test_of_a_channel_that_is_not_here_nothing_is_claimed(store: Store) -> None:
    await store.release(await begin(store))
    for channels in ((), ("web", "slack")):
        assert await store.claim_some(9, channels=channels) == []
    (claim,) = await store.claim_some(9, channels=("web", "telegram"))
    assert claim.conversation.channel == "telegram"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL plans by what it has counted
@pytest.mark.parametrize("channels", [None, ("telegram", "web")])
async def test_looking_for_a_free_conversation_reads_those_that_want_a_worker_in_their_order(
    store: Store, channels: tuple[str, ...] | None
) -> None:
    def plan(connection: sa.Connection) -> str:
        found: list[str] = []
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(found.append)
        claims.claim_next(connection, claims.Claimant(owner="one", now=1.0, lease_s=1, channels=channels))
        driver.set_trace_callback(None)
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {found[0]}").all())

    assert (await store.write(plan)).count("ix_conversation_next") == 1
    assert "TEMP B-TREE" not in await store.write(plan)


async def test_a_lease_that_ended_but_was_not_taken_may_still_commit(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    await clock.advance(100)
    await answer(store, claim)
    assert (await store.outcome(claim.message_id))[0] == "answered"


async def test_conversations_take_turns(store: Store, clock: ManualClock) -> None:
    spam = await begin(store, chat="spam")
    for n in range(3):
        await say(store, f"spam {n}", chat="spam")
    await clock.advance(1)
    quiet = await begin(store, chat="quiet")
    await say(store, "quiet 0", chat="quiet")
    await clock.advance(1)
    for claim in (spam, quiet):
        await answer(store, claim)
        await clock.advance(1)

    order = []
    while claim_ := await store.claim_next():
        assert claim_.message
        order.append(claim_.message.text)
        await answer(store, claim_)
        await clock.advance(1)
    assert order == ["spam 0", "quiet 0", "spam 1", "spam 2"]


async def test_several_are_claimed_in_one_commit_in_the_same_order(store: Store, clock: ManualClock) -> None:
    for chat in ("a", "b", "c"):
        await store.release(await begin(store, chat=chat))
        await clock.advance(1)
    assert [claim.conversation.chat for claim in await store.claim_some(2)] == ["a", "b"]
    assert [claim.conversation.chat for claim in await store.claim_some(9)] == ["c"]
    assert await store.claim_some(9) == []


async def test_a_takeover_delivers_what_was_left_before_anything_else(
    store: Store, other: Store, clock: ManualClock
) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, parts=3, sending=1))
    await say(store, "next")
    await clock.advance(31)
    taken = await other.claim_next()
    assert taken
    assert taken.message
    assert taken.message.text == "next"
    assert [(row.part.number, row.state) for row in taken.parts] == [(0, "uncertain"), (1, "pending"), (2, "pending")]
    assert [row.part.text for row in taken.parts] == ["hello 0", "hello 1", "hello 2"]


async def test_parts_alone_are_work_too(store: Store, clock: ManualClock) -> None:
    await send_one(store, await begin(store))
    await clock.advance(31)
    taken = await store.claim_next()
    assert taken
    assert taken.message is None
    assert taken.message_id == 0
    await store.sent(taken, taken.parts[0].part.id, "p1", release=Handover())
    assert await store.claim_next() is None
    await begin(store, "and a new message claims at once")


async def test_a_rerun_finds_the_anchor_it_began(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim, text="…"))
    await store.sent(claim, f"{claim.turn}.0", "p7")
    await clock.advance(31)
    taken = await store.claim_next()
    assert taken
    assert taken.parts == ()
    assert taken.anchor
    assert (taken.anchor.state, taken.anchor.part.platform_id) == ("sent", "p7")
