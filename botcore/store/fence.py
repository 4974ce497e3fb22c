"""The fence: whoever was overtaken writes nothing more.

A claim raises its conversation's epoch, and every write made under it looks at that first, in its own transaction.
"""

from typing import Any

import sqlalchemy as sa

from botcore.errors import LeaseLost
from botcore.store.records import Claim
from botcore.store.sql import Statement, arg
from botcore.store.tables import conversation

__all__ = ["MINE", "after_accepts", "fence", "lost"]

MINE: tuple[Any, Any] = (conversation.c.key == arg("key"), conversation.c.epoch == arg("epoch"))
"""The conversation, while the claim of this epoch is its newest."""

_FENCE = Statement(sa.select(conversation.c.epoch).where(*MINE).with_for_update(key_share=True))


def lost(claim: Claim) -> LeaseLost:
    """The error of a worker that was overtaken."""
    return LeaseLost(f"conversation {claim.conversation.key} is no longer held by claim {claim.epoch}: drop its work")


def fence(connection: sa.Connection, claim: Claim) -> None:
    """Nobody has claimed the conversation since, and nobody can until this transaction ends. Raises `LeaseLost`."""
    if not _FENCE.rows(connection, key=claim.conversation.key, epoch=claim.epoch):
        raise lost(claim)


def after_accepts(connection: sa.Connection, key: str, epoch: int) -> None:
    """Whoever was accepting in this conversation has committed, before it is given back in a statement of its own.

    PostgreSQL: a statement that waits for a row goes on with what it had seen before. It would not see the message that
    was stored meanwhile, and nobody would ever look for that. After `fence` there is nothing to wait for.
    """
    if connection.dialect.name != "sqlite":
        _FENCE.rows(connection, key=key, epoch=epoch)
