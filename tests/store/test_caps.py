"""How much of one person may wait, wherever they write; nobody else pays for it."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from botcore.messages import Message, Person, Sampling
from botcore.store import Accepted, Store, who
from tests.store.kit import ANN, begin, control, message, place, say

BOB = Person(id="bob", name="Bob")


async def take(store: Store, *messages: Message, most: int = 2, held: int = 0) -> list[Accepted]:
    """Accepted while this process works on ``held`` conversations for Ann."""
    ann = who(message())
    assert ann
    return await store.accept(messages, waiting_per_person=most, held={ann: held} if held else {})


def states(accepted: list[Accepted]) -> list[str]:
    return [one.full or ("running" if one.claim else "waiting") for one in accepted]


async def test_a_person_fills_their_own_share_before_that_of_the_chat(store: Store) -> None:
    accepted = await take(store, *[message() for _ in range(5)])
    assert states(accepted) == ["running", "waiting", "waiting", "person", "person"]


async def test_waiting_is_counted_over_all_chats_of_a_person(store: Store) -> None:
    await begin(store, chat="c1")
    await begin(store, chat="c2")
    accepted = [*await take(store, message(chat="c1")), *await take(store, message(chat="c2"), message(chat="c1"))]
    assert states(accepted) == ["waiting", "person", "waiting"]  # those of one delivery in the order of their chats


async def test_many_new_chats_at_once_are_one_person_too(store: Store) -> None:
    accepted = await take(store, *[message(chat=f"c{n}") for n in range(5)])
    assert states(accepted) == ["running", "running", "running", "person", "person"]


async def test_what_this_process_runs_for_a_person_counts(store: Store) -> None:
    assert states(await take(store, message(chat="c1"), held=2)) == ["running"]
    assert states(await take(store, message(chat="c2"), held=3)) == ["person"]
    assert await store.conversations("telegram", "ann") == [("c1", "hi", store._clock.now())]


async def test_another_person_and_another_account_are_not_meant(store: Store) -> None:
    await begin(store, chat="group")
    other = message(chat="group")
    accepted = await take(
        store,
        *[message(chat="group") for _ in range(3)],
        message(chat="group", person=BOB),
        replace(other, conversation=replace(other.conversation, account="second bot")),
    )
    assert states(accepted) == ["waiting", "waiting", "person", "waiting", "running"]


async def test_a_chat_is_full_for_everybody(store: Store) -> None:
    await begin(store)
    people = [message(person=Person(id=name)) for name in "abc"]
    accepted = await store.accept(people, waiting_per_chat=2, waiting_per_person=5)
    assert states(accepted) == ["waiting", "waiting", "chat"]


async def test_requests_that_bring_their_whole_context_are_of_nobody_in_particular(store: Store) -> None:
    requests = [replace(message(chat=f"r{n}"), sampling=Sampling()) for n in range(9)]
    assert states(await take(store, *requests)) == ["running"] * 9


async def test_a_duplicate_is_no_further_message_however_full_it_is(store: Store) -> None:
    first, *_ = await take(store, *[message(event=f"d{n}") for n in range(3)])
    again, rejected = await take(store, message(event="d0"), message(event="d9"), held=9)
    assert (again.receipt.duplicate, again.receipt.id, again.full) == (True, first.receipt.id, "")
    assert rejected.full == "person"


async def test_orders_come_through_whatever_waits(store: Store) -> None:
    await take(store, *[message() for _ in range(5)])
    assert (await store.accept([control("stop")], waiting_per_person=2))[0].stops == place().key


async def test_the_row_says_who_wrote_it_and_why_it_was_rejected(store: Store) -> None:
    await take(store, *[message() for _ in range(4)])
    await say(store, chat="c2")

    def rows(connection: sa.Connection) -> list[tuple[str, str, str]]:
        found = connection.exec_driver_sql("SELECT person, state, reason FROM inbox ORDER BY id")
        return [tuple(row) for row in found]

    assert await store.read(rows) == [
        (ANN.id, "running", ""),
        (ANN.id, "waiting", ""),
        (ANN.id, "waiting", ""),
        (ANN.id, "rejected", "person"),
        (ANN.id, "running", ""),
    ]


async def test_what_waits_in_all_is_counted_so_far_and_no_further(store: Store) -> None:
    for chat in ("c1", "c2"):
        await begin(store, chat=chat)
        await store.accept([message(chat=chat) for _ in range(3)])
    assert [await store.waiting(most) for most in (3, 6, 100)] == [3, 6, 6]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL plans by what it has counted
async def test_counting_what_waits_reads_nothing_but_what_waits(store: Store) -> None:
    def plan(connection: sa.Connection) -> str:
        counted = "SELECT count(*) FROM (SELECT person FROM inbox WHERE state = 'waiting' LIMIT 9 OFFSET 0)"
        return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {counted}").all())

    assert "USING INDEX ix_inbox_waiting" in await store.read(plan)


async def test_who_waits_is_counted_in_some_channels_or_in_all(store: Store) -> None:
    await begin(store)
    await say(store)
    places = (None, ("telegram", "web"), ("web",), ())
    assert [await store.waiting(9, channels=channels) for channels in places] == [1, 1, 0, 0]
