"""The end of a turn, committed as one: what was said, why, what is to be sent, and that the message is done."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.failpoints import failpoint
from botcore.messages import Message, Outcome, Reply
from botcore.store import outbox
from botcore.store.encoding import (
    clean,
    decode_citations,
    dump,
    encode_attachments,
    encode_citations,
    is_clean,
    place_of,
)
from botcore.store.fence import MINE, after_accepts, lost
from botcore.store.notices import notify
from botcore.store.records import Claim, OutboxRow, TurnEnd
from botcore.store.releases import next_at
from botcore.store.sql import Statement, arg, args, const
from botcore.store.tables import conversation, inbox, turn
from botcore.store.tables import outbox as parts

__all__ = ["after", "commit", "outcome", "reply", "trace"]

_CURSOR_LOCK = 0x626F74
"""PostgreSQL hands out numbers before commit. Committing turns share this lock, a reader of the cursor takes it alone:
no turn below the newest one it sees can still be on its way."""


def _locked(update: Any, dialect: str) -> Any:
    if dialect == "sqlite":
        return update
    return update.returning(sa.func.pg_advisory_xact_lock_shared(const(_CURSOR_LOCK)))


_KEEP = Statement(lambda dialect: _locked(sa.update(conversation).values(last_at=arg("now")).where(*MINE), dialect))
_GIVE_BACK = Statement(
    lambda dialect: _locked(
        sa.update(conversation)
        .values(
            last_at=arg("now"),
            owner=const(""),
            lease_until=const(0),
            next_at=sa.case((arg("unsettled") > const(0), arg("now")), else_=next_at(besides=arg("message"))),
        )
        .where(*MINE),
        dialect,
    )
)
# The text lives on in the turn; a message that failed keeps its payload for the one who looks into it.
_END = Statement(
    sa.update(inbox)
    .values(
        state=arg("outcome"),
        reason=arg("reason"),
        payload=sa.case((arg("keep") > const(0), inbox.c.payload), else_=const("")),
    )
    .where(inbox.c.id == arg("message"), inbox.c.state == const("running"))
)
_INSERT = Statement(
    sa.insert(turn).values(
        **args("id", "message", "started_at", "person", "person_name", "user_platform_id", "user_text"),
        **args("outcome", "text", "citations", "model", "plugin", "reason", "prompt_tokens", "completion_tokens"),
        **args("details", "trace"),
        conversation=arg("key"),
        at=arg("now"),
    )
)
_START_OVER = Statement(
    sa.update(conversation)
    .values(history_from=sa.select(turn.c.number).where(turn.c.id == arg("id")).scalar_subquery())
    .where(conversation.c.key == arg("key"))
)
_REPLY_COLUMNS = (
    turn.c.number,
    turn.c.id,
    turn.c.outcome,
    turn.c.text,
    turn.c.citations,
    turn.c.model,
    turn.c.plugin,
    turn.c.reason,
    turn.c.prompt_tokens,
    turn.c.completion_tokens,
    turn.c.details,
    conversation.c.channel,
    conversation.c.account,
    conversation.c.chat,
    conversation.c.thread,
    conversation.c.private,
)
_REPLIES = sa.select(*_REPLY_COLUMNS).join(conversation, conversation.c.key == turn.c.conversation)
_REPLY = Statement(_REPLIES.where(turn.c.id == arg("id")))
_TRACE = Statement(sa.select(turn.c.trace).where(turn.c.id == arg("id")))
_AFTER = Statement(
    _REPLIES.where(turn.c.number > arg("after"), turn.c.number <= arg("newest"))
    .order_by(turn.c.number)
    .limit(arg("limit"))
    .offset(const(0))
)
_NEWEST = Statement(sa.select(sa.func.coalesce(sa.func.max(turn.c.number), const(0))))
_ALONE = Statement(sa.select(sa.func.pg_advisory_xact_lock(const(_CURSOR_LOCK))))
_MESSAGE = Statement(sa.select(inbox.c.state, inbox.c.turn).where(inbox.c.id == arg("id")))
_PARTS = Statement(sa.select(parts.c.number).where(parts.c.turn == arg("id")).order_by(parts.c.number))


def commit(connection: sa.Connection, claim: Claim, end: TurnEnd, *, now: float) -> list[OutboxRow]:
    """The parts as they now stand in the outbox; a second commit of one turn changes nothing. May raise `LeaseLost`."""
    if claim.message is None:
        raise StoreError("this claim has no message, only parts to deliver: there is no turn to commit")
    key, message = claim.conversation.key, claim.message_id
    if end.release:
        after_accepts(connection, key, claim.epoch)
    give_back = {"message": message, "unsettled": len(end.parts)} if end.release else {}
    hold = _GIVE_BACK if end.release else _KEEP
    if hold.changes(connection, key=key, epoch=claim.epoch, now=now, **give_back) != 1:
        raise lost(claim)
    reply = end.reply if is_clean(end.reply.text, end.reply.reason) else clean(end.reply)
    keep = int(reply.outcome == "failed")
    if claim.buried:  # the message has its outcome already, and the operator's reason
        if _REPLY(connection, id=claim.turn).first() is not None:
            return _committed(connection, claim)
    elif _END.changes(connection, outcome=reply.outcome, reason=reply.reason, keep=keep, message=message) != 1:
        return _committed(connection, claim)
    _insert(connection, claim, end.message or claim.message, end, reply, now)
    notify(connection, "turn", key)
    if end.start_over:
        _START_OVER(connection, id=reply.id, key=key)
    rows = [
        outbox.put(
            connection,
            part if is_clean(part.text) else clean(part),
            message=message,
            sending=index < end.sending,
            now=now,
        )
        for index, part in enumerate(end.parts)
    ]
    failpoint("turn.in_commit")
    return rows


def _committed(connection: sa.Connection, claim: Claim) -> list[OutboxRow]:
    """What an earlier commit of this turn left: its outcome was unknown to the caller who tries again."""
    if _REPLY(connection, id=claim.turn).first() is None:
        raise lost(claim)
    rows = (
        outbox.part(connection, claim.conversation, claim.turn, row.number) for row in _PARTS(connection, id=claim.turn)
    )
    return [row for row in rows if row is not None]


def _insert(connection: sa.Connection, claim: Claim, said: Message, end: TurnEnd, reply: Reply, now: float) -> None:
    _INSERT.changes(
        connection,
        id=reply.id,
        key=claim.conversation.key,
        message=claim.message_id,
        started_at=end.started_at or now,
        now=now,
        person=said.person.id,
        person_name=said.person.name,
        user_platform_id=said.platform_id,
        user_text=said.text,
        outcome=reply.outcome,
        text=reply.text,
        citations=encode_citations(reply.citations),
        model=reply.model,
        plugin=reply.plugin,
        reason=reply.reason,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        details=_details(reply, said),
        trace=dump(end.trace) if end.trace else "",
    )


def _details(reply: Reply, said: Message) -> str:
    found = {"again": reply.again, "attachments": encode_attachments(said.attachments)}
    kept = {name: value for name, value in found.items() if value}
    return dump(kept) if kept else ""


def reply(connection: sa.Connection, id: str) -> Reply | None:
    """The reply of a committed turn."""
    row = _REPLY(connection, id=id).first()
    return None if row is None else _reply(row)


def trace(connection: sa.Connection, id: str) -> Mapping[str, object] | None:
    """What a committed turn was made from."""
    text = _TRACE(connection, id=id).scalar()
    return None if text is None else json.loads(text or "{}")


def outcome(connection: sa.Connection, message: int) -> tuple[Outcome | None, Reply | None]:
    """How a message ended and its reply; (None, None) while it is open or where there is none of that id."""
    row = _MESSAGE(connection, id=message).first()
    if row is None or row.state in ("waiting", "running", "done"):
        return None, None
    if row.state == "rejected":
        return "refused", None
    return row.state, reply(connection, row.turn)


def after(connection: sa.Connection, cursor: int, limit: int) -> list[tuple[int, Reply]]:
    """Committed turns above the cursor, oldest first; nothing can later appear below what was returned."""
    if connection.dialect.name != "sqlite":
        _ALONE(connection)
    newest = _NEWEST(connection).scalar()
    return [(row.number, _reply(row)) for row in _AFTER(connection, after=cursor, newest=newest, limit=limit)]


def _reply(row: Any) -> Reply:
    return Reply(
        id=row.id,
        conversation=place_of(row),
        text=row.text,
        outcome=row.outcome,
        citations=decode_citations(row.citations),
        model=row.model,
        plugin=row.plugin,
        reason=row.reason,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        again=json.loads(row.details).get("again", "") if row.details else "",
    )
