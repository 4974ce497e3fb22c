"""Messages whose process died: the second fault or fourth death in a row makes a dead letter, and nobody else pays."""

from functools import partial

import pytest

from botcore.errors import LeaseLost
from botcore.store import Claim, Store
from botcore.store.poison import MAX_ATTEMPTS, MAX_RUNS
from botcore.store.seat import Former
from botcore.testing.clock import ManualClock
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, control, end, message, part, place, say

LEASE_S = 31


async def die(store: Store, clock: ManualClock, *, faulted: bool = True) -> Claim:
    """Whoever works now is gone, by a fault or by a kill; what the next process claims once the leases have run out."""
    await clock.advance(LEASE_S)
    store.former = Former(store.owner, faulted)
    store.owner += "'"
    claim = await store.claim_next()
    assert claim
    if claim.suspect:
        await store.begin_trial(claim)
    return claim


async def fail(store: Store, claim: Claim | None) -> Claim | None:
    assert claim
    await store.failed_run(claim, "it broke\n")
    return await store.claim_next()


async def bury(store: Store, clock: ManualClock) -> Claim:
    """A message that has killed its process twice, claimed to tell its author."""
    await begin(store, "poison")
    await die(store, clock)
    return await die(store, clock)


async def test_who_claims_its_own_again_is_alive_and_nothing_died(store: Store, clock: ManualClock) -> None:
    await begin(store)
    for attempt in range(2, MAX_RUNS + 1):
        await clock.advance(LEASE_S)
        claim = await store.claim_next()
        assert claim
        assert (claim.attempts, claim.suspect, claim.buried) == (attempt, False, "")


async def test_a_first_death_makes_a_suspect_that_is_tried_again(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    again = await die(store, clock)
    assert (again.message, again.turn, again.suspect, again.buried) == (claim.message, claim.turn, True, "")
    assert again.attempts == 2


async def test_a_second_death_makes_a_dead_letter_and_the_chat_goes_on(store: Store, clock: ManualClock) -> None:
    poison = await begin(store, "poison")
    await say(store, "next")
    await die(store, clock)
    told = await die(store, clock)
    assert (told.message_id, told.buried) == (poison.message_id, "the process died twice while working on this")
    assert await store.outcome(poison.message_id) == ("dead", None)
    await store.commit_turn(told, end(told, "", outcome="dead", release=True))
    claim = await store.claim_next()
    assert claim
    assert claim.message
    assert (claim.message.text, claim.suspect) == ("next", False)


async def test_whoever_is_killed_from_outside_accuses_nobody_until_the_fourth_time(
    store: Store, clock: ManualClock
) -> None:
    await begin(store, "an innocent")
    await die(store, clock, faulted=False)
    for _ in range(2):
        again = await die(store, clock, faulted=False)
        assert (again.suspect, again.buried) == (True, "")
    assert (await die(store, clock, faulted=False)).buried == "the process died 4 times while working on this"


async def test_the_letter_holds_payload_reason_and_trace(store: Store, clock: ManualClock) -> None:
    told = await bury(store, clock)
    (letter,) = await store.dead_letters()
    assert "poison" in letter.payload
    assert (letter.reason, letter.attempts, letter.deaths, letter.turn) == (told.buried, 2, 2, told.turn)
    first, second = letter.trace.splitlines()
    assert first == "2023-11-14 22:13:51Z attempt 1: process one was gone"
    assert second == "2023-11-14 22:14:22Z attempt 2: process one' was gone"


async def test_telling_the_author_leaves_the_letter_and_happens_once(store: Store, clock: ManualClock) -> None:
    told = await bury(store, clock)
    await store.commit_turn(told, end(told, "sorry", outcome="dead", parts=1, sending=1))
    ((number, state),) = [
        (row.part.number, row.state) for row in await store.commit_turn(told, end(told, "sorry", outcome="dead"))
    ]
    assert (number, state) == (0, "sending")
    outcome, reply = await store.outcome(told.message_id)
    assert (outcome, reply and reply.outcome) == ("dead", "dead")
    (letter,) = await store.dead_letters()
    assert (letter.reason, "poison" in letter.payload) == (told.buried, True)


async def test_a_death_while_the_author_is_told_is_no_reason_to_begin_again(store: Store, clock: ManualClock) -> None:
    await bury(store, clock)
    await clock.advance(LEASE_S)
    assert await store.claim_next() is None
    await begin(store, "the conversation is free again")


async def test_a_death_ends_what_its_turn_had_begun_to_send(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim, text="…"))
    await die(store, clock)
    told = await die(store, clock)
    assert told.anchor
    assert (told.anchor.state, (await store.counts())["uncertain"]) == ("failed", 0)


async def test_a_suspect_that_went_on_well_may_see_another_death(store: Store, clock: ManualClock) -> None:
    await begin(store)
    await store.acquit(await die(store, clock))
    again = await die(store, clock)
    assert (again.suspect, again.buried, again.attempts) == (True, "", 3)


async def test_what_dies_again_and_again_after_its_trial_is_given_up(store: Store, clock: ManualClock) -> None:
    await begin(store)
    for run in range(2, MAX_RUNS + 1):
        claim = await die(store, clock)
        assert (claim.attempts, claim.buried) == (run, "")
        await store.acquit(claim)
    assert (await die(store, clock)).buried == "gave up after 6 attempts without an outcome"


async def test_a_death_before_a_suspects_work_has_begun_says_nothing_about_it(store: Store, clock: ManualClock) -> None:
    await begin(store)
    for _ in range(5):
        await clock.advance(LEASE_S)
        store.former = Former(store.owner, faulted=True)
        store.owner += "'"
        claim = await store.claim_next()
        assert claim
        assert (claim.suspect, claim.buried, claim.attempts) == (True, "", 2)
    await store.begin_trial(claim)
    assert (await die(store, clock)).buried


async def test_a_suspect_whose_author_takes_it_back_is_stopped(store: Store, clock: ManualClock) -> None:
    first = message("never mind", platform_id="p1")
    await store.accept([first])
    await clock.advance(LEASE_S)
    store.owner += "'"
    claim = await store.claim_next()
    assert claim
    await store.accept([control("delete", target="p1")])
    assert await store.begin_trial(claim)
    await answer(store, claim)
    assert await store.claim_next() is None


async def test_a_suspect_whose_author_is_forgotten_is_not_begun(store: Store, clock: ManualClock) -> None:
    await store.accept([message("in a group", private=False)])
    await clock.advance(LEASE_S)
    store.owner += "'"
    claim = await store.claim_next()
    assert claim
    await store.forget_person("telegram", "ann")
    with pytest.raises(LeaseLost):
        await store.begin_trial(claim)


async def test_a_suspect_that_was_edited_begins_with_its_new_text(store: Store, clock: ManualClock) -> None:
    await store.accept([message("old", platform_id="p1")])
    await clock.advance(LEASE_S)
    store.owner += "'"
    claim = await store.claim_next()
    assert claim
    await store.accept([control("edit", target="p1", text="new")])
    with pytest.raises(LeaseLost):
        await store.begin_trial(claim)
    await store.requeue(claim)
    again = await store.claim_next()
    assert again
    assert again.message
    assert (again.message.text, again.suspect) == ("new", True)
    assert not await store.begin_trial(again)


async def test_a_suspect_that_was_put_back_stays_one(store: Store, clock: ManualClock) -> None:
    await begin(store)
    await store.requeue(await die(store, clock))
    again = await store.claim_next()
    assert again
    assert (again.suspect, again.buried, again.attempts) == (True, "", 2)


@pytest.mark.parametrize("how", ["release", "requeue", "failed_run"])
async def test_what_was_given_back_has_seen_no_death(store: Store, clock: ManualClock, how: str) -> None:
    claim = await begin(store)
    give_back = partial(store.failed_run, claim, "") if how == "failed_run" else partial(getattr(store, how), claim)
    await give_back()
    assert not (await die(store, clock)).suspect


async def test_three_errors_make_a_dead_letter_with_each_ones_trace(store: Store) -> None:
    claim: Claim | None = await begin(store)
    for _ in range(MAX_ATTEMPTS):
        claim = await fail(store, claim)
    assert claim
    assert claim.buried == "gave up after 3 attempts without an outcome"
    (letter,) = await store.dead_letters()
    assert (letter.trace, letter.attempts, letter.deaths) == ("it broke\n" * 3, 3, 0)


async def test_a_process_that_was_only_slow_says_so_and_no_death_is_counted(
    store: Store, other: Store, clock: ManualClock
) -> None:
    slow = await begin(store)
    taken = await die(other, clock)
    assert taken.suspect
    with pytest.raises(LeaseLost):
        await answer(store, slow)
    await store.absolve(slow)
    again = await die(store, clock)
    assert (again.suspect, again.buried) == (True, "")


async def test_what_was_buried_for_a_death_that_was_none_runs_again(
    store: Store, other: Store, clock: ManualClock
) -> None:
    await begin(store)
    slow = await die(store, clock)
    await die(other, clock)
    told = await die(other, clock)
    assert told.buried
    await answer(other, told)
    await store.absolve(slow)
    again = await other.claim_next()
    assert again
    assert (again.message, again.suspect, again.attempts) == (slow.message, False, 1)
    await answer(other, again)
    assert (await store.outcome(slow.message_id))[0] == "answered"


async def test_absolving_changes_nothing_for_what_has_ended(store: Store, other: Store, clock: ManualClock) -> None:
    slow = await begin(store)
    taken = await die(other, clock)
    await answer(other, taken)
    await store.absolve(slow)
    assert (await store.outcome(slow.message_id))[0] == "answered"


async def test_a_dead_message_runs_again_as_if_it_never_had(store: Store, clock: ManualClock) -> None:
    told = await bury(store, clock)
    await answer(store, told)
    assert await store.retry_dead(told.message_id)
    assert await store.dead_letters() == []
    again = await store.claim_next()
    assert again
    assert (again.message_id, again.attempts, again.suspect) == (told.message_id, 1, False)
    assert again.turn != told.turn
    await answer(store, again)
    assert (await store.outcome(told.message_id))[0] == "answered"


async def test_what_is_no_letter_is_neither_run_again_nor_emptied(store: Store) -> None:
    claim = await begin(store, "one")
    waiting = (await say(store, "two")).receipt.id
    await answer(store, claim)
    for message_id in (claim.message_id, waiting):
        assert not await store.retry_dead(message_id)
        assert not await store.drop_dead(message_id)
    following = await store.claim_next()
    assert following
    assert following.message
    assert (following.message_id, following.message.text) == (waiting, "two")


async def test_a_dead_message_that_runs_again_stops_no_other(store: Store) -> None:
    claim = await begin(store, "one")
    two = (await say(store, "two")).receipt.id
    await store.write(lambda c: c.exec_driver_sql("UPDATE inbox SET state = 'dead'").rowcount)
    await store.release(claim)
    for letter in (claim.message_id, two):
        assert await store.retry_dead(letter)
    again = await store.claim_next()
    assert again
    assert (again.message_id, again.stopped) == (claim.message_id, False)


async def test_a_dead_message_runs_again_although_its_chat_was_stopped_since(store: Store, clock: ManualClock) -> None:
    told = await bury(store, clock)
    await answer(store, told)
    await store.accept([control("stop")])
    assert await store.retry_dead(told.message_id)
    again = await store.claim_next()
    assert again
    assert (again.message_id, again.stopped) == (told.message_id, False)


async def test_a_dead_message_that_runs_again_takes_back_no_stop_of_others(store: Store, clock: ManualClock) -> None:
    told = await bury(store, clock)
    await answer(store, told)
    before = await begin(store, "before")
    await say(store, "stopped, too")
    await store.accept([control("stop")])
    assert await store.retry_dead(told.message_id)
    await store.release(before)
    stopped = list[bool]()
    while claim := await store.claim_next():
        stopped.append(claim.stopped)
        await answer(store, claim)
    assert stopped == [True, True, True]


async def test_a_restart_finds_the_suspects_of_the_one_before(make_store: OpenStore, clock: ManualClock) -> None:
    async with make_store("one") as first:
        await begin(first)
        sqlite = first.dialect == "sqlite"
    if not sqlite:
        await clock.advance(LEASE_S)
    async with make_store("two") as second:
        again = await second.claim_next()
    assert again
    assert (again.suspect, again.conversation) == (True, place())
