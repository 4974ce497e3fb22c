"""Whatever is done in one conversation leaves every row of all others as it was."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.messages import Message, Person
from botcore.store import Accepted, Claim, Handover, OutboxRow, Store
from botcore.store.tables import metadata
from botcore.testing.clock import ManualClock
from tests.store.kit import begin, control, end, feedback, message, part, place, say, send_one

HERE = place().key
BOB = Person(id="bob", name="Bob")


def of_bob(chat: str, channel: str, number: int) -> Message:
    """By somebody else: in another chat of the platform, or under the very same ids on another one."""
    said = message(chat=chat, platform_id=f"p{number}", person=BOB)
    return replace(said, conversation=place(chat, channel=channel))


async def lived_in(store: Store, chat: str, channel: str) -> None:
    """A conversation that is claimed for long, with messages, parts and verdicts in every state."""
    said = [of_bob(chat, channel, number) for number in range(6)]
    (first, *_) = await store.accept(said[:4], lease_s=1e6)
    claim = first.claim
    assert claim
    rows = await store.commit_turn(claim, end(claim, parts=4, sending=3))
    await store.sent(claim, rows[0].part.id, "sent 1")
    await store.uncertain(claim, rows[1].part.id)
    await store.accept([said[4]], waiting_per_chat=0)
    await store.dead_letter(channel=channel, account="bot", event_id=chat, payload="{", reason="no text")
    for verdict in (feedback(1, reply=claim.turn, person=BOB), feedback(-1, platform_id="sent 2", person=BOB)):
        await store.accept([replace(verdict, conversation=claim.conversation)])
    dead, runs = said[2].event_id, said[3].event_id
    await store.write(_turn, f"UPDATE inbox SET state = 'dead', deaths = 2, attempts = 3 WHERE event_id = '{dead}'")
    await store.write(_turn, f"UPDATE inbox SET state = 'running', deaths = 1 WHERE event_id = '{runs}'")


def _turn(connection: sa.Connection, update: str) -> None:
    assert connection.exec_driver_sql(update).rowcount == 1


async def idle(store: Store) -> None:
    """A conversation of which everything is done."""
    claim = (await store.accept([of_bob("idle", "telegram", 1)]))[0].claim
    assert claim
    await store.commit_turn(claim, end(claim, release=True))


def elsewhere(connection: sa.Connection) -> dict[str, list[Any]]:
    """Every row that is not of the conversation in which something is done."""
    found = {table.name: connection.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    return {name: [tuple(row) for row in rows if HERE not in row] for name, rows in found.items()}


# ------------------------------------------------------------------ what can be done in one conversation


async def one(store: Store, record: Any, **more: Any) -> Accepted:
    return (await store.accept([record], **more))[0]


async def sending(store: Store) -> tuple[Claim, OutboxRow]:
    claim = await begin(store, platform_id="p1")
    return claim, await send_one(store, claim)


async def taken(store: Store) -> Claim:
    (claim,) = await store.claim_some(1, channels=("telegram",))
    return claim


async def is_delivered_twice(store: Store) -> None:
    said = message(event="same")
    claim = (await one(store, said)).claim
    assert claim
    await store.commit_turn(claim, end(claim, release=True))
    assert (await one(store, said)).receipt.duplicate
    assert (await one(store, message(event="same", chat="never seen"))).receipt.duplicate


async def comes_again_after_it_was_rejected(store: Store) -> None:
    await begin(store)
    said = message()
    assert (await one(store, said, waiting_per_chat=0)).full
    assert not (await one(store, said)).full


async def is_stopped(store: Store) -> None:
    await begin(store)
    await say(store)
    assert (await one(store, control("stop"))).stops == HERE


async def is_edited(store: Store) -> None:
    await begin(store, platform_id="p1")
    await say(store, platform_id="p2")
    for target in ("p1", "p2"):
        await one(store, control("edit", target=target, text="new"))


async def is_deleted(store: Store) -> None:
    await begin(store, platform_id="p1")
    await say(store, platform_id="p2")
    for target in ("p1", "p2"):
        await one(store, control("delete", target=target))


async def starts_over(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, start_over=True, release=True))


async def is_sent(store: Store) -> None:
    claim = await begin(store)
    anchor = await store.begin_anchor(claim, part(claim))
    await store.sent(claim, anchor.part.id, "sent 1")
    (row, _) = await store.commit_turn(claim, end(claim, parts=2))
    await store.begin_sending(claim, row.part.id)
    await store.displaced(claim, row.part.id)
    await store.begin_sending(claim, row.part.id)
    await store.unsent(claim, row.part.id, not_before=0)
    await store.begin_sending(claim, row.part.id)
    await store.uncertain(claim, row.part.id)
    await store.resending(claim, row.part.id)
    await store.sent(claim, row.part.id, "sent 1", release=Handover())


async def cannot_be_sent(store: Store) -> None:
    claim, row = await sending(store)
    await store.failed(claim, row.part.id, "blocked", release=True)


async def goes_on(store: Store) -> None:
    claim, row = await sending(store)
    await say(store)
    going_on = Handover(lease_s=lambda: 30.0)
    await store.sent(claim, row.part.id, "sent 1", release=going_on)
    assert going_on.claim


async def is_put_back(store: Store) -> None:
    await store.requeue(await begin(store))
    await store.requeue(await taken(store), delay_s=1)


async def is_let_go(store: Store) -> None:
    claim = await begin(store)
    await store.let_go(claim.conversation.key, claim.epoch)


async def is_taken_over_in_the_middle_of_a_send(store: Store) -> None:
    claim, _ = await sending(store)
    await store.release(claim)
    assert [row.state for row in (await taken(store)).parts] == ["uncertain"]


async def fails_until_it_is_set_aside(store: Store) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim))
    for _ in range(3):
        await store.failed_run(claim, "a trace")
        claim = await taken(store)
    assert claim.buried
    await store.absolve(claim)
    await store.commit_turn(claim, end(claim, outcome="failed", release=True))
    (letter, *_) = [letter.id for letter in await store.dead_letters() if letter.conversation == HERE]
    assert await store.retry_dead(letter)
    await store.write(_turn, f"UPDATE inbox SET state = 'dead' WHERE id = {letter}")
    assert await store.drop_dead(letter)


async def sees_its_process_die(store: Store, other: Store, clock: ManualClock) -> None:
    await begin(other)
    await clock.advance(31)
    claim = await taken(store)
    assert claim.suspect
    await store.begin_trial(claim)
    await store.acquit(claim)
    await store.absolve(claim)


async def is_judged(store: Store) -> None:
    claim, row = await sending(store)
    early, known = feedback(1, platform_id="sent 2"), feedback(1, reply=claim.turn)
    await one(store, early)
    assert await store.sent(claim, row.part.id, "sent 2")
    await one(store, known)
    await one(store, replace(known, event_id="taken back", value=0))


async def is_forgotten(store: Store) -> None:
    claim, row = await sending(store)
    await store.sent(claim, row.part.id, "sent 1")
    await one(store, feedback(1, reply=claim.turn))
    await store.forget(HERE)


async def loses_its_person(store: Store) -> None:
    claim, _ = await sending(store)
    await one(store, feedback(1, reply=claim.turn))
    await store.forget_person("telegram", "ann")


async def loses_a_person_of_its_group(store: Store) -> None:
    said = message(private=False)
    claim = (await one(store, said)).claim
    assert claim
    await store.commit_turn(claim, end(claim, parts=1, release=True))
    await one(store, replace(feedback(1, reply=claim.turn), conversation=said.conversation))
    await one(store, message(private=False))
    await store.forget_person("telegram", "ann")


WHAT = [
    is_delivered_twice,
    comes_again_after_it_was_rejected,
    is_stopped,
    is_edited,
    is_deleted,
    starts_over,
    is_sent,
    cannot_be_sent,
    goes_on,
    is_put_back,
    is_let_go,
    is_taken_over_in_the_middle_of_a_send,
    fails_until_it_is_set_aside,
    is_judged,
    is_forgotten,
    loses_its_person,
    loses_a_person_of_its_group,
]


@pytest.mark.parametrize("happens", WHAT, ids=lambda what: what.__name__)
async def test_what_happens_in_one_conversation_changes_no_other(
    store: Store, happens: Callable[[Store], Awaitable[None]]
) -> None:
    await lived_in(store, "c1", "web")
    await lived_in(store, "c2", "telegram")
    await idle(store)
    before = await store.read(elsewhere)
    await happens(store)
    assert await store.read(elsewhere) == before


async def test_a_death_in_one_conversation_changes_no_other(store: Store, other: Store, clock: ManualClock) -> None:
    await lived_in(store, "c1", "web")
    await lived_in(store, "c2", "telegram")
    before = await store.read(elsewhere)
    await sees_its_process_die(store, other, clock)
    assert await store.read(elsewhere) == before
