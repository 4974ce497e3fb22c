"""Intake: every delivery is stored once, and a message may claim its free conversation in the same transaction."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from botcore.failpoints import failpoint
from botcore.messages import Control, Feedback, Incoming, Message
from botcore.ports import Receipt
from botcore.store import controls, feedback
from botcore.store.caps import Full, Who, chat_full, person_full, who
from botcore.store.encoding import clean, encode_message, is_clean
from botcore.store.records import Accepted, Claim
from botcore.store.sql import Statement, arg, args, const, upsert
from botcore.store.tables import conversation, inbox

__all__ = ["Acceptor", "accept", "insert_raw"]

RETRY_AFTER_S = 10.0
"""What a rejected sender is told: about one reply's time, so that one of the waiting ones is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptor:
    """Who accepts, how much may wait, and what runs already."""

    owner: str
    now: float
    lease_s: float
    waiting_per_chat: int
    waiting_per_person: int
    held: dict[Who, int]
    """What this process runs of whom; what is claimed here is added."""


# A free conversation has nothing to do (next_at IS NULL), and so nobody in it. The row is locked either way, so that
# two processes take messages of one conversation in one order.
_CLAIM = Statement(
    lambda dialect: (
        upsert(conversation, dialect)
        .values(
            **args("key", "channel", "account", "chat", "thread", "private", "person", "title", "owner", "epoch"),
            last_at=arg("now"),
            lease_until=arg("until"),
            next_at=arg("now"),
        )
        .on_conflict_do_update(
            index_elements=[conversation.c.key],
            set_={
                "epoch": conversation.c.epoch + const(1),
                "owner": arg("owner"),
                "lease_until": arg("until"),
                "next_at": arg("now"),
                "last_at": arg("now"),
            },
            where=conversation.c.next_at.is_(None),
        )
        .returning(conversation.c.epoch)
    )
)
_UNCLAIM = Statement(
    sa.update(conversation)
    .values(owner=const(""), lease_until=const(0), next_at=sa.null())
    .where(conversation.c.key == arg("key"))
)
_UNMAKE = Statement(sa.delete(conversation).where(conversation.c.key == arg("key")))
_INSERT = Statement(
    lambda dialect: (
        upsert(inbox, dialect)
        .values(
            **args(
                "channel",
                "account",
                "event_id",
                "kind",
                "state",
                "attempts",
                "turn",
                "platform_id",
                "reason",
                "payload",
                "person",
            ),
            conversation=arg("key"),
            received_at=arg("now"),
        )
        .on_conflict_do_nothing(index_elements=[inbox.c.channel, inbox.c.account, inbox.c.event_id])
        .returning(inbox.c.id)
    )
)
_FIRST = Statement(
    sa.select(inbox.c.id, inbox.c.state).where(
        inbox.c.channel == arg("channel"), inbox.c.account == arg("account"), inbox.c.event_id == arg("event_id")
    )
)
_DELETE = Statement(sa.delete(inbox).where(inbox.c.id == arg("id")))


def accept(connection: sa.Connection, records: Sequence[Incoming], by: Acceptor) -> list[Accepted]:
    """What each record has set in motion, in the order given."""
    by = replace(by, held=dict(by.held))  # counted up below, and from the start where this runs twice
    order = range(len(records))
    if len(records) > 1:  # one order of locks for everybody: two accepts cannot wait for each other
        order = sorted(order, key=lambda index: records[index].conversation.key)  # type: ignore[assignment]
    done = {index: _accept_one(connection, records[index], by) for index in order}
    failpoint("accept.in_commit")
    return [done[index] for index in range(len(records))]


def _accept_one(connection: sa.Connection, record: Incoming, by: Acceptor) -> Accepted:
    match record:
        case Message():
            return _message(connection, record, by)
        case Control():
            return _control(connection, clean(record), by)
        case Feedback():
            return _feedback(connection, clean(record), by)


def _message(connection: sa.Connection, message: Message, by: Acceptor) -> Accepted:
    message, payload = _storable(message)
    key, whose, turn = message.conversation.key, who(message), os.urandom(16).hex()
    first_epoch = int(turn[:8], 16)  # not 1: a forgotten conversation that comes back must not meet its old claims
    # Who has nothing running pays nothing here: that is nearly every message.
    full: Full = "person" if whose in by.held and _person_full(connection, whose, by) else ""
    claimed = [] if full else _claimed(connection, message, by, epoch=first_epoch)
    if not claimed and not full:
        full = _full(connection, key, None if whose in by.held else whose, by)  # counted above
    state: Literal["running", "waiting", "rejected"] = "running" if claimed else "rejected" if full else "waiting"
    row = _insert(
        connection, message, by, key=key, kind="message", state=state, turn=turn, payload=payload, reason=full
    )
    if row is None:
        return _duplicate(connection, message, by, undo=claimed[0][0] == first_epoch if claimed else None)
    if full:
        receipt = Receipt(id=row, state="rejected", retry_after=RETRY_AFTER_S)
        return Accepted(record=message, receipt=receipt, full=full)
    if not claimed:
        return Accepted(record=message, receipt=Receipt(id=row))
    if whose:
        by.held[whose] = by.held.get(whose, 0) + 1
    claim = Claim(
        conversation=message.conversation,
        epoch=claimed[0][0],
        message_id=row,
        message=message,
        turn=turn,
        attempts=1,
        received_at=by.now,
    )
    return Accepted(record=message, receipt=Receipt(id=row), claim=claim)


def _storable(message: Message) -> tuple[Message, str]:
    """The message as a database can hold it, which nearly every one is as it comes, and its payload."""
    payload = encode_message(message)
    if "\\u0000" not in payload and is_clean(payload, message.event_id, message.conversation.key):
        return message, payload
    message = clean(message)
    return message, encode_message(message)


def _claimed(connection: sa.Connection, message: Message, by: Acceptor, *, epoch: int) -> list[Any]:
    """The epoch under which the message's conversation is this process's now; nothing where it is not free."""
    place = message.conversation
    return _CLAIM.rows(
        connection,
        key=place.key,
        channel=place.channel,
        account=place.account,
        chat=place.chat,
        thread=place.thread,
        private=int(place.private),
        person=message.person.id,
        title=_title(message),
        now=by.now,
        owner=by.owner,
        epoch=epoch,
        until=by.now + by.lease_s,
    )


def _full(connection: sa.Connection, key: str, whose: Who | None, by: Acceptor) -> Full:
    if _person_full(connection, whose, by):
        return "person"
    return "chat" if chat_full(connection, key, by.waiting_per_chat) else ""


def _person_full(connection: sa.Connection, whose: Who | None, by: Acceptor) -> bool:
    return person_full(connection, whose, by.held, by.waiting_per_person)


def _title(message: Message) -> str:
    """What a list of conversations calls one that begins so: its first words, or its first file."""
    return (message.text or next((file.name for file in message.attachments), ""))[:80]


def _insert(
    connection: sa.Connection,
    record: Incoming,
    by: Acceptor,
    *,
    key: str,
    kind: str,
    state: str,
    turn: str = "",
    payload: str = "",
    reason: str = "",
) -> int | None:
    row = _INSERT.rows(
        connection,
        channel=record.conversation.channel,
        account=record.conversation.account,
        event_id=record.event_id,
        kind=kind,
        key=key,
        state=state,
        attempts=int(state == "running"),
        turn=turn,
        platform_id=record.platform_id if isinstance(record, Message) else "",
        now=by.now,
        reason=reason,
        payload=payload,
        person=record.person.id,
    )
    return row[0][0] if row else None


def _duplicate(connection: sa.Connection, record: Incoming, by: Acceptor, *, undo: bool | None = None) -> Accepted:
    """The first delivery's receipt; ``undo`` takes back the claim just made (True: with its conversation)."""
    if undo is not None:
        (_UNMAKE if undo else _UNCLAIM)(connection, key=record.conversation.key)
    first = _FIRST(
        connection,
        channel=record.conversation.channel,
        account=record.conversation.account,
        event_id=record.event_id,
    ).first()
    if first is None:  # old enough to be let go, just now
        return _accept_one(connection, record, by)
    if first.state == "rejected":  # the sender was told to come again: this is that second try
        _DELETE(connection, id=first.id)
        return _accept_one(connection, record, by)
    return Accepted(record=record, receipt=Receipt(id=first.id, duplicate=True))


def _control(connection: sa.Connection, control: Control, by: Acceptor) -> Accepted:
    key = control.conversation.key
    controls.lock(connection, control)
    row = _insert(connection, control, by, key=key, kind="control", state="done")
    if row is None:
        return _duplicate(connection, control, by)
    effect = controls.apply(connection, control, row)
    if effect.begins is not None:
        return _message(connection, effect.begins, by)
    if effect.follows is not None:
        _follow(connection, effect.follows, by)
    return Accepted(record=control, receipt=Receipt(id=row), stops=effect.stops)


def _follow(connection: sa.Connection, message: Message, by: Acceptor) -> None:
    """The edited text of a running message, waiting behind the turn that is being stopped."""
    _insert(
        connection,
        message,
        by,
        key=message.conversation.key,
        kind="message",
        state="waiting",
        turn=os.urandom(16).hex(),
        payload=encode_message(message),
    )


def _feedback(connection: sa.Connection, record: Feedback, by: Acceptor) -> Accepted:
    row = _insert(connection, record, by, key=record.conversation.key, kind="feedback", state="done")
    if row is None:
        return _duplicate(connection, record, by)
    known = feedback.store(connection, record, now=by.now)
    return Accepted(record=record, receipt=Receipt(id=row), feedback=known)


def insert_raw(
    connection: sa.Connection, *, channel: str, account: str, event_id: str, payload: str, reason: str, now: float
) -> None:
    """A delivery nobody can use, kept as a dead letter; the same delivery again changes nothing."""
    _INSERT(
        connection,
        channel=channel,
        account=account,
        event_id=event_id,
        kind="raw",
        key="",
        state="dead",
        attempts=0,
        turn="",
        platform_id="",
        now=now,
        reason=reason,
        payload=payload or "(empty)",
        person="",
    )
