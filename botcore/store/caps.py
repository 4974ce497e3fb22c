"""How much may wait: in one conversation, and of one person over all conversations of one account.

Requests that bring their whole context (`/v1`) are of no person in a chat: behind one API key stands a program with
many users, each request is a conversation of its own, and its caller is told 503 or waits. They are bounded by the
channel's open connections and by ``turn.waiting_total``.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import sqlalchemy as sa

from botcore.messages import Message
from botcore.store.sql import Statement, among, arg, const
from botcore.store.tables import inbox

__all__ = ["Full", "Who", "chat_full", "person_full", "waiting", "who"]

Full = Literal["", "chat", "person"]
"""Whose share of the line is used up."""
Who = tuple[str, str, str]
"""Channel, account and person: nobody is two people because they write in two chats."""

_IN_CHAT = Statement(
    sa.select(sa.func.count())
    .select_from(inbox)
    .where(inbox.c.conversation == arg("key"), inbox.c.state == const("waiting"))
)
_OF_PERSON = Statement(
    sa.select(sa.func.count())
    .select_from(inbox)
    .where(
        inbox.c.channel == arg("channel"),
        inbox.c.person == arg("person"),
        inbox.c.account == arg("account"),
        inbox.c.state == const("waiting"),
    )
)


@lru_cache
def _waiting(channels: tuple[str, ...] | None) -> Statement:
    here = among(inbox.c.channel, channels)
    some = sa.select(inbox.c.person).where(inbox.c.state == const("waiting"), here).limit(arg("most")).offset(const(0))
    return Statement(sa.select(sa.func.count()).select_from(some.subquery()))


def who(message: Message) -> Who | None:
    """Whose share a message takes; None where it is of nobody in particular."""
    if message.sampling is not None or not message.person.id:
        return None
    place = message.conversation
    return place.channel, place.account, message.person.id


def chat_full(connection: sa.Connection, key: str, most: int) -> bool:
    """Whether as many wait in this conversation as may."""
    ((waiting,),) = _IN_CHAT.rows(connection, key=key)
    return bool(waiting >= most)


def person_full(connection: sa.Connection, whose: Who | None, held: Mapping[Who, int], most: int) -> bool:
    """Whether one more of theirs is more than the one that runs and ``most`` behind it.

    ``held`` is what this process runs of whom: where it runs several of one person, all but one count as waiting.
    """
    if whose is None:
        return False
    channel, account, person = whose
    ((waiting,),) = _OF_PERSON.rows(connection, channel=channel, account=account, person=person)
    return bool(waiting + max(held.get(whose, 0), 1) > most)


def waiting(connection: sa.Connection, most: int, channels: tuple[str, ...] | None) -> int:
    """How many wait in these channels, or in all; counts no further than ``most``."""
    ((number,),) = _waiting(channels).rows(connection, most=most)
    return int(number)
