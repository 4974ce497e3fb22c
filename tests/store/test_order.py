"""Which message of a conversation comes next."""

from typing import Literal

import pytest

from botcore.messages import Person
from botcore.store import Claim, Store
from botcore.store.poison import MAX_DEATHS
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, control, end, message, part, place


async def written(store: Store, *said: str, private: bool = False) -> None:
    """Messages as ``who: text``, in this order, in one chat."""
    await store.accept([message(text, person=Person(id=text.split(":")[0]), private=private) for text in said])


async def following(store: Store) -> Claim:
    claim = await store.claim_next()
    assert claim is not None
    assert claim.message is not None
    return claim


async def served(store: Store) -> list[str]:
    """What is answered in which order, to the end; the first was claimed on accept and its process has died."""
    order = list[str]()
    while claim := await store.claim_next():
        assert claim.message is not None
        order.append(claim.message.text)
        await store.commit_turn(claim, end(claim, release=True))
    return order


async def test_people_of_a_group_are_served_in_turn(store: Store, clock: ManualClock) -> None:
    await written(store, "ann: 1", "ann: 2", "ann: 3", "bob: 1", "cid: 1", "bob: 2")
    await clock.advance(31)
    assert await served(store) == ["ann: 1", "bob: 1", "cid: 1", "ann: 2", "bob: 2", "ann: 3"]


async def test_who_was_served_longest_ago_comes_before_who_wrote_first(store: Store, clock: ManualClock) -> None:
    await written(store, "ann: 1", "bob: 1")
    await clock.advance(31)
    assert await served(store) == ["ann: 1", "bob: 1"]
    await written(store, "cid: 1", "bob: 2", "ann: 2")
    await clock.advance(31)
    assert await served(store) == ["cid: 1", "ann: 2", "bob: 2"]


async def test_a_private_chat_keeps_its_order_whoever_writes(store: Store, clock: ManualClock) -> None:
    await written(store, "ann: 1", "ann: 2", "bob: 1", private=True)
    await clock.advance(31)
    assert await served(store) == ["ann: 1", "ann: 2", "bob: 1"]


async def test_what_was_begun_goes_on_before_anybody_else(store: Store, clock: ManualClock) -> None:
    await written(store, "ann: 1", "bob: 1")
    await clock.advance(31)
    claim = await following(store)
    await store.commit_turn(claim, end(claim, release=True))
    await written(store, "ann: 2")
    claim = await following(store)
    assert claim.message
    assert claim.message.text == "bob: 1"
    await store.begin_anchor(claim, part(claim))
    await store.requeue(claim)
    await written(store, "cid: 1")
    again = await following(store)
    assert again.message_id == claim.message_id
    await clock.advance(31)
    assert (await following(store)).message_id == claim.message_id


async def test_stopped_messages_end_before_new_ones_run(store: Store, clock: ManualClock) -> None:
    await written(store, "ann: 1", "ann: 2", "bob: 1")
    await store.accept([control("stop")])
    await written(store, "cid: 1")
    await clock.advance(31)
    stopped = list[tuple[str, bool]]()
    while claim := await store.claim_next():
        assert claim.message
        stopped.append((claim.message.text, claim.stopped))
        await store.commit_turn(claim, end(claim, release=True))
    assert stopped == [("ann: 1", True), ("bob: 1", True), ("ann: 2", True), ("cid: 1", False)]


async def test_an_edit_of_a_running_message_waits_for_its_authors_next_turn(store: Store, clock: ManualClock) -> None:
    first = message("ann: 1", person=Person(id="ann"), platform_id="p1", private=False)
    claim = (await store.accept([first]))[0].claim
    assert claim
    await written(store, "bob: 1")
    await store.accept([control("edit", target="p1", text="ann: 1, better")])
    await answer(store, claim)
    assert await served(store) == ["bob: 1", "ann: 1, better"]


@pytest.mark.parametrize("kind", ["edit", "delete"])
async def test_an_edit_or_deletion_of_what_runs_stops_no_older_message_of_somebody_else(
    store: Store, other: Store, clock: ManualClock, kind: Literal["edit", "delete"]
) -> None:
    await written(store, "ann: 1", "ann: 2")
    await store.accept([message("bob: 1", person=Person(id="bob"), platform_id="p1", private=False)])
    await clock.advance(31)
    await answer(store, await following(store))
    bob = await following(store)
    await other.accept([control(kind, target="p1", text="bob: 1, better")])
    assert await store.stopped() == [place().key]
    await store.requeue(bob)
    ended = list[tuple[str, bool]]()
    while claim := await store.claim_next():
        assert claim.message
        ended.append((claim.message.text, claim.stopped))
        await store.commit_turn(claim, end(claim, release=True))
    assert ended[:2] == [("bob: 1", True), ("ann: 2", False)]


async def test_a_message_that_keeps_failing_does_not_hold_up_the_others_in_its_group(
    store: Store, clock: ManualClock
) -> None:
    await written(store, "ann: poison", "bob: 1", "ann: 2")
    for _ in range(MAX_DEATHS):
        await clock.advance(31)
        store.owner += "'"  # another process, once more
        told = await following(store)
        if told.suspect:
            await store.begin_trial(told)
    assert told.buried
    await store.commit_turn(told, end(told, "", outcome="dead", release=True))
    assert await served(store) == ["bob: 1", "ann: 2"]
    assert (await store.counts())["dead"] == 1
    assert (await store.open_messages(place().key)) == []
