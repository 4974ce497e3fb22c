"""Claims: who may work on a conversation, and what is to be done there.

A claim raises the conversation's epoch, which every later write checks (`fence.py`), and lasts as long as its lease
(`leases.py`). It is made of a conversation that is free and wants a worker by now (`next_at`, see `releases.py`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from botcore.failpoints import failpoint
from botcore.messages import Conversation, Message, Person
from botcore.store import order, outbox, poison
from botcore.store.encoding import Unreadable, decode_message, place_of
from botcore.store.fence import MINE
from botcore.store.records import Claim, Handover
from botcore.store.releases import given_back
from botcore.store.sql import Statement, among, arg, const
from botcore.store.tables import conversation

__all__ = ["Claimant", "claim_next", "hand_over"]


@lru_cache
def _free(channels: tuple[str, ...] | None) -> Statement:
    # No plain column: SQLite would take its index, look at every conversation of the channel, and sort them.
    here = among(conversation.c.channel.concat(const("")), channels)
    return Statement(
        sa.select(conversation)
        .where(conversation.c.next_at <= arg("now"), conversation.c.lease_until <= arg("now"), here)
        .order_by(conversation.c.next_at)
        .limit(const(1))
        .offset(const(0))
        .with_for_update(skip_locked=True)
    )


_TAKE = Statement(
    sa.update(conversation)
    .values(epoch=conversation.c.epoch + const(1), owner=arg("owner"), lease_until=arg("until"))
    .where(conversation.c.key == arg("key"))
)
# With an epoch of its own: the turn before may still be telling its plugins, and a process may end it there.
_GO_ON = Statement(
    sa.update(conversation).values(epoch=conversation.c.epoch + const(1), lease_until=arg("until")).where(*MINE)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """Who claims, and what is known of who was here before."""

    owner: str
    now: float
    lease_s: float
    faulted: str = ""
    """The owner that a fault of its own ended."""
    channels: tuple[str, ...] | None = None
    """In conversations of these only; None: of any."""


def claim_next(connection: sa.Connection, by: Claimant) -> Claim | None:
    """The free conversation that has waited longest, None where nothing waits."""
    free = _free(by.channels)
    while (row := free(connection, now=by.now).first()) is not None:
        claim = _taken(connection, row, by)
        if claim is not None:
            return claim
    return None


def _taken(connection: sa.Connection, row: Any, by: Claimant) -> Claim | None:
    _TAKE(connection, key=row.key, owner=by.owner, until=by.now + by.lease_s)
    claim = _work(connection, row, by)
    failpoint("claim.in_commit")
    if claim is None:
        given_back(connection, Claim(conversation=place_of(row), epoch=row.epoch + 1), now=by.now)
    return claim


def _work(connection: sa.Connection, row: Any, by: Claimant) -> Claim | None:
    """What is to be done in a conversation just taken, None if nothing is (its last message was deleted, say)."""
    place, epoch = place_of(row), row.epoch + 1
    found = order.following(connection, row.key, private=place.private)
    rows = outbox.left(connection, place) if found is None or found.left else ()
    if found is None:
        return Claim(conversation=place, epoch=epoch, parts=rows) if rows else None
    mine, faulted = row.owner == by.owner, row.owner == by.faulted
    known = poison.judge(connection, found, owner=row.owner, mine=mine, faulted=faulted, now=by.now)
    try:
        message = _message(found, place)
    except Unreadable as error:
        message = Message(event_id=found.event_id, conversation=place, person=Person(id=found.person), text="")
        known = poison.bury(connection, found, str(error))
    suspect = bool(known.deaths) and not known.buried
    if suspect:
        poison.hold(connection, found.id)
    elif not known.buried:
        poison.begin(connection, found.id)
    if rows and known.buried:  # which abandons what it had begun to send
        rows = outbox.unsettled(connection, place)
    return Claim(
        conversation=place,
        epoch=epoch,
        message_id=found.id,
        message=message,
        turn=found.turn,
        attempts=found.attempts + (not known.buried),
        suspect=suspect,
        buried=known.buried,
        received_at=found.received_at,
        stopped=bool(found.stopped),
        anchor=outbox.part(connection, place, found.turn, 0) if found.begun else None,
        parts=tuple(part for part in rows if part.part.turn != found.turn),
    )


def _message(found: Any, place: Conversation) -> Message:
    return decode_message(found.payload, event_id=found.event_id, conversation=place)


def hand_over(connection: sa.Connection, claim: Claim, handover: Handover, *, now: float, lease_s: float) -> None:
    """Go on with the conversation's next message under a new claim, or give it back. After `fence`."""
    handover.claim = _following(connection, claim, until=now + lease_s) if lease_s > 0 else None
    handover.idle = handover.claim is not None or given_back(connection, claim, now=now) is None


def _following(connection: sa.Connection, claim: Claim, *, until: float) -> Claim | None:
    place = claim.conversation
    found = order.following(connection, place.key, private=place.private)
    if found is None or found.begun or found.left or found.deaths or found.state != "waiting":
        return None
    try:
        message = _message(found, place)
    except Unreadable:
        return None  # whoever claims it sets it aside
    _GO_ON(connection, key=place.key, epoch=claim.epoch, until=until)
    poison.begin(connection, found.id)
    failpoint("claim.in_commit")
    return Claim(
        conversation=place,
        epoch=claim.epoch + 1,
        message_id=found.id,
        message=message,
        turn=found.turn,
        attempts=found.attempts + 1,
        received_at=found.received_at,
        stopped=bool(found.stopped),
    )
