"""Albums: what a person sends as one message, Telegram delivers as one for each file. Pure.

Its caption stands at one of them, at whichever its sender's program likes, so that in a group only that one is
addressed. Put together they are one update, whose message is the one with the caption and has all of them as `parts`.
"""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

__all__ = ["album", "before_album", "joined", "parts"]

Json = Mapping[str, Any]

PARTS = "parts of the album"
"""No field of Telegram's."""


def album(update: Json) -> str:
    """Which album the update's message is a part of, "" for none."""
    match update:
        case {"message": {"media_group_id": str(name), "chat": {"id": int(chat)}}}:
            return f"{chat}:{name}"
    return ""


def before_album(updates: Sequence[Json], name: str) -> list[Json]:
    """What comes before the first part of this album."""
    return list(takewhile(lambda update: album(update) != name, updates))


def joined(updates: Sequence[Json]) -> list[Json]:
    """The updates, with those of an album as one.

    Under the id of the last: one that comes after a crash, with a part that had not been there, is another update.
    """
    albums = dict[str, list[Json]]()
    for update in updates:
        albums.setdefault(album(update), []).append(update)
    named = ((update, album(update)) for update in updates)
    return [_one(albums[name]) if name else update for update, name in named if not name or update is albums[name][-1]]


def parts(message: Json) -> Sequence[Json]:
    """The messages that this one is made of."""
    made_of: Sequence[Json] = message.get(PARTS, (message,))
    return made_of


def _one(updates: Sequence[Json]) -> Json:
    messages = [update["message"] for update in updates]
    shown = next((message for message in messages if message.get("caption")), messages[0])
    return {**updates[-1], "message": {**shown, PARTS: messages}}
