"""Forgetting a person: private conversations go whole, a group keeps its order and loses their words.

Nothing here is on a message's path. Looking for rows reads whole tables, so it is done where reading is (`find`), and
what is found is changed in slices. What is to be forgotten is noted first (`note`) and taken off the list once
everybody has: a crash in between, or a plugin that failed, is made up for at the next start.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from botcore.messages import Forgotten
from botcore.store.conditions import IS_OPEN, IS_UNSETTLED
from botcore.store.encoding import place_of
from botcore.store.sql import SLICE, const
from botcore.store.tables import conversation, feedback, forgotten, inbox, outbox, turn

__all__ = [
    "blank_messages",
    "blank_places",
    "blank_traces",
    "blank_turns",
    "channels",
    "counts",
    "done",
    "drop_judgements",
    "judgements",
    "messages",
    "note",
    "noted",
    "private",
    "raw",
    "repeats",
    "traces",
    "turns",
]


# ------------------------------------------------------------------ what is to be forgotten


def note(connection: sa.Connection, whom: Forgotten, *, now: float) -> int:
    """The number under which it is known until everybody has forgotten."""
    place = whom.conversation
    values: dict[str, Any] = {"at": now, "channel": whom.channel, "person": whom.person}
    if place is not None:
        values |= {"account": place.account, "chat": place.chat, "thread": place.thread, "private": int(place.private)}
    return int(connection.execute(sa.insert(forgotten).values(values).returning(forgotten.c.id)).scalar_one())


def noted(connection: sa.Connection) -> list[tuple[int, Forgotten]]:
    """What somebody has not forgotten yet, oldest first, at most a slice."""
    rows = connection.execute(sa.select(forgotten).order_by(forgotten.c.id).limit(SLICE))
    return [(row.id, _whom(row)) for row in rows]


def _whom(row: Any) -> Forgotten:
    if row.person:
        return Forgotten(channel=row.channel, person=row.person)
    return Forgotten(channel=row.channel, conversation=place_of(row))


def done(connection: sa.Connection, number: int) -> None:
    """Everybody has forgotten it."""
    connection.execute(sa.delete(forgotten).where(forgotten.c.id == number))


# ------------------------------------------------------------------ finding


def private(connection: sa.Connection, channel: str, person: str) -> list[str]:
    """Keys of the person's private conversations, at most a slice."""
    mine = sa.select(turn.c.conversation).where(turn.c.person == person)
    query = sa.select(conversation.c.key).where(
        conversation.c.channel == channel,
        conversation.c.private == 1,
        sa.or_(conversation.c.person == person, conversation.c.key.in_(mine)),
    )
    return list(connection.execute(query.limit(SLICE)).scalars())


def channels(connection: sa.Connection) -> list[str]:
    """Where anybody wrote or judged."""
    both = sa.union(sa.select(conversation.c.channel), sa.select(feedback.c.channel))
    return sorted(connection.execute(both).scalars())


_AGAIN, _ID = '{"again":"', 32
"""How the details of a turn begin that answered an earlier one's question again, and the length of the id after it."""


def repeats(connection: sa.Connection, channel: str, person: str) -> list[str]:
    """Ids of turns in which others had the person's words answered again, at most a slice. Before `turns`."""
    asked = turn.alias("asked")
    query = (
        sa.select(turn.c.id)
        .join(asked, asked.c.id == sa.func.substr(turn.c.details, len(_AGAIN) + 1, _ID))
        .join(conversation, conversation.c.key == asked.c.conversation)
        .where(turn.c.details.startswith(_AGAIN), asked.c.person == person, conversation.c.channel == channel)
    )
    return list(connection.execute(query.limit(SLICE)).scalars())


def turns(connection: sa.Connection, channel: str, person: str) -> list[str]:
    """Ids of what the person said in groups, with the replies, at most a slice."""
    return list(connection.execute(_turns(channel, person, turn.c.id).limit(SLICE)).scalars())


def _turns(channel: str, person: str, *columns: Any) -> Any:
    # No plain column: SQLite would begin with every conversation of the channel, and look for each one's turns.
    here = conversation.c.channel.concat(const("")) == channel
    query = sa.select(*columns).join(conversation, conversation.c.key == turn.c.conversation)
    return query.where(turn.c.person == person, here)


def traces(connection: sa.Connection, channel: str, person: str) -> list[tuple[str, int]]:
    """Each group the person wrote in, and the number of the first turn whose prompt may carry their words."""
    key = turn.c.conversation.concat(const(""))  # nor here: it would read by the index, in the order of the groups
    first = _turns(channel, person, key.label("key"), sa.func.min(turn.c.number).label("number")).group_by(key)
    return [(row.key, row.number) for row in connection.execute(first)]


def messages(connection: sa.Connection, channel: str, person: str) -> list[int]:
    """Inbox ids of what the person wrote and what is kept of it: waiting, dead, failed. At most a slice."""
    begins = f'{{"person":{json.dumps([person], ensure_ascii=False)[:-1]},'  # rows of before there was the column
    wrote = sa.or_(inbox.c.person == person, inbox.c.payload.startswith(begins, autoescape=True))
    query = sa.select(inbox.c.id).where(inbox.c.channel == channel, wrote)
    return list(connection.execute(query.limit(SLICE)).scalars())


def raw(connection: sa.Connection, channel: str, person: str) -> list[int]:
    """Inbox ids of deliveries nobody could read in which the person's id stands, at most a slice.

    Whose they are is unknown: rather one too many than one of theirs kept.
    """
    named = re.compile(rf"(?<!\w){re.escape(person)}(?!\w)")
    query = sa.select(inbox.c.id, inbox.c.payload).where(
        inbox.c.state == const("dead"),
        inbox.c.kind == "raw",
        inbox.c.channel == channel,
        inbox.c.payload.contains(person, autoescape=True),
    )
    return [row.id for row in connection.execute(query) if named.search(row.payload)][:SLICE]


def judgements(connection: sa.Connection, channel: str, person: str) -> list[int]:
    """The person's feedback, at most a slice."""
    query = sa.select(feedback.c.id).where(feedback.c.channel == channel, feedback.c.person == person)
    return list(connection.execute(query.limit(SLICE)).scalars())


def counts(connection: sa.Connection, channel: str, person: str) -> dict[str, int]:
    """How much there is of a person."""
    mine = sa.and_(inbox.c.channel == channel, inbox.c.person == person)
    asked: dict[str, Any] = {
        "conversations": sa.select(sa.func.count()).where(
            conversation.c.channel == channel, conversation.c.private == 1, conversation.c.person == person
        ),
        "exchanges": _turns(channel, person, sa.func.count()),
        "feedback": sa.select(sa.func.count()).where(feedback.c.channel == channel, feedback.c.person == person),
        "waiting": sa.select(sa.func.count()).where(mine, IS_OPEN),
        "dead letters": sa.select(sa.func.count()).where(mine, inbox.c.state == "dead", inbox.c.payload != ""),
    }
    return {name: int(connection.execute(query).scalar_one()) for name, query in asked.items()}


# ------------------------------------------------------------------ changing what was found

_NO_WORDS = dict.fromkeys(
    ("person", "person_name", "user_platform_id", "user_text", "text", "citations", "reason", "details", "trace"), ""
)


def blank_turns(connection: sa.Connection, found: Sequence[str]) -> None:
    """Leave of these turns that there was one; what is still to be sent of them is not sent."""
    connection.execute(sa.update(turn).where(turn.c.id.in_(found)).values(_NO_WORDS))
    connection.execute(sa.delete(feedback).where(feedback.c.turn.in_(found)))
    mine = outbox.c.turn.in_(found)
    connection.execute(sa.update(outbox).where(mine, IS_UNSETTLED).values(state="failed", reason="forgotten"))
    connection.execute(sa.update(outbox).where(mine).values(text="", citations="", reply_to=""))


def blank_traces(connection: sa.Connection, key: str, after: int) -> int | None:
    """Empty a slice of the prompts kept of a group, from turn ``after`` on; where the next slice begins."""
    query = sa.select(turn.c.number).where(turn.c.conversation == key, turn.c.number >= after)
    numbers = list(connection.execute(query.order_by(turn.c.number).limit(SLICE)).scalars())
    connection.execute(sa.update(turn).where(turn.c.number.in_(numbers)).values(trace=""))
    return numbers[-1] + 1 if len(numbers) == SLICE else None


def blank_messages(connection: sa.Connection, found: Sequence[int]) -> None:
    """Leave of these deliveries that there was one; what was to be answered is not."""
    mine = inbox.c.id.in_(found)
    connection.execute(sa.update(inbox).where(mine, IS_OPEN).values(state="stopped"))
    connection.execute(sa.update(inbox).where(mine).values(payload="", trace="", person="", reason="forgotten"))


def drop_judgements(connection: sa.Connection, found: Sequence[int]) -> None:
    """Delete this feedback."""
    connection.execute(sa.delete(feedback).where(feedback.c.id.in_(found)))


def blank_places(connection: sa.Connection, channel: str, person: str) -> None:
    """Groups forget who wrote there first, and what."""
    mine = sa.and_(conversation.c.channel == channel, conversation.c.person == person, conversation.c.private == 0)
    connection.execute(sa.update(conversation).where(mine).values(title="", person=""))
