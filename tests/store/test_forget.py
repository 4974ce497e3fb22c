"""Forgetting leaves nothing, in no table, and disturbs nobody else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.errors import LeaseLost
from botcore.messages import Citation, Conversation, Feedback, Forgotten, Message, Person, Reply
from botcore.ports import Part
from botcore.store import Claim, Handover, Store, TurnEnd, people
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, control, end, message, part, place, say

CANARY = "c4n4ry"
Find = Callable[[sa.Connection, str, str], Any]
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


# ------------------------------------------------------------------ a person

ELSE = Person(id="ben", name="Ben")


async def says(store: Store, who: Person, text: str, where: Conversation, *, words: str, prompt: str) -> str:
    """One exchange, sent; the turn's id."""
    said = Message(event_id=words[-4:], conversation=where, person=who, text=text, platform_id=text[:5])
    claim = (await store.accept([said]))[0].claim
    assert claim
    reply = Reply(id=claim.turn, conversation=where, text=words, reason="", model="base")
    parts = [Part(id=f"{claim.turn}.0", turn=claim.turn, number=0, conversation=where, text=words)]
    await store.commit_turn(claim, TurnEnd(reply=reply, parts=parts, sending=1, trace={"prompt": prompt}))
    await store.sent(claim, f"{claim.turn}.0", f"sent {text[:5]}", release=Handover())
    return claim.turn


async def test_a_person_is_gone_from_every_table_and_a_group_keeps_its_order(store: Store) -> None:
    group = Conversation(channel="telegram", account="bot", chat="group", private=False)
    await live(store)
    await says(store, ELSE, "before", group, words="one", prompt="")
    turn = await says(store, WHO, f"a word: {CANARY}", group, words=f"I heard {CANARY}, yes", prompt=CANARY)
    await says(store, ELSE, "after", group, words="three", prompt=CANARY)
    judged = Feedback(event_id="by ben", conversation=group, person=ELSE, value=-1, reply=turn, comment=f"not {CANARY}")
    own = Feedback(event_id="own", conversation=group, person=WHO, value=1, reply=turn)
    waits = Message(event_id="waits", conversation=group, person=WHO, text=f"and {CANARY}")
    busy = await says_and_holds(store, group)
    await store.accept([judged, own, waits])
    assert (await store.kept_of("telegram", CANARY))["waiting"] == 3
    await store.forget_person("telegram", CANARY)
    assert await rows_with(store, CANARY) == {}
    await answer(store, busy, "four")
    told = [entry.text for entry in await store.history(group.key)]
    assert told == ["before", "one", "", "", "after", "three", "held", "four"]
    assert set((await store.kept_of("telegram", CANARY)).values()) == {0}


async def test_what_others_had_answered_again_goes_with_who_said_it(store: Store) -> None:
    group = Conversation(channel="telegram", account="bot", chat="group", private=False)
    turn = await says(store, WHO, f"a word: {CANARY}", group, words="one", prompt="")
    for number in range(2):
        again = Message(event_id=f"again {number}", conversation=group, person=ELSE, text="/again")
        claim = (await store.accept([again]))[0].claim
        assert claim
        reply = Reply(id=claim.turn, conversation=group, text=f"I heard {CANARY}", reason="", model="base", again=turn)
        repeated = replace(again, text=f"a word: {CANARY}")
        await store.commit_turn(claim, TurnEnd(reply=reply, parts=(), release=True, message=repeated))
    await says(store, ELSE, "my own", group, words="two", prompt="")
    await store.forget_person("telegram", CANARY)
    assert await rows_with(store, CANARY) == {}
    assert [entry.text for entry in await store.history(group.key)] == ["", "", "", "", "", "", "my own", "two"]


async def says_and_holds(store: Store, where: Conversation) -> Claim:
    claim = (await store.accept([Message(event_id="held", conversation=where, person=ELSE, text="held")]))[0].claim
    assert claim
    return claim


async def test_what_a_person_has_running_in_a_group_adds_nothing(store: Store) -> None:
    group = Conversation(channel="telegram", account="bot", chat="group", private=False)
    said = Message(event_id="e", conversation=group, person=WHO, text=CANARY)
    claim = (await store.accept([said]))[0].claim
    assert claim
    await store.forget_person("telegram", CANARY)
    with pytest.raises(LeaseLost):
        await store.commit_turn(claim, end(claim, CANARY))
    await store.release(claim)
    assert await rows_with(store, CANARY) == {}
    assert (await store.accept([Message(event_id="f", conversation=group, person=ELSE, text="hi")]))[0].claim


async def test_dead_letters_and_messages_of_before_the_column_go_too(store: Store) -> None:
    claim = (await store.accept([canary("one")]))[0].claim
    assert claim
    for _ in range(3):
        assert claim
        await store.failed_run(claim, f"it said {CANARY}")
        claim = await store.claim_next()
    group = "UPDATE inbox SET conversation = 'elsewhere', person = '', event_id = 'x'"
    await store.write(lambda connection: connection.exec_driver_sql(group).rowcount)
    assert (await store.dead_letters())[0].payload
    await store.forget_person("telegram", CANARY)
    assert await rows_with(store, CANARY) == {}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # PostgreSQL plans by what it has counted
@pytest.mark.parametrize("find", [people.repeats, people.turns, people.traces])
async def test_who_is_looked_for_among_turns_is_looked_for_once_from_end_to_end(store: Store, find: Find) -> None:
    def plan(connection: sa.Connection) -> list[str]:
        asked: list[str] = []
        driver: Any = connection.connection.dbapi_connection
        driver.set_trace_callback(asked.append)
        find(connection, "telegram", CANARY)
        driver.set_trace_callback(None)
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}")]

    first, *others = await store.read(plan)
    assert first == "SCAN turn"
    assert not [step for step in others if step.startswith("SCAN")]


async def test_a_delivery_that_nobody_could_read_goes_where_it_names_the_person(store: Store) -> None:
    for event, who in (("theirs", CANARY), ("another's", f"{CANARY}2")):
        payload, reason = f'{{"from": {{"id": "{who}"}}, "text": []}}', f"the text of {who} is not a string"
        await store.dead_letter(channel="telegram", account="bot", event_id=event, payload=payload, reason=reason)
    await store.forget_person("telegram", CANARY)
    assert [letter.event_id for letter in await store.dead_letters()] == ["another's"]
    assert await rows_with(store, f"{CANARY} ") == {}


async def test_a_letter_that_is_dropped_takes_along_why_it_was_one(store: Store) -> None:
    await store.dead_letter(channel="telegram", account="bot", event_id="x", payload="[]", reason=f"no text: {CANARY}")
    (letter,) = await store.dead_letters()
    assert await store.drop_dead(letter.id)
    assert await rows_with(store, CANARY) == {}


async def test_a_person_of_another_channel_with_the_same_id_stays(store: Store) -> None:
    await live(store)
    await store.forget_person("slack", CANARY)
    assert set(await rows_with(store, CANARY)) == {"conversation", "inbox", "turn", "outbox", "feedback"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # a server's files are its own
async def test_deleted_text_is_not_left_in_the_file(make_store: OpenStore) -> None:
    async with make_store() as store:
        await live(store)
        await store.forget_person("telegram", CANARY)
        file = store._file
    assert file
    assert not any(CANARY.encode() in one.read_bytes() for one in file.parent.iterdir())


async def test_who_was_forgotten_by_all_leaves_the_others_on_the_list(store: Store) -> None:
    whom = [Forgotten(channel="telegram", person=person) for person in ("ann", "bob")]
    first, second = [await store.note_forgotten(one) for one in whom]
    await store.forgotten_by_all(first)
    assert await store.forgotten() == [(second, whom[1])]


async def test_in_a_group_what_was_answered_stays_answered_when_its_author_is_forgotten(store: Store) -> None:
    (said,) = await store.accept([message(private=False)])
    assert said.claim
    await answer(store, said.claim)
    await store.forget_person("telegram", "ann")
    assert (await store.outcome(said.receipt.id))[0] == "answered"
