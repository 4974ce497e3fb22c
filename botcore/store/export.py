"""Conversations as they are handed to whoever asks for them: plain records, page by page, in bounded memory.

What the bot was made from (prompts, traces) and what only the core needs stay out.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from botcore.messages import Attachment, Conversation
from botcore.store.database import Database
from botcore.store.encoding import Unreadable, decode_attachments, decode_citations, decode_message
from botcore.store.tables import conversation, feedback, inbox, turn

__all__ = ["Wanted", "records"]

PAGE = 100
"""Exchanges, or conversations, in memory at once."""

NOWHERE = Conversation(channel="", chat="")
Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which exchanges; empty = all."""

    channel: str = ""
    person: str = ""
    """Id of who wrote."""
    conversation: str = ""
    """Its key, as in an exported line."""
    since: float = 0.0
    """Unix seconds of the reply."""


async def records(database: Database, wanted: Wanted) -> AsyncGenerator[Record, None]:
    """Each conversation that has an exchange of those wanted, followed by these exchanges, oldest first.

    Of one person also what has no exchange yet, or never had, and their feedback, wherever it was given.
    The database is read as it is from page to page: what is said meanwhile may or may not be among them.
    """
    after = ""
    while places := await database.read(_places, wanted=wanted, after=after):
        for place in places:
            async with aclosing(_conversation(database, wanted, place)) as told:
                async for record in told:
                    yield record
        after = places[-1]["conversation"]
    for loose in (_open, _feedback) if wanted.person else ():
        last = 0
        while found := await database.read(loose, wanted=wanted, after=last):
            for _, record in found:
                yield record
            last = found[-1][0]


async def _conversation(database: Database, wanted: Wanted, place: Record) -> AsyncGenerator[Record, None]:
    key, after = place["conversation"], 0
    while exchanges := await database.read(_exchanges, wanted=wanted, key=key, after=after):
        if after == 0:
            yield place
        for exchange in exchanges:
            yield exchange
        after = exchanges[-1]["number"]


def _places(connection: sa.Connection, *, wanted: Wanted, after: str) -> list[Record]:
    query = sa.select(conversation).where(conversation.c.key > after)
    if wanted.conversation:
        query = query.where(conversation.c.key == wanted.conversation)
    if wanted.channel:
        query = query.where(conversation.c.channel == wanted.channel)
    if wanted.since:
        query = query.where(conversation.c.last_at >= wanted.since)
    if wanted.person:  # not asked conversation by conversation: there may be very many
        theirs = sa.select(turn.c.conversation).where(turn.c.person == wanted.person)
        query = query.where(conversation.c.key.in_(theirs))
    return [_place(row) for row in connection.execute(query.order_by(conversation.c.key).limit(PAGE))]


def _exchanges(connection: sa.Connection, *, wanted: Wanted, key: str, after: int) -> list[Record]:
    query = sa.select(turn).where(turn.c.conversation == key, turn.c.number > after, turn.c.at >= wanted.since)
    if wanted.person:
        query = query.where(turn.c.person == wanted.person)
    rows = connection.execute(query.order_by(turn.c.number).limit(PAGE)).all()
    judged = _judgements(connection, [row.id for row in rows])
    return [_exchange(row, judged.get(row.id, [])) for row in rows]


def _judgements(connection: sa.Connection, turns: Sequence[str]) -> Mapping[str, list[Record]]:
    """By turn, oldest first."""
    found = dict[str, list[Record]]()
    query = sa.select(feedback).where(feedback.c.turn.in_(turns)).order_by(feedback.c.id)
    for row in connection.execute(query):
        found.setdefault(row.turn, []).append(_judgement(row))
    return found


def _open(connection: sa.Connection, *, wanted: Wanted, after: int) -> list[tuple[int, Record]]:
    """Messages of a person that wait, run, failed or are dead letters: those whose payload is kept."""
    query = _of_person(sa.select(inbox), inbox, wanted, inbox.c.received_at).where(inbox.c.payload != "")
    rows = connection.execute(query.where(inbox.c.id > after).order_by(inbox.c.id).limit(PAGE))
    return [(row.id, _message(row)) for row in rows]


def _feedback(connection: sa.Connection, *, wanted: Wanted, after: int) -> list[tuple[int, Record]]:
    query = _of_person(sa.select(feedback), feedback, wanted, feedback.c.at)
    rows = connection.execute(query.where(feedback.c.id > after).order_by(feedback.c.id).limit(PAGE))
    about = ((row.id, {"conversation": row.conversation, "reply_id": row.turn} | _judgement(row)) for row in rows)
    return [(id, {"record": "feedback"} | record) for id, record in about]


def _of_person(query: Any, table: sa.Table, wanted: Wanted, at: Any) -> Any:
    query = query.where(table.c.person == wanted.person, at >= wanted.since)
    for column, value in ((table.c.channel, wanted.channel), (table.c.conversation, wanted.conversation)):
        query = query.where(column == value) if value else query
    return query


def _message(row: Any) -> Record:
    text, files = _said(row)
    return {
        "record": "message",
        "conversation": row.conversation,
        "at": row.received_at,
        "state": row.state,
        "reason": row.reason,
        "message": text,
        "attachments": [{"name": a.name, "media_type": a.media_type, "size": a.size} for a in files],
    }


def _said(row: Any) -> tuple[str, Sequence[Attachment]]:
    """Text and files; what nobody can read is handed out as it is stored."""
    try:
        said = decode_message(row.payload, event_id=row.event_id, conversation=NOWHERE)
    except Unreadable:
        return row.payload, ()
    return said.text, said.attachments


def _place(row: Any) -> Record:
    return {
        "record": "conversation",
        "conversation": row.key,
        "channel": row.channel,
        "account": row.account,
        "chat": row.chat,
        "thread": row.thread,
        "private": bool(row.private),
        "person": row.person,
        "title": row.title,
        "last_at": row.last_at,
    }


def _exchange(row: Any, judgements: Sequence[Record]) -> Record:
    details = json.loads(row.details or "{}")
    files = decode_attachments(details.get("attachments", ()))
    return {
        "record": "exchange",
        "conversation": row.conversation,
        "number": row.number,
        "reply_id": row.id,
        "at": row.at,
        "asked_at": row.started_at,
        "person": {"id": row.person, "name": row.person_name},
        "message": row.user_text,
        "attachments": [{"name": a.name, "media_type": a.media_type, "size": a.size} for a in files],
        "reply": row.text,
        "outcome": row.outcome,
        "reason": row.reason,
        "again": details.get("again", ""),
        "plugin": row.plugin,
        "model": row.model,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "citations": [asdict(citation) for citation in decode_citations(row.citations)],
        "feedback": judgements,
    }


def _judgement(row: Any) -> Record:
    return {
        "at": row.at,
        "person": {"id": row.person, "name": row.person_name},
        "value": row.value,
        "reasons": json.loads(row.reasons or "[]"),
        "comment": row.comment,
        "correction": row.correction,
    }
