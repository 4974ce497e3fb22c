"""Giving a conversation back: when it next wants a worker, and what becomes of the message that had no outcome.

`next_at` is NULL when nothing is open and nothing unsettled, else a time; giving back sets it to now, the end of the
line. ``owner`` stays in the row of a process that died: who gives back, empties it.
"""

from typing import Any

import sqlalchemy as sa

from botcore.store.conditions import IS_OPEN, IS_UNSETTLED
from botcore.store.fence import MINE, after_accepts, fence
from botcore.store.records import Claim
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox, outbox

__all__ = ["failed_run", "given_back", "let_go", "next_at", "release", "requeue"]


def next_at(besides: Any = None) -> Any:
    """When a conversation that is given back wants a worker again: now, after a platform's wait, or NULL for never.

    ``besides``: inbox id of a message that is being ended in the same transaction.
    """
    open_rows = sa.exists().where(inbox.c.conversation == arg("key"), IS_OPEN)
    if besides is not None:
        open_rows = open_rows.where(inbox.c.id != besides)
    unsettled = (
        sa.select(
            sa.case((sa.func.min(outbox.c.not_before) > arg("now"), sa.func.min(outbox.c.not_before)), else_=arg("now"))
        )
        .where(outbox.c.conversation == arg("key"), IS_UNSETTLED)
        .group_by(outbox.c.conversation)
        .scalar_subquery()
    )
    # Parts of earlier turns go before the next message, so their wait is the conversation's wait.
    return sa.func.coalesce(unsettled, sa.case((open_rows, arg("now"))))


_RELEASE = Statement(
    sa.update(conversation)
    .values(owner=const(""), lease_until=const(0), next_at=next_at())
    .where(*MINE)
    .returning(conversation.c.next_at)
)
_DELAY = Statement(
    sa.update(conversation).values(owner=const(""), lease_until=const(0), next_at=arg("at")).where(*MINE)
)
_REQUEUE = Statement(
    sa.update(inbox)
    .values(state=const("waiting"), attempts=inbox.c.attempts - const(1))
    .where(inbox.c.id == arg("id"), inbox.c.state == const("running"))
)
_TRACE = Statement(sa.update(inbox).values(trace=inbox.c.trace + arg("trace")).where(inbox.c.id == arg("id")))


def let_go(connection: sa.Connection, key: str, epoch: int, *, now: float) -> None:
    """Give a conversation back of which only the claim's number is known; unless it was taken over already."""
    after_accepts(connection, key, epoch)
    _RELEASE.rows(connection, key=key, epoch=epoch, now=now)


def release(connection: sa.Connection, claim: Claim, *, now: float) -> None:
    """Give the conversation back, unless it was taken over already."""
    let_go(connection, claim.conversation.key, claim.epoch, now=now)


def given_back(connection: sa.Connection, claim: Claim, *, now: float) -> float | None:
    """Give the conversation back, after `fence`; when it wants a worker again."""
    ((at,),) = _RELEASE.rows(connection, key=claim.conversation.key, epoch=claim.epoch, now=now)
    return at  # type: ignore[no-any-return]


def failed_run(connection: sa.Connection, claim: Claim, trace: str, *, now: float) -> None:
    """Give the conversation back with a message whose attempt counts, and what is known of it."""
    fence(connection, claim)
    _TRACE(connection, id=claim.message_id, trace=trace)
    given_back(connection, claim, now=now)


def requeue(connection: sa.Connection, claim: Claim, *, now: float, delay_s: float) -> None:
    """Put the message back as if it had not been begun, and give the conversation back."""
    fence(connection, claim)
    _REQUEUE(connection, id=claim.message_id)
    if delay_s > 0:
        _DELAY(connection, key=claim.conversation.key, epoch=claim.epoch, at=now + delay_s)
    else:
        given_back(connection, claim, now=now)
