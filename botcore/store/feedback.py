"""Judgements: one per person and reply, the last one counts. One that comes before its reply is known waits here."""

import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from botcore.messages import Conversation, Feedback, Person
from botcore.store.conditions import IN_CHAT
from botcore.store.encoding import dump, place_of
from botcore.store.sql import Statement, arg, args, const, upsert
from botcore.store.tables import conversation, feedback, outbox, turn

__all__ = ["for_turn", "match", "since", "store"]

_REPLY = Statement(sa.select(turn.c.number).where(turn.c.id == arg("turn")))
# A platform's message id is unique within a chat.
_CARRIER = Statement(
    sa.select(outbox.c.turn)
    .join(conversation, conversation.c.key == outbox.c.conversation)
    .join(turn, turn.c.id == outbox.c.turn)  # a placeholder carries nothing yet
    .where(outbox.c.platform_id == arg("platform_id"), outbox.c.platform_id != const(""), *IN_CHAT)
)
_LOCK_CLAIMED = Statement(
    sa.select(conversation.c.key)
    .where(*IN_CHAT, conversation.c.next_at.is_not(None))
    .order_by(conversation.c.key)
    .with_for_update(key_share=True)
)
_VERDICT = (
    "person_name", "turn", "platform_id", "event_id", "at", "value", "reasons", "comment", "correction",
)  # fmt: skip
_SAID = ("reasons", "comment", "correction")


def _kept(name: str) -> Any:
    """What was said stays where a judgement of the same value says nothing in its place."""
    same = sa.and_(feedback.c.value == arg("value"), arg(name) == const(""))
    return sa.case((same, feedback.c[name]), else_=arg(name))


_PUT = Statement(
    lambda dialect: (
        upsert(feedback, dialect)
        .values(**args("channel", "account", "chat", "target", "person", *_VERDICT), conversation=arg("key"))
        .on_conflict_do_update(
            index_elements=[
                feedback.c.channel,
                feedback.c.account,
                feedback.c.chat,
                feedback.c.target,
                feedback.c.person,
            ],
            set_={**args(*_VERDICT), "conversation": arg("key"), **{name: _kept(name) for name in _SAID}},
            where=feedback.c.at <= arg("at"),
        )
        .returning(feedback.c.reasons, feedback.c.comment, feedback.c.correction)
    )
)
_OF_TARGET = (
    feedback.c.channel == arg("channel"),
    feedback.c.account == arg("account"),
    feedback.c.chat == arg("chat"),
    feedback.c.target == arg("target"),
)
_TAKE_BACK = Statement(sa.delete(feedback).where(*_OF_TARGET, feedback.c.person == arg("person")))
_COLUMNS = (
    feedback.c.channel,
    feedback.c.account,
    feedback.c.chat,
    feedback.c.person,
    feedback.c.person_name,
    feedback.c.turn,
    feedback.c.platform_id,
    feedback.c.event_id,
    feedback.c.at,
    feedback.c.value,
    feedback.c.reasons,
    feedback.c.comment,
    feedback.c.correction,
)
_EARLY = Statement(sa.select(*_COLUMNS).where(*_OF_TARGET))
_ANY_EARLY = Statement(sa.select(feedback.c.id).where(*_OF_TARGET).limit(const(1)).offset(const(0)))
# Its conversation may be unknown: a reaction to what we have never seen.
_PLACED = sa.select(
    *_COLUMNS,
    feedback.c.id,
    sa.func.coalesce(conversation.c.thread, const("")).label("thread"),
    sa.func.coalesce(conversation.c.private, const(1)).label("private"),
).outerjoin(conversation, conversation.c.key == feedback.c.conversation)
_OF_TURN = Statement(_PLACED.where(feedback.c.turn == arg("turn")).order_by(feedback.c.id))
_SINCE = Statement(
    _PLACED.join(turn, turn.c.id == feedback.c.turn)
    .where(sa.or_(feedback.c.at > arg("since"), sa.and_(feedback.c.at == arg("since"), feedback.c.id > arg("after"))))
    .order_by(feedback.c.at, feedback.c.id)
    .limit(arg("limit"))
    .offset(const(0))
)


def store(connection: sa.Connection, record: Feedback, *, now: float) -> Feedback | None:
    """Keep the judgement (or take it back); returns it as it now stands, None where its reply is not known yet."""
    place = record.conversation
    reply = record.reply or (_carrier(connection, place, record.platform_id) if record.platform_id else "")
    if reply and record.platform_id:  # what was said of its placeholder
        _TAKE_BACK(connection, **_target(place, record.platform_id, ""), person=record.person.id)
    record = replace(record, reply=reply, at=now)
    if _taken_back(record):
        _TAKE_BACK(connection, **_target(place, record.platform_id, reply), person=record.person.id)
    else:
        record = _put(connection, record)
    known = reply and _REPLY(connection, turn=reply).first() is not None
    return record if known else None


def _taken_back(record: Feedback) -> bool:
    return not (record.value or record.comment or record.correction or record.reasons)


def _carrier(connection: sa.Connection, place: Conversation, platform_id: str) -> str:
    """The turn whose reply this message of the platform carries."""
    chat = {"channel": place.channel, "account": place.account, "chat": place.chat}
    found = _CARRIER.rows(connection, platform_id=platform_id, **chat)
    if not found and connection.dialect.name != "sqlite":
        # It may be written down just now that it is there (`match`): that is waited for, or waits for this.
        _LOCK_CLAIMED.rows(connection, **chat)
        found = _CARRIER.rows(connection, platform_id=platform_id, **chat)
    return found[0][0] if found else ""


def _target(place: Conversation, platform_id: str, reply: str) -> dict[str, str]:
    target = f"turn:{reply}" if reply else f"sent:{platform_id}"
    return {"channel": place.channel, "account": place.account, "chat": place.chat, "target": target}


def _put(connection: sa.Connection, record: Feedback) -> Feedback:
    """The judgement with what was said before and still holds."""
    kept = _PUT(
        connection,
        **_target(record.conversation, record.platform_id, record.reply),
        person=record.person.id,
        person_name=record.person.name,
        turn=record.reply,
        platform_id=record.platform_id,
        key=record.conversation.key,
        event_id=record.event_id,
        at=record.at,
        value=record.value,
        reasons=dump(record.reasons) if record.reasons else "",
        comment=record.comment,
        correction=record.correction,
    ).first()
    if kept is None:  # a later one is there already
        return record
    return replace(record, reasons=_reasons(kept.reasons), comment=kept.comment, correction=kept.correction)


def match(connection: sa.Connection, place: Conversation, platform_id: str, reply: str) -> list[Feedback]:
    """The judgements that had waited for this message of the platform, bound to their reply from now on."""
    if not platform_id:
        return []
    waiting = _target(place, platform_id, "")
    if not _ANY_EARLY.rows(connection, **waiting):
        return []  # nearly always
    if not _REPLY.rows(connection, turn=reply):
        return []  # it carries no reply yet
    found = [_feedback(row, place, reply) for row in _EARLY(connection, **waiting)]
    for record in found:
        _TAKE_BACK(connection, **waiting, person=record.person.id)
    return [_put(connection, record) for record in found]


def since(connection: sa.Connection, at: float, after: int, limit: int) -> list[tuple[float, int, Feedback]]:
    """(when, row, judgement) of replies that are known, from ``at`` on and behind row ``after`` of that moment."""
    rows = _SINCE(connection, since=at, after=after, limit=limit)
    return [(row.at, row.id, _feedback(row, place_of(row), row.turn)) for row in rows]


def for_turn(connection: sa.Connection, reply: str) -> list[Feedback]:
    """All judgements of one reply, oldest first."""
    return [_feedback(row, place_of(row), reply) for row in _OF_TURN(connection, turn=reply)]


def _reasons(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text else ()


def _feedback(row: Any, place: Conversation, reply: str) -> Feedback:
    return Feedback(
        event_id=row.event_id,
        conversation=place,
        person=Person(id=row.person, name=row.person_name),
        reply=reply,
        platform_id=row.platform_id,
        value=row.value,
        reasons=_reasons(row.reasons),
        comment=row.comment,
        correction=row.correction,
        at=row.at,
    )
