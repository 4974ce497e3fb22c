"""Every change of a part's state, and none that is not drawn."""

from collections.abc import Awaitable, Callable

import pytest

from botcore.errors import LeaseLost, StoreError
from botcore.store import Claim, Handover, OutboxRow, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import begin, end, part, place, say, send_one


async def test_an_anchor_starts_as_sending_and_is_begun_once(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await store.begin_anchor(claim, part(claim, text="…"))
    assert (row.state, row.attempt, row.started_at) == ("sending", 1, clock.now())
    assert await store.begin_anchor(claim, part(claim, text="other")) == row


async def test_the_final_text_takes_the_anchors_place(store: Store) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim, text="…"))
    await store.sent(claim, f"{claim.turn}.0", "p1")
    rows = await store.commit_turn(claim, end(claim, parts=2, sending=1))
    assert [(row.state, row.part.platform_id, row.attempt) for row in rows] == [
        ("sending", "p1", 2),
        ("pending", "", 0),
    ]
    assert rows[0].part.text == "hello 0"


async def test_what_became_of_a_placeholder_is_not_held_against_the_final_text(store: Store) -> None:
    claim = await begin(store)
    anchor = await store.begin_anchor(claim, part(claim, text="…"))
    await store.uncertain(claim, anchor.part.id)
    await store.resending(claim, anchor.part.id)
    await store.failed(claim, anchor.part.id, "may have arrived; sent twice already")
    [row] = await store.commit_turn(claim, end(claim, parts=1, sending=1))
    assert (row.state, row.part.platform_id, row.resends) == ("sending", "", 0)


async def test_parts_start_as_told(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    rows = await store.commit_turn(claim, end(claim, parts=3, sending=2))
    assert [(row.state, row.attempt) for row in rows] == [("sending", 1), ("sending", 1), ("pending", 0)]
    assert [row.started_at for row in rows] == [clock.now(), clock.now(), 0.0]


async def test_pending_is_begun(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, parts=1))
    row = await store.begin_sending(claim, f"{claim.turn}.0")
    assert (row.state, row.attempt) == ("sending", 1)


async def test_a_refused_call_is_pending_again_and_counts_its_attempts(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.unsent(claim, row.part.id, not_before=clock.now() + 3)
    row = await store.begin_sending(claim, row.part.id)
    assert (row.state, row.attempt, row.not_before) == ("sending", 2, clock.now() + 3)


async def test_a_part_that_cannot_take_its_placeholders_place_is_a_new_message(store: Store) -> None:
    claim = await begin(store)
    anchor = await store.begin_anchor(claim, part(claim))
    await store.sent(claim, anchor.part.id, "p1")
    rows = await store.commit_turn(claim, end(claim, parts=1, sending=1))
    assert rows[0].part.platform_id == "p1"
    for _ in range(2):
        await store.displaced(claim, rows[0].part.id)
    row = await store.begin_sending(claim, rows[0].part.id)
    assert (row.state, row.attempt, row.part.platform_id) == ("sending", 3, "")


async def test_uncertain_is_resent_and_counted(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    assert (await store.uncertain(claim, row.part.id)).resends == 0
    row = await store.resending(claim, row.part.id)
    assert (row.state, row.attempt, row.resends) == ("sending", 2, 1)
    row = await store.uncertain(claim, row.part.id)
    assert (row.state, row.resends) == ("uncertain", 1)
    assert (await store.uncertain(claim, row.part.id)) == row


async def test_a_repeatable_call_without_an_answer_counts_as_no_resend(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.uncertain(claim, row.part.id)
    await store.resending(claim, row.part.id)
    row = await store.uncertain(claim, row.part.id, repeatable=True)
    assert (row.state, row.attempt, row.resends) == ("uncertain", 2, 0)


async def test_uncertain_that_was_found_is_sent(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.uncertain(claim, row.part.id)
    await store.sent(claim, row.part.id, "p1", release=Handover())
    await begin(store, "free again")


async def test_the_last_part_gives_the_conversation_back(store: Store) -> None:
    claim = await begin(store)
    waiting = await say(store, "two")
    rows = await store.commit_turn(claim, end(claim, parts=1, sending=1))
    await store.sent(claim, rows[0].part.id, "p1", release=Handover())
    following = await store.claim_next()
    assert following
    assert following.message_id == waiting.receipt.id


async def test_a_refused_part_gives_the_conversation_back(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.failed(claim, row.part.id, "blocked by the person", release=True)
    assert await store.claim_next() is None
    await begin(store, "free again")


async def test_told_twice_that_it_was_sent_is_told_once(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.sent(claim, row.part.id, "p1")
    await store.sent(claim, row.part.id, "p1")


Change = Callable[[Store, Claim, OutboxRow], Awaitable[object]]
NOT_AFTER_SENT: dict[str, Change] = {
    "begin_sending": lambda store, claim, row: store.begin_sending(claim, row.part.id),
    "another id": lambda store, claim, row: store.sent(claim, row.part.id, "p2"),
    "displaced": lambda store, claim, row: store.displaced(claim, row.part.id),
    "unsent": lambda store, claim, row: store.unsent(claim, row.part.id, not_before=0),
    "failed": lambda store, claim, row: store.failed(claim, row.part.id, "no"),
    "uncertain": lambda store, claim, row: store.uncertain(claim, row.part.id),
    "resending": lambda store, claim, row: store.resending(claim, row.part.id),
}


@pytest.mark.parametrize("name", NOT_AFTER_SENT)
async def test_sent_is_final(store: Store, name: str) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.sent(claim, row.part.id, "p1")
    with pytest.raises(StoreError, match="is sent"):
        await NOT_AFTER_SENT[name](store, claim, row)


async def test_a_part_of_a_forgotten_conversation_is_lost(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await store.forget(place().key)
    await begin(store, "a new life")
    with pytest.raises(LeaseLost):
        await store.sent(claim, row.part.id, "p1")


async def test_an_answer_of_the_platform_may_be_written_down_twice(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    for _ in range(2):
        await store.unsent(claim, row.part.id, not_before=clock.now())
    await store.begin_sending(claim, row.part.id)
    for _ in range(2):
        await store.uncertain(claim, row.part.id)
    for _ in range(2):
        await store.failed(claim, row.part.id, "refused")


async def test_the_last_part_goes_on_with_what_waits_in_the_same_commit(store: Store, other: Store) -> None:
    claim = await begin(store)
    waiting = await say(store, "next", platform_id="p2")
    row, release = await send_one(store, claim), Handover(lease_s=lambda: 30)
    await store.sent(claim, row.part.id, "p1", release=release)
    following = release.claim
    assert following is not None
    assert following.message is not None
    assert (following.message_id, following.message.text) == (waiting.receipt.id, "next")
    assert (following.epoch, following.attempts, following.suspect) == (claim.epoch + 1, 1, False)
    assert release.idle
    assert await other.claim_next() is None
    with pytest.raises(LeaseLost):  # the message before has a claim no more
        await store.requeue(claim)
    await store.requeue(following)
    again = await other.claim_next()
    assert again is not None
    assert (again.message, again.attempts) == (following.message, 1)


async def test_where_nothing_waits_the_conversation_is_given_back(store: Store) -> None:
    claim = await begin(store)
    row, release = await send_one(store, claim), Handover(lease_s=lambda: 30)
    await store.sent(claim, row.part.id, "p1", release=release)
    assert (release.claim, release.idle) == (None, True)
    assert await store.counts() == {"pending": 0, "sending": 0, "uncertain": 0, "waiting": 0, "running": 0, "dead": 0}
    await begin(store)  # is free


async def test_who_does_not_go_on_hears_that_something_waits(store: Store) -> None:
    claim = await begin(store)
    await say(store, "next")
    row, release = await send_one(store, claim), Handover()
    await store.sent(claim, row.part.id, "p1", release=release)
    assert (release.claim, release.idle) == (None, False)
    assert await store.claim_next() is not None


async def test_what_an_earlier_run_began_to_send_is_left_to_whoever_claims(store: Store) -> None:
    claim, waiting = await begin(store), await say(store, "next")
    row, release = await send_one(store, claim), Handover(lease_s=lambda: 30)
    begun = "INSERT INTO outbox (turn, number, conversation) SELECT turn, 0, conversation FROM inbox WHERE id = {}"
    await store.write(lambda c: c.exec_driver_sql(begun.format(waiting.receipt.id)).rowcount)
    await store.sent(claim, row.part.id, "p1", release=release)
    assert (release.claim, release.idle) == (None, False)
    taken = await store.claim_next()
    assert taken is not None
    assert taken.message_id == waiting.receipt.id
    assert taken.anchor is not None
