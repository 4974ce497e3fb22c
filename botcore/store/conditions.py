"""Conditions on rows that several of the store's statements ask for, each said once."""

from typing import Any

import sqlalchemy as sa

from botcore.store.sql import arg, one_of
from botcore.store.tables import conversation, inbox, outbox

__all__ = ["IN_CHAT", "IS_OPEN", "IS_UNSETTLED"]

IS_OPEN: sa.ColumnElement[bool] = one_of(inbox.c.state, "waiting", "running")
"""A message without an outcome yet."""
IS_UNSETTLED: sa.ColumnElement[bool] = one_of(outbox.c.state, "pending", "sending", "uncertain")
"""A part that still has to be delivered."""
IN_CHAT: tuple[Any, Any, Any] = (
    conversation.c.chat == arg("chat"),
    conversation.c.channel == arg("channel"),
    conversation.c.account == arg("account"),
)
"""A conversation of this chat, in whichever thread: not every platform says which one a message was in."""
