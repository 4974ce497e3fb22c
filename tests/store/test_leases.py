"""Leases: extended by who lives, and free where who held them is known to be dead."""

from botcore.store import Store, leases
from botcore.testing.clock import ManualClock
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, message, say


async def test_a_heartbeat_keeps_every_lease_of_its_owner_only(store: Store, other: Store, clock: ManualClock) -> None:
    await begin(store, chat="mine")
    theirs = (await other.accept([message(chat="theirs")]))[0].claim
    assert theirs
    await clock.advance(20)
    await store.heartbeat()
    await clock.advance(20)
    taken = await store.claim_next()
    assert taken
    assert taken.conversation.chat == "theirs"
    assert await other.claim_next() is None


async def test_after_the_clock_was_set_back_a_dead_owners_lease_lasts_two_more_and_a_living_ones_stays(
    store: Store, other: Store, clock: ManualClock
) -> None:
    await store.accept([message(chat="alive"), message(chat="dead")], lease_s=3600)  # as if it was an hour later
    await other.time_went_back()
    await clock.advance(59)
    await store.write(
        lambda c: c.exec_driver_sql("UPDATE conversation SET owner = 'gone' WHERE chat = 'dead'").rowcount
    )
    await store.heartbeat()
    assert await other.claim_next() is None
    await clock.advance(1)
    taken = await other.claim_next()
    assert taken
    assert taken.conversation.chat == "dead"
    assert await other.claim_next() is None


async def test_a_lease_that_ends_soon_is_not_made_longer_where_the_clock_was_set_back(
    store: Store, clock: ManualClock
) -> None:
    await store.accept([message()], lease_s=5)
    await store.time_went_back()
    await clock.advance(5)
    assert await store.claim_next()


async def test_a_conversation_of_which_all_is_done_stays_free_when_the_clock_was_set_back(store: Store) -> None:
    await answer(store, await begin(store))
    await store.time_went_back()
    assert (await say(store)).claim


async def test_what_a_dead_owner_held_is_free_and_what_others_hold_is_not(store: Store, other: Store) -> None:
    await begin(store, chat="mine")
    await other.accept([message(chat="theirs")])
    await store.write(leases.drop_of, "two")
    taken = await store.claim_next()
    assert taken
    assert taken.conversation.chat == "theirs"
    assert await store.claim_next() is None


async def test_a_restart_resumes_without_waiting_for_the_lease(make_store: OpenStore, clock: ManualClock) -> None:
    async with make_store() as first:
        claim = await begin(first)
        sqlite = first.dialect == "sqlite"
    if not sqlite:  # another process may be alive there: only the lease tells
        await clock.advance(31)
    async with make_store() as second:
        again = await second.claim_next()
    assert again
    assert again.message_id == claim.message_id
