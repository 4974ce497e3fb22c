"""The changes of state in the outbox (drawn in `outbox.py`), each fenced by the claim it is made under."""

from typing import Any

import sqlalchemy as sa

from botcore.errors import LeaseLost, StoreError
from botcore.failpoints import failpoint
from botcore.messages import Feedback
from botcore.ports import Part
from botcore.store import feedback, outbox
from botcore.store.encoding import split_part_id
from botcore.store.fence import fence
from botcore.store.records import Claim, OutboxRow
from botcore.store.releases import given_back
from botcore.store.sql import Statement, arg, const, one_of
from botcore.store.tables import outbox as table

__all__ = ["begin_anchor", "begin_sending", "displaced", "failed", "resending", "sent", "uncertain", "unsent"]

_ONE = (table.c.turn == arg("turn"), table.c.number == arg("number"))


def _move(*origins: str, to: str, **values: Any) -> Statement:
    return Statement(sa.update(table).values(state=const(to), **values).where(*_ONE, one_of(table.c.state, *origins)))


_BEGIN = _move("pending", to="sending", attempt=table.c.attempt + const(1), started_at=arg("now"))
_SENT = _move("sending", "uncertain", to="sent", platform_id=arg("platform_id"), reason=const(""))
_UNSENT = _move("sending", "uncertain", to="pending", not_before=arg("not_before"))
_DISPLACED = _move("sending", to="pending", platform_id=const(""), resends=const(0))
_FAILED = _move("pending", "sending", "uncertain", to="failed", reason=arg("reason"))
_UNCERTAIN = _move("sending", to="uncertain")
_UNANSWERED = _move("sending", to="uncertain", resends=const(0))
_RESENDING = _move(
    "uncertain",
    to="sending",
    attempt=table.c.attempt + const(1),
    resends=table.c.resends + const(1),
    started_at=arg("now"),
)


def begin_anchor(connection: sa.Connection, claim: Claim, part: Part, *, now: float) -> OutboxRow:
    """Part 0 as `sending`; the row of an earlier run where there is one."""
    fence(connection, claim)
    existing = outbox.part(connection, claim.conversation, part.turn, part.number)
    return existing or outbox.put(connection, part, message=claim.message_id, sending=True, now=now)


def begin_sending(connection: sa.Connection, claim: Claim, part_id: str, *, now: float) -> OutboxRow:
    """A pending part as `sending`: the call may be made now."""
    return _change(connection, _BEGIN, claim, part_id, now=now)


def sent(connection: sa.Connection, claim: Claim, part_id: str, platform_id: str) -> list[Feedback]:
    """The part is on the platform; returns the judgements that had come before its platform id was known."""
    fence(connection, claim)
    turn, number = split_part_id(part_id)
    if _SENT.changes(connection, turn=turn, number=number, platform_id=platform_id) != 1:
        row = _row(connection, claim, part_id)
        if row.state != "sent" or row.part.platform_id != platform_id:
            raise StoreError(f"part {part_id} is {row.state} and cannot become sent")
    failpoint("outbox.in_sent_commit")
    return feedback.match(connection, claim.conversation, platform_id, turn)


def unsent(connection: sa.Connection, claim: Claim, part_id: str, *, not_before: float) -> None:
    """The part is surely not on the platform: `pending` again, not before the given time."""
    _change(connection, _UNSENT, claim, part_id, already="pending", not_before=not_before)


def displaced(connection: sa.Connection, claim: Claim, part_id: str) -> None:
    """The message that was to become this part cannot: `pending` again, as a message of its own."""
    _change(connection, _DISPLACED, claim, part_id, already="pending")


def failed(connection: sa.Connection, claim: Claim, part_id: str, reason: str, *, release: bool, now: float) -> None:
    """The platform refused the part for good."""
    _change(connection, _FAILED, claim, part_id, already="failed", reason=reason)
    if release:
        given_back(connection, claim, now=now)


def uncertain(connection: sa.Connection, claim: Claim, part_id: str, *, repeatable: bool = False) -> OutboxRow:
    """The call was made and its outcome is unknown; one that is ``repeatable`` counts as no resend."""
    move = _UNANSWERED if repeatable else _UNCERTAIN
    return _change(connection, move, claim, part_id, already="uncertain")


def resending(connection: sa.Connection, claim: Claim, part_id: str, *, now: float) -> OutboxRow:
    """An uncertain part as `sending` once more."""
    return _change(connection, _RESENDING, claim, part_id, now=now)


def _change(
    connection: sa.Connection, move: Statement, claim: Claim, part_id: str, *, already: str = "", **values: Any
) -> OutboxRow:
    fence(connection, claim)
    turn, number = split_part_id(part_id)
    moved = move.changes(connection, turn=turn, number=number, **values) == 1
    row = _row(connection, claim, part_id)
    if not moved and row.state != already:
        raise StoreError(f"part {part_id} is {row.state}: this change does not start there")
    return row


def _row(connection: sa.Connection, claim: Claim, part_id: str) -> OutboxRow:
    row = outbox.part(connection, claim.conversation, *split_part_id(part_id))
    if row is None:
        raise LeaseLost(f"part {part_id} is gone: its conversation was forgotten")
    return row
