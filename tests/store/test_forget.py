"""Forgetting leaves nothing, in no table, and disturbs nobody else."""

import pytest
import sqlalchemy as sa

from botcore.errors import LeaseLost
from botcore.messages import Citation, Conversation, Feedback, Message, Person, Reply
from botcore.ports import Part
from botcore.store import Store, TurnEnd
from tests.store.kit import answer, begin, control, end, message, part, place, say

CANARY = "c4n4ry"
WHERE = Conversation(channel="telegram", account="bot", chat=CANARY)
WHO = Person(id=CANARY, name=CANARY)


def canary(event: str, *, platform_id: str = "") -> Message:
    return Message(
        event_id=f"{event}-{CANARY}",
        conversation=WHERE,
        person=WHO,
        text=f"my secret is {CANARY}",
        platform_id=platform_id,
    )


def judgement(event: str, **target: str) -> Feedback:
    return Feedback(event_id=f"{event}-{CANARY}", conversation=WHERE, person=WHO, value=1, comment=CANARY, **target)


async def live(store: Store) -> None:
    """A conversation that has used every table: turn, outbox, feedback matched and waiting, open messages, controls."""
    claim = (await store.accept([canary("one", platform_id="p1")]))[0].claim
    assert claim
    reply = Reply(
        id=claim.turn, conversation=WHERE, text=CANARY, citations=(Citation(number=1, title=CANARY),), reason=CANARY
    )
    sending = Part(id=f"{claim.turn}.0", turn=claim.turn, number=0, conversation=WHERE, text=CANARY)
    await store.commit_turn(claim, TurnEnd(reply=reply, parts=[sending], sending=1, trace={"prompt": CANARY}))
    await store.accept([judgement("f1", reply=claim.turn), judgement("f2", platform_id=f"early-{CANARY}")])
    await store.sent(claim, sending.id, f"sent-{CANARY}")
    await store.accept([canary("two"), control("stop", chat=CANARY), canary("three")])


async def rows_with(store: Store, text: str) -> dict[str, int]:
    """Table to number of rows that contain the text in any column."""

    def search(connection: sa.Connection) -> dict[str, int]:
        found = {}
        for table in sa.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()
            if hits := sum(text in repr(tuple(row)) for row in rows):
                found[table] = hits
        return found

    return await store.read(search)


async def test_forgetting_leaves_nothing(store: Store) -> None:
    await live(store)
    assert set(await rows_with(store, CANARY)) == {"conversation", "inbox", "turn", "outbox", "feedback"}
    await store.forget(WHERE.key)
    assert await rows_with(store, CANARY) == {}


async def test_others_are_left_alone(store: Store) -> None:
    await answer(store, await begin(store, "keep me"))
    await live(store)
    await store.forget(WHERE.key)
    assert [entry.text for entry in await store.history(place().key)] == ["keep me", "hello"]


async def test_a_running_turn_of_a_forgotten_conversation_adds_nothing(store: Store) -> None:
    claim = (await store.accept([canary("one")]))[0].claim
    assert claim
    await store.forget(WHERE.key)
    with pytest.raises(LeaseLost):
        await store.commit_turn(claim, end(claim, CANARY))
    assert await rows_with(store, CANARY) == {}


async def test_nor_does_it_when_the_conversation_has_come_back(store: Store) -> None:
    claim = (await store.accept([canary("one")]))[0].claim
    assert claim
    await store.forget(WHERE.key)
    new = (await store.accept([canary("two")]))[0].claim
    assert new
    with pytest.raises(LeaseLost):
        await store.commit_turn(claim, end(claim, "old"))
    with pytest.raises(LeaseLost):
        await store.begin_anchor(claim, part(claim))
    await answer(store, new, "new")
    assert [entry.text for entry in await store.history(WHERE.key)][1:] == ["new"]


async def test_more_than_a_slice_is_forgotten(store: Store) -> None:
    await begin(store)
    await store.accept([message(f"m{n}") for n in range(450)], waiting_per_chat=1000)
    await store.forget(place().key)
    assert await store.open_messages(place().key) == []
    assert (await say(store, "new")).claim


async def test_ids_do_not_come_back(store: Store) -> None:
    claim = await begin(store)
    await answer(store, claim)
    ((cursor, _),) = await store.turns()
    await store.forget(place().key)
    again = await begin(store)
    await answer(store, again)
    assert again.message_id > claim.message_id
    assert [number > cursor for number, _ in await store.turns(after=cursor)] == [True]
