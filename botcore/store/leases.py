"""The leases of one process: extended while it lives, looked up, and dropped where it is known to be dead.

Processes compare leases by their own clocks: these may differ by less than the lease.
"""

import sqlalchemy as sa

from botcore.store.conditions import IS_STOPPED
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox

__all__ = ["drop_all", "drop_of", "extend", "held", "stopped", "time_went_back"]

_CLAIMED = conversation.c.next_at.is_not(None)
_MINE = (_CLAIMED, conversation.c.owner == arg("owner"))

_EXTEND = Statement(
    sa.update(conversation)
    .values(lease_until=arg("until"))
    .where(*_MINE)
    .returning(conversation.c.key, conversation.c.epoch)
)
_HELD = Statement(sa.select(conversation.c.key, conversation.c.epoch).where(*_MINE))
_STOPPED = Statement(
    sa.select(conversation.c.key)
    .select_from(conversation)
    .join(inbox, sa.and_(inbox.c.conversation == conversation.c.key, inbox.c.state == const("running")))
    .where(*_MINE, IS_STOPPED)
)
_DROP = sa.update(conversation).values(lease_until=const(0))
_DROP_ALL = Statement(_DROP.where(_CLAIMED, conversation.c.lease_until > const(0)))
_DROP_OF = Statement(_DROP.where(*_MINE))
_AHEAD = Statement(sa.update(conversation).values(next_at=arg("now")).where(conversation.c.next_at > arg("now")))
_LONG = Statement(
    sa.update(conversation).values(lease_until=arg("until")).where(_CLAIMED, conversation.c.lease_until > arg("until"))
)


def extend(connection: sa.Connection, *, owner: str, until: float) -> set[tuple[str, int]]:
    """Extend every lease of this owner: (conversation, epoch) of each. What is not among them was taken over."""
    return {(key, epoch) for key, epoch in _EXTEND.rows(connection, owner=owner, until=until)}


def held(connection: sa.Connection, *, owner: str) -> set[tuple[str, int]]:
    """(conversation, epoch) of every claim of this owner."""
    return {(key, epoch) for key, epoch in _HELD.rows(connection, owner=owner)}


def stopped(connection: sa.Connection, *, owner: str) -> list[str]:
    """Keys of this owner's conversations whose running message was stopped, by whichever process took the order."""
    return [row.key for row in _STOPPED(connection, owner=owner)]


def drop_all(connection: sa.Connection) -> None:
    """Free what a dead process held. Only where no other process can be alive: SQLite, after the lock."""
    _DROP_ALL(connection)


def drop_of(connection: sa.Connection, owner: str) -> None:
    """Free what this dead process held."""
    _DROP_OF(connection, owner=owner)


def time_went_back(connection: sa.Connection, *, now: float, until: float = float("inf")) -> None:
    """Nothing waits for a moment that the clock has shown before: what wants a worker wants one now.

    Early is right, too: whoever claims what a platform has put off waits for it himself. ``until`` is the latest that a
    lease can end: who lives extends his own meanwhile.
    """
    _AHEAD(connection, now=now)
    if until < float("inf"):
        _LONG(connection, until=until)
