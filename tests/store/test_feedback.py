"""Feedback: bound to the exact reply, whichever way and whenever it comes."""

from dataclasses import replace
from typing import Literal

import pytest

from botcore.messages import Feedback, Person
from botcore.store import Handover, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import begin, feedback, part, place, send_one

BOB = Person(id="bob")
KEY = place().key


async def tell(store: Store, record: Feedback) -> Feedback | None:
    return (await store.accept([record]))[0].feedback


async def carried(store: Store, platform_id: str = "p1") -> str:
    """The id of a turn whose reply is on the platform."""
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.sent(claim, row.part.id, platform_id, release=Handover())
    return claim.turn


async def test_by_the_replys_id(store: Store) -> None:
    turn = await carried(store)
    record = feedback(1, reply=turn)
    assert await tell(store, record) == record
    assert await store.feedback_for(turn) == [record]


async def test_by_the_platforms_id(store: Store) -> None:
    turn = await carried(store)
    known = await tell(store, feedback(-1, platform_id="p1"))
    assert known
    assert (known.reply, known.value) == (turn, -1)
    assert await store.feedback_for(turn) == [known]


async def test_before_the_platforms_id_is_known_it_waits(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    assert await tell(store, feedback(1, platform_id="p1")) is None
    assert await store.feedback_for(claim.turn) == []
    matched = await store.sent(claim, row.part.id, "p1")
    assert [(item.reply, item.value, item.person.id) for item in matched] == [(claim.turn, 1, "ann")]
    assert await store.feedback_for(claim.turn) == matched
    assert await store.sent(claim, row.part.id, "p1") == []


async def test_one_of_a_placeholder_waits_until_its_reply_is_there(store: Store) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim, text="…"))
    await tell(store, feedback(-1, platform_id="p1", person=BOB))
    assert await store.sent(claim, f"{claim.turn}.0", "p1") == []
    assert await tell(store, feedback(1, platform_id="p1")) is None
    await send_one(store, claim)
    matched = await store.sent(claim, f"{claim.turn}.0", "p1")
    assert {(item.reply, item.value, item.person.id) for item in matched} == {
        (claim.turn, -1, "bob"),
        (claim.turn, 1, "ann"),
    }


@pytest.mark.parametrize("later", [0, -1])
async def test_one_of_a_placeholder_counts_no_more_where_its_author_has_thought_better_of_it(
    store: Store, later: Literal[-1, 0]
) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim, text="…"))
    await store.sent(claim, f"{claim.turn}.0", "p1")
    await tell(store, feedback(1, platform_id="p1"))
    await send_one(store, claim)
    assert await tell(store, feedback(later, platform_id="p1"))
    assert await store.sent(claim, f"{claim.turn}.0", "p1") == []
    assert [item.value for item in await store.feedback_for(claim.turn)] == ([later] if later else [])


async def test_one_that_waits_can_be_taken_back(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await tell(store, feedback(1, platform_id="p1"))
    assert await tell(store, feedback(0, platform_id="p1")) is None
    assert await store.sent(claim, row.part.id, "p1") == []


async def test_the_last_one_of_a_person_counts(store: Store, clock: ManualClock) -> None:
    turn = await carried(store)
    await tell(store, feedback(1, platform_id="p1"))
    await clock.advance(1)
    await tell(store, feedback(-1, reply=turn, comment="wrong"))
    await tell(store, feedback(1, reply=turn, person=BOB))
    assert [(item.person.id, item.value, item.comment) for item in await store.feedback_for(turn)] == [
        ("ann", -1, "wrong"),
        ("bob", 1, ""),
    ]


async def test_taken_back_is_gone_and_told(store: Store) -> None:
    turn = await carried(store)
    await tell(store, feedback(1, reply=turn))
    gone = await tell(store, feedback(0, platform_id="p1"))
    assert gone
    assert (gone.reply, gone.value) == (turn, 0)
    assert await store.feedback_for(turn) == []


async def test_what_one_takes_back_leaves_what_others_say_and_what_they_said_elsewhere(store: Store) -> None:
    first, second = await carried(store, "p1"), await carried(store, "p2")
    await tell(store, feedback(1, reply=first))
    await tell(store, theirs := feedback(-1, reply=first, person=BOB))
    await tell(store, elsewhere := feedback(1, reply=second))
    await tell(store, feedback(0, reply=first))
    assert await store.feedback_for(first) == [theirs]
    assert await store.feedback_for(second) == [elsewhere]


async def test_when_it_was_said_is_known_however_late_its_reply_is(store: Store, clock: ManualClock) -> None:
    said = clock.now()
    claim = await begin(store)
    row = await send_one(store, claim)
    await tell(store, feedback(1, platform_id="p1"))
    await clock.advance(60)
    (matched,) = await store.sent(claim, row.part.id, "p1")
    (_, _, found) = (await store.feedback_since(0))[0]
    assert (matched.at, found.at) == (said, said)
    changed = await tell(store, feedback(-1, reply=claim.turn))
    assert changed
    assert changed.at == said + 60


async def test_only_a_comment_is_kept(store: Store) -> None:
    turn = await carried(store)
    await tell(store, feedback(0, reply=turn, comment="why?"))
    assert [item.comment for item in await store.feedback_for(turn)] == ["why?"]


async def test_the_same_delivery_twice_is_one(store: Store) -> None:
    turn = await carried(store)
    record = feedback(1, reply=turn)
    await tell(store, record)
    assert (await store.accept([record]))[0].receipt.duplicate
    assert len(await store.feedback_for(turn)) == 1


async def test_an_early_one_does_not_overwrite_a_later_one(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await tell(store, feedback(1, platform_id="p1"))
    await clock.advance(1)
    await tell(store, feedback(-1, reply=claim.turn))
    await store.sent(claim, row.part.id, "p1")
    assert [item.value for item in await store.feedback_for(claim.turn)] == [-1]


async def test_another_chat_with_the_same_message_id_is_another_reply(store: Store) -> None:
    claim = await begin(store, chat="c2")
    row = await send_one(store, claim)
    await store.sent(claim, row.part.id, "p1", release=Handover())
    assert await tell(store, feedback(1, platform_id="p1")) is None
    assert await store.feedback_for(claim.turn) == []


async def test_nobody_judges_a_reply_that_is_not_there(store: Store) -> None:
    assert await tell(store, feedback(1, reply="unknown")) is None


async def test_history_shows_the_readers_own(store: Store) -> None:
    turn = await carried(store)
    value: Literal[-1, 1]
    for person, value in (("ann", 1), ("bob", -1)):
        await tell(store, feedback(value, reply=turn, person=Person(id=person)))
    assert [entry.feedback for entry in await store.history(KEY, reader="bob")] == [0, -1]
    assert [entry.feedback for entry in await store.history(KEY, reader="ann")] == [0, 1]
    assert [entry.feedback for entry in await store.history(KEY)] == [0, 0]


async def test_reasons_and_correction_survive(store: Store) -> None:
    turn = await carried(store)
    record = Feedback(
        event_id="f", conversation=place(), person=BOB, reply=turn, value=-1, reasons=("wrong", "rude"), correction="42"
    )
    await tell(store, record)
    assert await store.feedback_for(turn) == [record]


async def test_one_of_the_same_value_adds_to_what_was_said(store: Store, clock: ManualClock) -> None:
    turn = await carried(store)
    thumb = feedback(-1, reply=turn, person=BOB)
    await tell(store, replace(thumb, event_id="f1", reasons=("wrong",)))
    await clock.advance(1)
    told = await tell(store, replace(thumb, event_id="f2", comment="it is 42"))
    assert told
    assert (told.value, told.reasons, told.comment) == (-1, ("wrong",), "it is 42")
    assert await store.feedback_for(turn) == [told]


async def test_another_value_takes_the_place_of_all(store: Store, clock: ManualClock) -> None:
    turn = await carried(store)
    await tell(store, feedback(-1, reply=turn, comment="it is 42"))
    await clock.advance(1)
    told = await tell(store, feedback(1, reply=turn))
    assert told
    assert (told.value, told.comment) == (1, "")


async def test_what_was_said_before_the_reply_was_known_adds_up_too(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await tell(store, feedback(-1, platform_id="p1", comment="no"))
    await clock.advance(1)
    await tell(store, replace(feedback(-1, platform_id="p1"), reasons=("wrong",)))
    [told] = await store.sent(claim, row.part.id, "p1")
    assert (told.reply, told.reasons, told.comment) == (claim.turn, ("wrong",), "no")


async def test_verdicts_are_read_in_the_order_in_which_they_were_given(store: Store, clock: ManualClock) -> None:
    turn, start = await carried(store), clock.now()
    for seconds, person in ((0, "ann"), (0, "bob"), (5, "cem")):
        await clock.advance(seconds)
        await tell(store, feedback(1, reply=turn, person=Person(id=person)))
    await clock.advance(1)
    await tell(store, feedback(-1, reply=turn))  # ann again: hers is the newest now
    await tell(store, feedback(1, platform_id="nobody knows"))

    def names(page: list[tuple[float, int, Feedback]]) -> list[str]:
        return [one.person.id for _, _, one in page]

    first = await store.feedback_since(start, limit=2)
    assert names(first) == ["bob", "cem"]
    at, row, _ = first[-1]
    assert names(await store.feedback_since(at, row)) == ["ann"]
    assert names(await store.feedback_since(start + 6)) == ["ann"]
