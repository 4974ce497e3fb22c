"""Forgetting, counting, checking: what operators ask of the whole store."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from botcore.store.conditions import IS_OPEN, IS_UNSETTLED
from botcore.store.letters import LETTER
from botcore.store.sql import SLICE, Statement, arg, const, upsert
from botcore.store.tables import conversation, feedback, inbox, outbox, probe, turn

__all__ = ["counts", "forget", "forget_some", "integrity", "open_by_channel", "touch"]

# The conversation first: from then on a turn that is still running there fails its fence and can add nothing.
_CONVERSATION = Statement(sa.delete(conversation).where(conversation.c.key == arg("key")))
_NEWEST = Statement(sa.select(sa.func.coalesce(sa.func.max(inbox.c.id), const(0))))


def _slice(table: sa.Table, key: "sa.ColumnElement[Any]", *where: "sa.ColumnElement[bool]") -> Statement:
    chosen = sa.select(key).where(table.c.conversation == arg("key"), *where).limit(const(SLICE)).offset(const(0))
    return Statement(sa.delete(table).where(key.in_(chosen)))


_OLD_TURNS = sa.select(turn.c.id).where(turn.c.conversation == arg("key"), turn.c.message <= arg("through"))
_SLICES = (
    Statement(sa.delete(feedback).where(feedback.c.turn.in_(_OLD_TURNS))),  # first: judgements from elsewhere
    _slice(feedback, feedback.c.id),
    _slice(outbox, outbox.c.turn, outbox.c.message <= arg("through")),
    _slice(turn, turn.c.number, turn.c.message <= arg("through")),
    _slice(inbox, inbox.c.id, inbox.c.id <= arg("through")),
)
# Where something is open the conversation wants a worker. Not as a join: SQLite would begin with all there ever was.
_BUSY = sa.select(conversation.c.key).where(conversation.c.next_at.is_not(None))


def _by_state(table: sa.Table, wanted: "sa.ColumnElement[bool]") -> Statement:
    count = sa.select(table.c.state, sa.func.count().label("number"))
    return Statement(count.where(table.c.conversation.in_(_BUSY), wanted).group_by(table.c.state))


_OPEN, _UNSETTLED = _by_state(inbox, IS_OPEN), _by_state(outbox, IS_UNSETTLED)
# Counted here: to group by channel SQLite would read the whole of that index.
_WHERE = Statement(sa.select(conversation.c.channel).where(conversation.c.next_at.is_not(None)))
_DEAD = Statement(sa.select(sa.func.count()).select_from(inbox).where(LETTER))
_TOUCH = Statement(
    lambda dialect: (
        upsert(probe, dialect)
        .values(id=const(1), at=arg("now"))
        .on_conflict_do_update(index_elements=[probe.c.id], set_={"at": arg("now")})
    )
)


def forget(connection: sa.Connection, key: str) -> int:
    """Take the conversation away from whoever works on it; returns the inbox id up to which the rest is to go."""
    _CONVERSATION(connection, key=key)
    return int(_NEWEST(connection).scalar())


def forget_some(connection: sa.Connection, key: str, through: int) -> bool:
    """Delete a slice of what a conversation left; True while there may be more."""
    values = {"key": key, "through": through}
    deleted = [statement.changes(connection, **values) for statement in _SLICES]
    return max(deleted) >= SLICE


def counts(connection: sa.Connection) -> dict[str, int]:
    """Open messages, unsettled parts and dead letters by state; cheap however long the history is."""
    found = {"waiting": 0, "running": 0, "pending": 0, "sending": 0, "uncertain": 0}
    for statement in (_OPEN, _UNSETTLED):
        found.update({row.state: row.number for row in statement(connection)})
    return found | {"dead": _DEAD(connection).scalar()}


def open_by_channel(connection: sa.Connection) -> dict[str, int]:
    """In how many conversations of each channel something is to be done."""
    return Counter(channel for (channel,) in _WHERE.rows(connection))


def touch(connection: sa.Connection, now: float) -> None:
    """Write one row: the disk has room and is not read-only."""
    _TOUCH(connection, now=now)


def integrity(connection: sa.Connection) -> str:
    """The word ok, or the first damage found. Reads a whole SQLite file; a server looks after itself."""
    if connection.dialect.name != "sqlite":
        return "ok"
    return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
