"""Dead letters: deliveries nobody could use, and messages that failed too often. For the operator."""

import os
from typing import Any

import sqlalchemy as sa

from botcore.store.conditions import IS_OPEN
from botcore.store.records import DeadLetter
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox

__all__ = ["LETTER", "count", "drop", "newest", "one", "retry"]

LETTER = sa.and_(inbox.c.state == const("dead"), inbox.c.payload != const(""))
"""A dead row with something in it; a dropped one stays as a known event id and an outcome."""

_NEWEST = Statement(sa.select(inbox).where(LETTER).order_by(inbox.c.id.desc()).limit(arg("limit")).offset(const(0)))
_SOME = sa.select(inbox.c.id).where(LETTER).limit(arg("most")).offset(const(0))
_COUNT = Statement(sa.select(sa.func.count()).select_from(_SOME.subquery()))
_ONE = Statement(sa.select(inbox).where(LETTER, inbox.c.id == arg("id")))
_RETRY = Statement(
    sa.update(inbox)
    # A new turn: the old one has told the author that it was set aside.
    .values(
        state=const("waiting"),
        attempts=const(0),
        deaths=const(0),
        reason=const(""),
        trace=const(""),
        turn=arg("turn"),
    )
    .where(inbox.c.id == arg("id"), LETTER, inbox.c.kind == const("message"))
    .returning(inbox.c.conversation)
)
_WAKE = Statement(
    sa.update(conversation)
    .values(next_at=sa.func.coalesce(conversation.c.next_at, arg("now")))
    .where(conversation.c.key == arg("key"))
)
_OTHERS = sa.exists().where(
    inbox.c.conversation == arg("key"),
    IS_OPEN,
    inbox.c.id > arg("id"),
    inbox.c.id <= conversation.c.stopped_through,
)
_NOT_STOPPED = Statement(
    sa.update(conversation)
    .values(stopped_through=arg("id") - const(1))
    .where(conversation.c.key == arg("key"), conversation.c.stopped_through >= arg("id"), ~_OTHERS)
)
# The reason goes, too: it may quote what came.
_DROP = Statement(
    sa.update(inbox).values(payload=const(""), trace=const(""), reason=const("")).where(inbox.c.id == arg("id"), LETTER)
)


def newest(connection: sa.Connection, limit: int) -> list[DeadLetter]:
    """The newest letters first."""
    return [_letter(row) for row in _NEWEST(connection, limit=limit)]


def count(connection: sa.Connection, most: int) -> int:
    """How many letters there are; counts no further than ``most``."""
    return int(_COUNT(connection, most=most).scalar())


def one(connection: sa.Connection, letter: int) -> DeadLetter | None:
    """One letter by its number."""
    row = _ONE(connection, id=letter).first()
    return None if row is None else _letter(row)


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        channel=row.channel,
        account=row.account,
        event_id=row.event_id,
        kind=row.kind,
        conversation=row.conversation,
        attempts=row.attempts,
        deaths=row.deaths,
        at=row.received_at,
        reason=row.reason,
        turn=row.turn,
        trace=row.trace,
        payload=row.payload,
    )


def retry(connection: sa.Connection, letter: int, *, now: float, unstopped: bool = False) -> bool:
    """The message waits again, as if it had never run; False where there is no such dead message.

    ``unstopped``: a stop that came after it does not mean it any more, unless that stop has others still to end.
    """
    row = _RETRY(connection, id=letter, turn=os.urandom(16).hex()).first()
    if row is None:
        return False
    if unstopped:
        _NOT_STOPPED(connection, key=row.conversation, id=letter)
    _WAKE(connection, key=row.conversation, now=now)
    return True


def drop(connection: sa.Connection, letter: int) -> bool:
    """The letter's content is gone; False where there is no such letter."""
    return _DROP.changes(connection, id=letter) == 1
