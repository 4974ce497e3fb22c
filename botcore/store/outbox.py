"""What platforms are to be told: one row per part, and its state.

    pending ── begin_sending ──> sending ── sent ──────> sent
       ^                            │ ├──── failed ────> failed
       └──── unsent, displaced ─────┤ └──── uncertain ─> uncertain ── resending ──> sending
                                    └ (surely not sent)      └ found on the platform ─> sent

`sending` is committed before the call, `sent` after it. A row found in `sending` by a new claim is `uncertain`: the
process that began the call is gone, and only the platform knows. The changes of state are in `sends.py`.
"""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from botcore.messages import Conversation
from botcore.ports import Part
from botcore.store.conditions import IS_UNSETTLED
from botcore.store.encoding import decode_citations, encode_citations
from botcore.store.records import OutboxRow
from botcore.store.sql import Statement, arg, args, const, upsert
from botcore.store.tables import outbox

__all__ = ["abandon", "left", "part", "put", "row_from", "unsettled"]

_COLUMNS = (
    outbox.c.turn,
    outbox.c.number,
    outbox.c.state,
    outbox.c.attempt,
    outbox.c.resends,
    outbox.c.not_before,
    outbox.c.started_at,
    outbox.c.platform_id,
    outbox.c.reason,
    outbox.c.last,
    outbox.c.ask_feedback,
    outbox.c.reply_to,
    outbox.c.citations,
    outbox.c.text,
)
_FINAL = ("last", "ask_feedback", "reply_to", "citations", "text")
# An anchor exists already when its turn commits: it keeps its platform id and takes the final text.
_PUT = Statement(
    lambda dialect: (
        upsert(outbox, dialect)
        .values(
            **args("turn", "number", "message", "state", "attempt", "started_at", "platform_id", *_FINAL),
            conversation=arg("key"),
        )
        .on_conflict_do_update(
            index_elements=[outbox.c.turn, outbox.c.number],
            set_={
                **args("state", "started_at", *_FINAL),
                "attempt": outbox.c.attempt + arg("attempt"),
                "resends": const(0),
                "not_before": const(0),
                "reason": const(""),
            },
        )
        .returning(outbox.c.attempt, outbox.c.resends, outbox.c.platform_id)
    )
)
_ONE = Statement(sa.select(*_COLUMNS).where(outbox.c.turn == arg("turn"), outbox.c.number == arg("number")))
_UNSETTLED = Statement(
    sa.select(*_COLUMNS)
    .where(outbox.c.conversation == arg("key"), IS_UNSETTLED)
    .order_by(outbox.c.message, outbox.c.number)
)
_ORPHAN = Statement(
    sa.update(outbox)
    .values(state=const("uncertain"))
    .where(outbox.c.conversation == arg("key"), outbox.c.state == const("sending"))
)
_ABANDON = Statement(
    sa.update(outbox)
    .values(state=const("failed"), reason=arg("reason"))
    .where(outbox.c.turn == arg("turn"), IS_UNSETTLED)
)


def put(connection: sa.Connection, part: Part, *, message: int, sending: bool, now: float) -> OutboxRow:
    """The part as a row, new or in the place of its anchor."""
    ((attempt, resends, platform_id),) = _PUT.rows(
        connection,
        turn=part.turn,
        number=part.number,
        key=part.conversation.key,
        message=message,
        state="sending" if sending else "pending",
        attempt=int(sending),
        started_at=now if sending else 0.0,
        platform_id=part.platform_id,
        last=int(part.last),
        ask_feedback=int(part.ask_feedback),
        reply_to=part.reply_to,
        citations=encode_citations(part.citations),
        text=part.text,
    )
    if platform_id != part.platform_id:
        part = replace(part, platform_id=platform_id)
    return OutboxRow(
        part=part,
        state="sending" if sending else "pending",
        attempt=attempt,
        resends=resends,
        started_at=now if sending else 0.0,
    )


def row_from(row: Any, place: Conversation) -> OutboxRow:
    """A database row as the house knows it."""
    return OutboxRow(
        part=Part(
            id=f"{row.turn}.{row.number}",
            turn=row.turn,
            number=row.number,
            conversation=place,
            text=row.text,
            citations=decode_citations(row.citations),
            last=bool(row.last),
            ask_feedback=bool(row.ask_feedback),
            reply_to=row.reply_to,
            platform_id=row.platform_id,
        ),
        state=row.state,
        attempt=row.attempt,
        resends=row.resends,
        not_before=row.not_before,
        started_at=row.started_at,
        reason=row.reason,
    )


def part(connection: sa.Connection, place: Conversation, turn: str, number: int) -> OutboxRow | None:
    """One part, None where there is none."""
    row = _ONE(connection, turn=turn, number=number).first()
    return None if row is None else row_from(row, place)


def unsettled(connection: sa.Connection, place: Conversation) -> tuple[OutboxRow, ...]:
    """Parts of this conversation that still have to be delivered, oldest turn first."""
    return tuple(row_from(row, place) for row in _UNSETTLED(connection, key=place.key))


def left(connection: sa.Connection, place: Conversation) -> tuple[OutboxRow, ...]:
    """As `unsettled`; what an earlier claim left in the air is uncertain from now on."""
    _ORPHAN(connection, key=place.key)
    return unsettled(connection, place)


def abandon(connection: sa.Connection, turn: str, reason: str) -> None:
    """End what an unfinished turn had begun to send."""
    _ABANDON(connection, turn=turn, reason=reason)
