"""Conversations as people and prompts see them: the lines that were said, oldest first. Reading only.

A turn is one row; it is told here as two entries, the person's line (2 × number) and the bot's (2 × number + 1). Where
a question was answered again, prompts see the new exchange in the place of the old one, people see both.
"""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from botcore.messages import Entry, Message, Person
from botcore.store.conditions import IS_OPEN
from botcore.store.encoding import Unreadable, decode_attachments, decode_citations, decode_message, place_of
from botcore.store.sql import Statement, arg, const, one_of
from botcore.store.tables import conversation, feedback, inbox, outbox, turn

__all__ = ["conversations", "entries", "exchange", "open_messages", "window"]

_NO_END = 1 << 62
_CARRIER = (
    sa.select(outbox.c.platform_id)
    .where(outbox.c.turn == turn.c.id, outbox.c.last == const(1))
    .limit(const(1))
    .offset(const(0))
    .scalar_subquery()
)
_VERDICT = (
    sa.select(feedback.c.value)
    .where(feedback.c.turn == turn.c.id, feedback.c.person == arg("reader"))
    .order_by(feedback.c.at.desc())
    .limit(const(1))
    .offset(const(0))
    .scalar_subquery()
)
_COLUMNS = (
    turn.c.number,
    turn.c.id,
    turn.c.started_at,
    turn.c.at,
    turn.c.person,
    turn.c.person_name,
    turn.c.user_platform_id,
    turn.c.user_text,
    turn.c.outcome,
    turn.c.text,
    turn.c.citations,
    turn.c.model,
    turn.c.plugin,
    turn.c.completion_tokens,
    turn.c.details,
    _CARRIER.label("carrier"),
)
_SINCE = turn.c.number > (
    sa.select(conversation.c.history_from).where(conversation.c.key == arg("key")).scalar_subquery()
)
_SINCE_RESET = (
    sa.select(*_COLUMNS, const(0).label("verdict"))
    .where(turn.c.conversation == arg("key"), _SINCE)
    .order_by(turn.c.number.desc())
    .limit(arg("limit"))
    .offset(const(0))
)
_WINDOW = Statement(_SINCE_RESET)
_BEFORE = turn.alias("before")
_WINDOW_BEFORE = Statement(
    _SINCE_RESET.where(
        turn.c.number < sa.select(_BEFORE.c.number).where(_BEFORE.c.id == arg("before")).scalar_subquery()
    )
)
_HISTORY = Statement(
    sa.select(*_COLUMNS, _VERDICT.label("verdict"))
    .where(turn.c.conversation == arg("key"), turn.c.number >= arg("after"), turn.c.number <= arg("before"))
    .order_by(turn.c.number.desc())
    .limit(arg("limit"))
    .offset(const(0))
)
_EXCHANGES = (
    sa.select(*_COLUMNS, const(0).label("verdict"))
    .where(turn.c.conversation == arg("key"))
    .order_by(turn.c.number.desc())
    .limit(const(1))
    .offset(const(0))
)
_BY_REPLY = Statement(_EXCHANGES.where(turn.c.id == arg("reply")))
_BY_CARRIER = Statement(
    _EXCHANGES.where(
        turn.c.id.in_(
            sa.select(outbox.c.turn).where(
                outbox.c.conversation == arg("key"),
                outbox.c.platform_id == arg("platform_id"),
                outbox.c.platform_id != const(""),
            )
        )
    )
)
_MADE = sa.or_(turn.c.model != const(""), turn.c.citations != const(""))
_JUDGEABLE = Statement(_EXCHANGES.where(turn.c.outcome == const("answered"), _MADE))
_REPEATABLE = Statement(_EXCHANGES.where(sa.or_(one_of(turn.c.outcome, "stopped", "refused", "failed"), _MADE), _SINCE))
_CONVERSATIONS = Statement(
    sa.select(conversation.c.chat, conversation.c.title, conversation.c.last_at)
    .where(
        conversation.c.channel == arg("channel"),
        conversation.c.person == arg("person"),
        conversation.c.last_at <= arg("until"),
    )
    .order_by(conversation.c.last_at.desc())
    .limit(arg("limit"))
    .offset(const(0))
)
_OPEN = Statement(
    sa.select(inbox.c.id, inbox.c.event_id, inbox.c.payload, conversation)
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(inbox.c.conversation == arg("key"), IS_OPEN)
    .order_by(inbox.c.id)
)


def window(connection: sa.Connection, key: str, limit: int, *, before: str = "") -> list[Entry]:
    """The newest ``limit`` lines since the conversation was last started over, oldest first; before a turn, or all."""
    if limit <= 0:
        return []
    values = {"key": key, "limit": limit // 2 + 1}
    rows = _WINDOW_BEFORE(connection, before=before, **values) if before else _WINDOW(connection, **values)
    return _current(_tell(rows))[-limit:]


def _current(lines: list[Entry]) -> list[Entry]:
    """Each question once: with the newest answer that was given again, in the place and under the ids of the first."""
    newest = {line.again: line.reply for line in lines if line.again and line.outcome == "answered"}
    told = {(line.reply, line.role): line for line in lines}
    return [
        replace(told[newest.get(line.reply, line.reply), line.role], id=line.id) for line in lines if not line.again
    ]


def entries(connection: sa.Connection, key: str, *, after: int, before: int, limit: int, reader: str) -> list[Entry]:
    """The newest ``limit`` lines above entry id ``after`` and below ``before``, oldest first; 0 = no bound.

    With the reader's own verdicts.
    """
    if limit <= 0:
        return []
    end = before or _NO_END
    bounds = {"after": (after + 1) // 2, "before": (end - 1) // 2, "limit": limit // 2 + 1}
    rows = _HISTORY(connection, key=key, reader=reader, **bounds)
    return [entry for entry in _tell(rows) if after < entry.id < end][-limit:]


def exchange(
    connection: sa.Connection, key: str, *, reply: str = "", platform_id: str = "", broken: bool = False
) -> tuple[Entry, Entry] | None:
    """Question and reply: by the reply's id, by a message that carried it, or the newest one worth a verdict.

    ``broken``: or the newest one that was stopped, refused or failed, since the conversation was last started over.
    """
    if reply:
        row = _BY_REPLY(connection, key=key, reply=reply).first()
    elif platform_id:
        row = _BY_CARRIER(connection, key=key, platform_id=platform_id).first()
    else:
        row = (_REPEATABLE if broken else _JUDGEABLE)(connection, key=key).first()
    return None if row is None else _exchange(row)


def _tell(rows: Any) -> list[Entry]:
    return [entry for row in reversed(rows) for entry in _exchange(row)]


def _exchange(row: Any) -> tuple[Entry, Entry]:
    details = json.loads(row.details) if row.details else {}
    again = details.get("again", "")
    said = Entry(
        id=2 * row.number,
        role="user",
        text=row.user_text,
        at=row.started_at,
        person=Person(id=row.person, name=row.person_name),
        reply=row.id,
        outcome=row.outcome,
        platform_id=row.user_platform_id,
        again=again,
        attachments=decode_attachments(details.get("attachments", ())),
    )
    answered = Entry(
        id=2 * row.number + 1,
        role="assistant",
        text=row.text,
        at=row.at,
        reply=row.id,
        outcome=row.outcome,
        tokens=row.completion_tokens,
        model=row.model,
        plugin=row.plugin,
        citations=decode_citations(row.citations),
        platform_id=row.carrier or "",
        feedback=row.verdict or 0,
        again=again,
    )
    return said, answered


def conversations(
    connection: sa.Connection, channel: str, person: str, *, until: float, limit: int
) -> list[tuple[str, str, float]]:
    """(chat, first line, last activity) of the newest ``limit`` conversations this person began, newest first.

    ``until``: in which nothing was said after that moment; 0 = no bound.
    """
    rows = _CONVERSATIONS(connection, channel=channel, person=person, until=until or _NO_END, limit=limit)
    return [(row.chat, row.title, row.last_at) for row in rows]


def open_messages(connection: sa.Connection, key: str) -> list[tuple[int, Message]]:
    """Messages that have no outcome yet, oldest first, with their inbox ids; what nobody can read is left out."""
    found = list[tuple[int, Message]]()
    for row in _OPEN(connection, key=key):
        with suppress(Unreadable):
            found.append((row.id, decode_message(row.payload, event_id=row.event_id, conversation=place_of(row))))
    return found
