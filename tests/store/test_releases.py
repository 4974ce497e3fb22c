"""Conversations that are given back: what waits there, and when it is looked at again."""

from botcore.store import Store
from botcore.testing.clock import ManualClock
from tests.store.kit import begin, end, send_one


async def test_an_aborted_turn_goes_back_as_if_it_had_not_begun(store: Store) -> None:
    claim = await begin(store)
    await store.requeue(claim)
    again = await store.claim_next()
    assert again
    assert (again.message_id, again.attempts, again.turn) == (claim.message_id, 1, claim.turn)


async def test_an_aborted_turn_that_was_committed_already_keeps_its_outcome(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim))
    await store.requeue(claim)
    assert (await store.outcome(claim.message_id))[0] == "answered"
    assert await store.claim_next() is None


async def test_requeue_with_a_delay_waits(store: Store, clock: ManualClock) -> None:
    await store.requeue(await begin(store), delay_s=5)
    await clock.advance(4)
    assert await store.claim_next() is None
    await clock.advance(1)
    assert await store.claim_next()


async def test_a_released_message_that_has_no_outcome_counts_its_attempt(store: Store) -> None:
    claim = await begin(store)
    await store.release(claim)
    again = await store.claim_next()
    assert again
    assert (again.attempts, again.suspect) == (2, False)


async def test_a_part_told_to_wait_does_not_wake_its_conversation_before(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.unsent(claim, row.part.id, not_before=clock.now() + 60)
    await store.release(claim)
    await clock.advance(59)
    assert await store.claim_next() is None
    await clock.advance(1)
    taken = await store.claim_next()
    assert taken
    assert taken.parts[0].not_before == clock.now()
