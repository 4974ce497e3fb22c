"""Intake: once each, claimed where free, bounded."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.messages import Attachment, Message, PromptMessage, Sampling
from botcore.store import Store, upkeep
from tests.store.kit import ANN, answer, begin, end, message, place, say, send_one


async def test_a_message_claims_its_free_conversation(store: Store) -> None:
    accepted = await say(store, "hi")
    assert accepted.claim is not None
    assert accepted.claim.message_id == accepted.receipt.id
    assert accepted.claim.message == accepted.record
    assert (accepted.claim.attempts, accepted.claim.stopped) == (1, False)


async def test_the_same_delivery_twice_is_one_message(store: Store) -> None:
    first, again = [(await store.accept([message("hi", event="same")]))[0] for _ in range(2)]
    assert again.receipt.duplicate
    assert again.receipt.id == first.receipt.id
    assert again.claim is None
    assert len(await store.open_messages(place().key)) == 1


async def test_a_duplicate_of_an_answered_message_leaves_the_conversation_free(store: Store) -> None:
    first = (await store.accept([message("hi", event="same")]))[0]
    assert first.claim
    await answer(store, first.claim)
    elsewhere = await begin(store, chat="c2")
    assert (await store.accept([message("hi", event="same")]))[0].claim is None
    assert await store.claim_next() is None
    assert await store.held() == {(elsewhere.conversation.key, elsewhere.epoch)}
    await begin(store, "next")


async def test_a_duplicate_in_another_chat_makes_no_conversation(store: Store) -> None:
    await store.accept([message("hi", event="same")])
    await store.accept([message("hi", event="same", chat="elsewhere")])
    assert [chat for chat, _, _ in await store.conversations("telegram", "ann")] == ["c1"]


async def test_the_second_message_waits_for_the_first(store: Store) -> None:
    claim = await begin(store, "one")
    second = await say(store, "two")
    assert second.claim is None
    await answer(store, claim)
    following = await store.claim_next()
    assert following is not None
    assert following.message_id == second.receipt.id


async def test_a_batch_of_one_conversation_claims_once_and_for_its_oldest(store: Store) -> None:
    accepted = await store.accept([message("one"), message("elsewhere", chat="c2"), message("two")])
    claimed = [item.claim.message.text for item in accepted if item.claim and item.claim.message]
    assert claimed == ["one", "elsewhere"]
    waiting = await store.open_messages(place().key)
    assert [text.text for _, text in waiting] == ["one", "two"]


async def test_receipts_come_in_the_order_of_the_records(store: Store) -> None:
    records = [message(f"m{n}", chat=f"c{9 - n}") for n in range(5)]
    assert [item.record for item in await store.accept(records)] == records


async def test_nothing_is_claimed_while_a_part_is_still_to_be_delivered(store: Store) -> None:
    claim = await begin(store)
    await send_one(store, claim)
    await store.release(claim)
    assert (await say(store, "two")).claim is None


async def test_too_many_waiting_are_rejected_and_may_come_again(store: Store) -> None:
    claim = await begin(store, "running")
    accepted = await store.accept([message(f"m{n}") for n in range(3)], waiting_per_chat=2)
    assert [item.receipt.state for item in accepted] == ["accepted", "accepted", "rejected"]
    assert accepted[2].receipt.retry_after > 0
    assert await store.outcome(accepted[2].receipt.id) == ("refused", None)
    assert len(await store.open_messages(place().key)) == 3

    await answer(store, claim)
    following = await store.claim_next()
    assert following
    again = (await store.accept([accepted[2].record], waiting_per_chat=2))[0]
    assert (again.receipt.state, again.receipt.duplicate) == ("accepted", False)
    assert [text.text for _, text in await store.open_messages(place().key)] == ["m0", "m1", "m2"]


async def test_a_full_chat_does_not_hold_another(store: Store) -> None:
    await begin(store)
    await store.accept([message("two")], waiting_per_chat=0)
    assert (await store.accept([message("x", chat="c2")], waiting_per_chat=0))[0].claim


async def test_every_field_of_a_message_survives_waiting(store: Store) -> None:
    claim = await begin(store)
    whole = Message(
        event_id="whole",
        conversation=place(),
        person=ANN,
        text='quote " backslash \\u0000 and 🙂',
        platform_id="p9",
        reply_to="p8",
        attachments=(Attachment(name="a.pdf", media_type="application/pdf", size=3, reference="ref"),),
        sent_at=12.5,
        context=(PromptMessage(role="system", content="be kind"),),
        sampling=Sampling(max_tokens=7, stop=("\n",)),
    )
    await store.accept([whole])
    await answer(store, claim)
    following = await store.claim_next()
    assert following
    assert following.message == whole


async def test_a_message_that_a_later_version_stored_is_read_as_far_as_it_is_known(store: Store) -> None:
    claim = await begin(store)
    note = Attachment(name="a.txt", media_type="text/plain", size=1, reference="ref")
    later = replace(message("wait"), sampling=Sampling(seed=3), attachments=(note,))
    await store.accept([later])

    def upgrade(connection: sa.Connection) -> int:
        more = """replace(replace(payload, '"seed":3', '"seed":3,"speed":9'), '"ref"]', '"ref","more"]')"""
        return connection.exec_driver_sql(f"UPDATE inbox SET payload = {more} WHERE payload <> {more}").rowcount

    assert await store.write(upgrade) == 1
    await answer(store, claim)
    following = await store.claim_next()
    assert following
    assert following.message == later


async def test_what_no_database_can_hold_is_replaced(store: Store) -> None:
    first = (await store.accept([message("a\x00b\ud800c", event="e\x00")]))[0]
    assert first.record.text == "a\ufffdb\ufffdc"  # type: ignore[union-attr]
    assert first.claim
    assert first.claim.message == first.record
    assert [text.text for _, text in await store.open_messages(place().key)] == ["a\ufffdb\ufffdc"]
    assert (await store.accept([message("again", event="e\x00")]))[0].receipt.duplicate


async def test_a_reply_with_such_text_is_committed_too(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, "x\x00y\udc00", parts=1, release=True))
    reply = await store.reply(claim.turn)
    assert reply
    assert reply.text == "x\ufffdy\ufffd"
    assert await store.trace(claim.turn) == {"prompt": ["x\ufffdy\ufffd"]}


async def test_accepts_at_the_same_time_each_get_their_own_receipt(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(say(store, f"m{n}", chat=f"chat{n % 7}")) for n in range(70)]
    accepted = [task.result() for task in tasks]
    assert len({item.receipt.id for item in accepted}) == 70
    assert sum(item.claim is not None for item in accepted) == 7


async def test_an_unusable_delivery_is_kept_once_and_can_be_dropped(store: Store) -> None:
    for _ in range(2):
        await store.dead_letter(channel="slack", account="", event_id="x", payload="{\x00", reason="no text")
    (letter,) = await store.dead_letters()
    assert (letter.kind, letter.payload, letter.reason) == ("raw", "{\ufffd", "no text")
    assert not await store.retry_dead(letter.id)
    assert await store.drop_dead(letter.id)
    assert await store.dead_letters() == []
    await store.dead_letter(channel="slack", account="", event_id="x", payload="{", reason="no text")
    assert await store.dead_letters() == []


@pytest.mark.parametrize("chats", [1, 3])
async def test_counts_say_what_is_open(store: Store, chats: int) -> None:
    for n in range(chats):
        await begin(store, chat=f"c{n}")
        await say(store, chat=f"c{n}")
    counts = await store.counts()
    assert (counts["running"], counts["waiting"], counts["dead"]) == (chats, chats, 0)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL plans by what it has counted
async def test_counting_reads_what_is_open_and_nothing_that_has_ended(store: Store) -> None:
    def plans(connection: sa.Connection) -> list[str]:
        asked: list[str] = []
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(asked.append)
        upkeep.counts(connection)
        driver.set_trace_callback(None)
        return [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()) for query in asked]

    for plan in await store.read(plans):
        assert "SCAN" not in plan.replace("SCAN inbox USING INDEX ix_inbox_dead", ""), plan
