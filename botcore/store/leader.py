"""Who does what only one process may do, and until when. Only PostgreSQL has several processes to choose from.

Time is the database's alone: what is led is outside of it, so no epoch can fence a late leader there, and two clocks
that disagree would make two leaders. A leader counts its own term on a clock that never goes back, from before it
asked.
"""

import sqlalchemy as sa

from botcore.store.notices import notify
from botcore.store.sql import Statement, arg, const, upsert
from botcore.store.tables import leader

__all__ = ["drop", "give_up", "keep", "take"]

# Not now(): that is when the transaction began, and this one may have waited for the row.
_NOW = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
_UNTIL = _NOW + sa.cast(arg("lease_s"), sa.Double)
_MINE = (leader.c.name == arg("name"), leader.c.owner == arg("owner"))
_TAKE = Statement(
    lambda dialect: (
        upsert(leader, dialect)
        .values(name=arg("name"), owner=arg("owner"), epoch=const(1), until=_UNTIL)
        .on_conflict_do_update(
            index_elements=[leader.c.name],
            set_={"owner": arg("owner"), "epoch": leader.c.epoch + const(1), "until": _UNTIL},
            where=leader.c.until <= _NOW,
        )
    )
)
# A term that is longer than one that begins now comes of a clock that was set back. Shortened, not taken: its leader
# may be alive, and counts on a clock of its own.
_SHORTEN = Statement(
    sa.update(leader).values(until=_UNTIL).where(leader.c.name == arg("name"), leader.c.until > _UNTIL)
)
_KEEP = Statement(sa.update(leader).values(until=_UNTIL).where(*_MINE))
_LED = Statement(sa.select(leader.c.name).where(leader.c.owner == arg("owner")))
_GIVE_UP = Statement(sa.update(leader).values(owner=const(""), until=const(0)).where(*_MINE))


def take(connection: sa.Connection, name: str, *, owner: str, lease_s: float) -> bool:
    """Whether this owner leads from now on, because nobody else does."""
    taken = _TAKE.changes(connection, name=name, owner=owner, lease_s=lease_s) == 1
    if not taken:
        _SHORTEN(connection, name=name, lease_s=lease_s)
    return taken


def keep(connection: sa.Connection, name: str, *, owner: str, lease_s: float) -> bool:
    """Whether this owner still leads, and for ``lease_s`` more; a term that ran out and nobody took is its own."""
    return _KEEP.changes(connection, name=name, owner=owner, lease_s=lease_s) == 1


def drop(connection: sa.Connection, owner: str) -> None:
    """Let others lead in all that this dead owner led in."""
    for (name,) in _LED.rows(connection, owner=owner):
        give_up(connection, name, owner=owner)


def give_up(connection: sa.Connection, name: str, *, owner: str) -> None:
    """Let the next one lead, and tell those who wait."""
    if _GIVE_UP.changes(connection, name=name, owner=owner) == 1:
        notify(connection, "lead", name)
