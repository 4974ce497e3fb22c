"""What is old enough goes, in slices: history, dead letters, and the ids of deliveries no platform repeats any more.

    find what is old (a read)  ──>  delete it (a write of at most 200 rows, by its key)  ──>  find …

Several processes may do it at once: who comes second finds less. Open messages, and turns that are still being
delivered, are never old.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from botcore.store.conditions import IS_UNSETTLED
from botcore.store.sql import SLICE, const
from botcore.store.tables import conversation, feedback, inbox, outbox, turn

__all__ = [
    "dead",
    "drop_conversations",
    "drop_feedback",
    "drop_messages",
    "drop_turns",
    "ended",
    "feedback_alone",
    "silent",
    "turns",
]

_ENDED = ("answered", "stopped", "refused", "failed", "rejected", "done")

Page = tuple[list[Any], Any]
"""What may go, and the key behind which to look next; None at the end."""


def ended(connection: sa.Connection, before: float, after: int) -> Page:
    """Inbox ids of what ended and came before that moment. Ids grow with time, so the first younger one is the end."""
    query = sa.select(inbox.c.id, inbox.c.received_at, inbox.c.state).where(inbox.c.id > after)
    rows = connection.execute(query.order_by(inbox.c.id).limit(SLICE)).all()
    old = [row.id for row in rows if row.received_at < before and row.state in _ENDED]
    return old, rows[-1].id if len(rows) == SLICE and rows[-1].received_at < before else None


def dead(connection: sa.Connection, before: float, after: int) -> Page:
    """Inbox ids of dead letters that came before that moment."""
    return _page(connection, inbox.c.id, after, inbox.c.state == const("dead"), inbox.c.received_at < before)


def turns(connection: sa.Connection, before: float, after: int) -> Page:
    """Ids of turns of before that moment of which nothing is still on its way."""
    rows = connection.execute(
        sa.select(turn.c.number, turn.c.id, turn.c.at).where(turn.c.number > after).order_by(turn.c.number).limit(SLICE)
    ).all()
    old = [row.id for row in rows if row.at < before]
    under_way = sa.select(outbox.c.turn).where(outbox.c.turn.in_(old), IS_UNSETTLED)
    kept = set(connection.execute(under_way).scalars())
    more = len(rows) == SLICE and rows[-1].at < before
    return [id for id in old if id not in kept], rows[-1].number if more else None


def feedback_alone(connection: sa.Connection, before: float, after: int) -> Page:
    """Ids of feedback of before that moment whose reply never became known."""
    return _page(connection, feedback.c.id, after, feedback.c.turn == "", feedback.c.at < before)


def silent(connection: sa.Connection, before: float, after: str) -> Page:
    """Keys of conversations of which nothing is left and in which nothing happened since that moment."""
    return _page(connection, conversation.c.key, after, *_silent(before))


def _page(connection: sa.Connection, key: "sa.Column[Any]", after: Any, *where: "sa.ColumnElement[bool]") -> Page:
    found = list(connection.execute(sa.select(key).where(*where, key > after).order_by(key).limit(SLICE)).scalars())
    return found, found[-1] if len(found) == SLICE else None


def _silent(before: float) -> tuple[Any, ...]:
    return (
        conversation.c.next_at.is_(None),
        conversation.c.last_at < before,
        ~sa.exists().where(turn.c.conversation == conversation.c.key),
        ~sa.exists().where(inbox.c.conversation == conversation.c.key),
    )


def drop_messages(connection: sa.Connection, found: Sequence[int]) -> int:
    """Delete these deliveries: the same ones would be taken again."""
    return connection.execute(
        sa.delete(inbox).where(inbox.c.id.in_(found), inbox.c.state.in_([*_ENDED, "dead"]))
    ).rowcount


def drop_turns(connection: sa.Connection, found: Sequence[str]) -> int:
    """Delete these exchanges, with what was sent of them and what people think of them."""
    for table in (outbox, feedback):
        connection.execute(sa.delete(table).where(table.c.turn.in_(found)))
    return connection.execute(sa.delete(turn).where(turn.c.id.in_(found))).rowcount


def drop_feedback(connection: sa.Connection, found: Sequence[int]) -> int:
    """Delete this feedback, unless its reply has become known."""
    return connection.execute(sa.delete(feedback).where(feedback.c.id.in_(found), feedback.c.turn == "")).rowcount


def drop_conversations(connection: sa.Connection, found: Sequence[str], before: float) -> int:
    """Delete these conversations, unless somebody has written there meanwhile."""
    return connection.execute(sa.delete(conversation).where(conversation.c.key.in_(found), *_silent(before))).rowcount
