"""Conditions on rows that several of the store's statements ask for, each said once."""

from typing import Any

import sqlalchemy as sa

from botcore.store.sql import arg, const, one_of
from botcore.store.tables import conversation, inbox, outbox

__all__ = ["IN_CHAT", "IS_OPEN", "IS_STOPPED", "IS_UNSETTLED"]

IS_OPEN: sa.ColumnElement[bool] = one_of(inbox.c.state, "waiting", "running")
"""A message without an outcome yet."""
IS_STOPPED: sa.ColumnElement[bool] = sa.or_(
    inbox.c.id <= conversation.c.stopped_through, inbox.c.reason == const("stopped")
)
"""An open message that only has to end: all that its conversation had was stopped, or this one alone."""
IS_UNSETTLED: sa.ColumnElement[bool] = one_of(outbox.c.state, "pending", "sending", "uncertain")
"""A part that still has to be delivered."""
IN_CHAT: tuple[Any, Any, Any] = (
    conversation.c.chat == arg("chat"),
    conversation.c.channel == arg("channel"),
    conversation.c.account == arg("account"),
)
"""A conversation of this chat, in whichever thread: not every platform says which one a message was in."""
