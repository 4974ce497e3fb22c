"""Whoever was overtaken writes nothing more."""

from collections.abc import Awaitable, Callable

import pytest

from botcore.errors import LeaseLost
from botcore.store import Claim, Handover, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import begin, end, part, place

WRITES: dict[str, Callable[[Store, Claim], Awaitable[object]]] = {
    "commit_turn": lambda store, claim: store.commit_turn(claim, end(claim)),
    "commit_turn with release": lambda store, claim: store.commit_turn(claim, end(claim, release=True)),
    "begin_anchor": lambda store, claim: store.begin_anchor(claim, part(claim)),
    "begin_sending": lambda store, claim: store.begin_sending(claim, f"{claim.turn}.0"),
    "sent": lambda store, claim: store.sent(claim, f"{claim.turn}.0", "p1"),
    "sent with release": lambda store, claim: store.sent(claim, f"{claim.turn}.0", "p1", release=Handover()),
    "displaced": lambda store, claim: store.displaced(claim, f"{claim.turn}.0"),
    "unsent": lambda store, claim: store.unsent(claim, f"{claim.turn}.0", not_before=0),
    "failed": lambda store, claim: store.failed(claim, f"{claim.turn}.0", "no"),
    "uncertain": lambda store, claim: store.uncertain(claim, f"{claim.turn}.0"),
    "resending": lambda store, claim: store.resending(claim, f"{claim.turn}.0"),
    "requeue": lambda store, claim: store.requeue(claim),
}


@pytest.mark.parametrize("name", WRITES)
async def test_an_overtaken_worker_can_write_nothing(store: Store, other: Store, clock: ManualClock, name: str) -> None:
    claim = await begin(store)
    await store.begin_anchor(claim, part(claim))
    await clock.advance(31)
    taken = await other.claim_next()
    assert taken
    with pytest.raises(LeaseLost, match="no longer held"):
        await WRITES[name](store, claim)
    assert await other.history(place().key) == []
    assert taken.anchor
    assert (await other.begin_anchor(taken, part(taken))).state == "uncertain"
    assert [id for id, _ in await other.open_messages(place().key)] == [claim.message_id]


async def test_an_overtaken_release_leaves_the_new_lease_alone(store: Store, other: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    await clock.advance(31)
    assert await other.claim_next()
    await store.release(claim)
    assert await store.claim_next() is None
