"""Which message of a conversation comes next: the oldest, and where several people write, theirs in turn.

In a group whoever was served longest ago comes first, so nobody who writes much holds up the others; each person's own
messages keep their order. Before all others go what was begun (it may have a placeholder on the screen), then what was
stopped (it only has to end).
"""

from typing import Any

import sqlalchemy as sa

from botcore.store.conditions import IS_OPEN, IS_STOPPED, IS_UNSETTLED
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox, outbox, turn

__all__ = ["following"]

_LOOK = 100
"""Open messages and ended turns that are looked at: more than may wait in one conversation by default."""

# Locked: forgetting a person ends messages without asking for their conversation.
_OPEN = (
    sa.select(
        sa.exists().where(outbox.c.turn == inbox.c.turn).label("begun"),
        sa.exists().where(outbox.c.conversation == arg("key"), IS_UNSETTLED).label("left"),
        IS_STOPPED.label("stopped"),
        inbox.c.id,
        inbox.c.event_id,
        inbox.c.attempts,
        inbox.c.deaths,
        inbox.c.turn,
        inbox.c.payload,
        inbox.c.state,
        inbox.c.received_at,
        inbox.c.person,
    )
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(inbox.c.conversation == arg("key"), IS_OPEN)
    .with_for_update(of=inbox, key_share=True)
)
_OLDEST = Statement(_OPEN.order_by(inbox.c.id).limit(const(1)).offset(const(0)))
_ONE = Statement(_OPEN.where(inbox.c.id == arg("id")))
_STANDING = Statement(
    sa.select(
        inbox.c.id,
        inbox.c.person,
        sa.or_(
            inbox.c.state == const("running"),
            inbox.c.deaths > const(0),
            sa.exists().where(outbox.c.turn == inbox.c.turn),
        ).label("begun"),
        IS_STOPPED.label("stopped"),
    )
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(inbox.c.conversation == arg("key"), IS_OPEN)
    .order_by(inbox.c.id)
    .limit(const(_LOOK))
    .offset(const(0))
)
_SERVED = Statement(
    sa.select(turn.c.person, turn.c.number)
    .where(turn.c.conversation == arg("key"))
    .order_by(turn.c.number.desc())
    .limit(const(_LOOK))
    .offset(const(0))
)


def following(connection: sa.Connection, key: str, *, private: bool) -> Any:
    """The open message to run now, None where there is none.

    ``begun``: it has parts of an earlier run. ``left``: some part of its conversation is not settled.
    ``stopped``: it only has to end.
    """
    if private:
        return _OLDEST(connection, key=key).first()
    chosen = _chosen(connection, key)
    return None if chosen is None else _ONE(connection, key=key, id=chosen).first()


def _chosen(connection: sa.Connection, key: str) -> int | None:
    standing = _STANDING(connection, key=key)
    if len({row.person for row in standing}) < 2:
        return standing[0].id if standing else None
    served = {row.person: row.number for row in reversed(_SERVED(connection, key=key))}  # the newest counts
    first = min(standing, key=lambda row: (not row.begun, not row.stopped, served.get(row.person, 0), row.id))
    return int(first.id)
