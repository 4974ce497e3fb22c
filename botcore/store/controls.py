"""Stop, edit, delete: orders about earlier messages. They need no lease; their mark holds after a crash too."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from botcore.messages import Control, Message
from botcore.store.conditions import IN_CHAT, IS_OPEN
from botcore.store.encoding import Unreadable, decode_message, encode_message
from botcore.store.notices import notify
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox, outbox

__all__ = ["Effect", "apply", "lock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a control asks for beyond its own marks."""

    stops: str = ""
    """Key of the conversation whose running turn must be stopped."""
    follows: Message | None = None
    """A message to be stored as a new row, behind the one that is being stopped."""
    begins: Message | None = None
    """A message that was never taken before, to be taken like any other."""


_LOCK = Statement(
    sa.select(conversation.c.key).where(*IN_CHAT).order_by(conversation.c.key).with_for_update(key_share=True)
)
_STOP = Statement(
    sa.update(conversation)
    .values(stopped_through=arg("through"))
    .where(conversation.c.key == arg("key"), conversation.c.stopped_through < arg("through"))
)
# The one row: in a group what waits below it may be somebody else's, whose turn comes later.
_STOP_ONE = Statement(sa.update(inbox).values(reason=const("stopped")).where(inbox.c.id == arg("id")))
_RUNNING = Statement(sa.select(inbox.c.id).where(inbox.c.conversation == arg("key"), inbox.c.state == const("running")))
_TARGET = Statement(
    sa.select(
        inbox.c.id,
        inbox.c.state,
        inbox.c.event_id,
        inbox.c.payload,
        inbox.c.conversation,
        conversation.c.thread,
        conversation.c.private,
        sa.or_(inbox.c.attempts > const(0), sa.exists().where(outbox.c.turn == inbox.c.turn)).label("begun"),
    )
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(*IN_CHAT, IS_OPEN, inbox.c.platform_id == arg("target"))
    .order_by(inbox.c.id.desc())
    .with_for_update(of=inbox, key_share=True)
)
_KNOWN = Statement(
    sa.select(inbox.c.id)
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(*IN_CHAT, inbox.c.platform_id == arg("target"), inbox.c.state != const("rejected"))
)
_REWRITE = Statement(sa.update(inbox).values(payload=arg("payload")).where(inbox.c.id == arg("id")))
_END = Statement(
    sa.update(inbox)
    .values(state=const("stopped"), reason=const("deleted by its author"), payload=const(""))
    .where(inbox.c.id == arg("id"))
)


def lock(connection: sa.Connection, control: Control) -> None:
    """Keep other processes from claiming in this chat until the control is committed (PostgreSQL)."""
    if connection.dialect.name != "sqlite":
        place = control.conversation
        _LOCK(connection, channel=place.channel, account=place.account, chat=place.chat)


def apply(connection: sa.Connection, control: Control, row: int) -> Effect:
    """Mark what the control is about; ``row`` is its own inbox id, above every message it can mean."""
    if control.kind == "stop":
        key = control.conversation.key
        _STOP(connection, key=key, through=row)
        return _stop_running(connection, key) if _RUNNING(connection, key=key).first() else Effect()
    target = _first(_TARGET, connection, control)
    if target is None or not control.target:
        return _unopened(connection, control)
    return _delete(connection, target) if control.kind == "delete" else _edit(connection, control, target)


def _first(question: Statement, connection: sa.Connection, control: Control) -> Any:
    place = control.conversation
    return question(
        connection, channel=place.channel, account=place.account, chat=place.chat, target=control.target
    ).first()


def _unopened(connection: sa.Connection, control: Control) -> Effect:
    """Nothing to change: it has ended already, or was never taken; where it can be taken now, it begins."""
    if control.message is None or _first(_KNOWN, connection, control):
        return Effect()
    return Effect(begins=control.message)


def _delete(connection: sa.Connection, target: Any) -> Effect:
    if target.state == "waiting" and not target.begun:
        _END(connection, id=target.id)
        return Effect()
    return _stop_one(connection, target)


def _stop_running(connection: sa.Connection, key: str) -> Effect:
    """End what runs there, in whichever process."""
    notify(connection, "stop", key)
    return Effect(stops=key)


def _stop_one(connection: sa.Connection, target: Any) -> Effect:
    _STOP_ONE(connection, id=target.id)
    return _stop_running(connection, target.conversation) if target.state == "running" else Effect()


def _edit(connection: sa.Connection, control: Control, target: Any) -> Effect:
    place = replace(control.conversation, thread=target.thread, private=bool(target.private))
    try:
        said = decode_message(target.payload, event_id=target.event_id, conversation=place)
    except Unreadable:
        return Effect()  # whoever claims it sets it aside
    if said.text == control.text:
        return Effect()  # Telegram also calls an edit what changes no word, such as a link's preview that came later
    edited = replace(said, text=control.text)
    if target.state == "waiting":
        _REWRITE(connection, id=target.id, payload=encode_message(edited))
        return Effect()
    stop = _stop_one(connection, target)
    # It was written when it was edited; how long the first text has waited is over with its turn.
    return Effect(stops=stop.stops, follows=replace(edited, event_id=f"{control.event_id}:edit", sent_at=0.0))
