"""Slack's events as botcore's records. Pure: no I/O, no clock, no SDK.

    message           → Message   in channels only what mentions the bot or stands in a thread
    message_changed   → Control   kind "edit"; with the message as it is now, where only that mentions the bot
    message_deleted   → Control   kind "delete"
    everything else   → None      joins, topics, other bots, and our own messages coming back

A mention also comes as app_mention, which may lack the files and may be the first of the two: it is left alone.

What a button or a form sends is read in `actions`. What claims to be one of these and lacks what it must have raises
`Unusable`: it is kept as a dead letter. Whether a delivery is Slack's at all is seen before, in `signature`.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botcore import Attachment, Control, Conversation, Incoming, Message, Person
from botcore_slack.text import spoken

__all__ = [
    "BY_ID",
    "Heard",
    "Identity",
    "Json",
    "Unusable",
    "attachment",
    "channel_and_ts",
    "place",
    "platform_id",
    "read_event",
    "understood",
    "word",
]

Json = Mapping[str, Any]

TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}", re.ASCII)
COMMAND = re.compile(r"!([A-Za-z0-9_]{1,32})(?=\s|$)", re.ASCII)
"""Slack keeps "/stop" for itself at the beginning of a message, so "!stop" means the same."""
BY_ID = "file:"
"""Begins the reference of a file of which a message says no more than its id."""
FILES_LIMIT = 20
"""Of one message: twice what Slack's programs take."""
SAID = ("", "file_share", "thread_broadcast", "me_message")
"""The subtypes that a person's own words come as."""


class Unusable(ValueError):
    """The delivery is Slack's, but cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is: needed to know what is meant for it, and what it said itself."""

    channel: str
    """The channel's name in the configuration."""
    team: str
    user_id: str
    bot_id: str = ""
    name: str = "bot"
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a delivery stands for."""

    record: Incoming
    overheard: bool = False
    """Said, edited or deleted without naming the bot: meant for it only where it takes part."""
    team: str = ""
    """The writer's workspace; in a shared channel it may be another one than ours."""
    trigger: str = ""
    """For a thumb down: the ticket, good for three seconds, to ask for more in a form."""

    @property
    def message(self) -> Message | None:
        """What was said, by an edit too."""
        said = self.record.message if isinstance(self.record, Control) else self.record
        return said if isinstance(said, Message) else None


def platform_id(channel: str, ts: str) -> str:
    """Slack names a message by its channel and its time."""
    return f"{channel}:{ts}"


def channel_and_ts(platform_id: str) -> tuple[str, str]:
    """The two halves of a platform id. Raises `ValueError` for anything else."""
    channel, _, ts = platform_id.partition(":")
    if not channel or not TS.fullmatch(ts):
        raise ValueError(f"{platform_id!r} names no Slack message")
    return channel, ts


def read_event(payload: Json, me: Identity, commands: Collection[str] = ()) -> Heard | None:
    """The record an event stands for, None where it is not for us. Raises `Unusable`.

    ``commands`` are the chat commands whose names may follow a "!".
    """
    with understood():
        event = payload["event"]
        reader = _READERS.get(word(event, "type"))
        return reader(event, str(payload.get("team_id") or me.team), me, commands) if reader else None


@contextmanager
def understood() -> Iterator[None]:
    """Whatever goes wrong inside is the delivery's fault."""
    try:
        yield
    except Unusable:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise Unusable(f"{type(error).__name__}: {error}") from error


def word(record: Json, name: str) -> str:
    """A text that must be there."""
    value = record[name]
    if not isinstance(value, str) or not value:
        raise Unusable(f"{name} is not a text")
    return value


def place(me: Identity, channel: str, thread: str, *, private: bool) -> Conversation:
    """The conversation a message belongs to."""
    return Conversation(channel=me.channel, account=me.user_id, chat=channel, thread=thread, private=private)


# ------------------------------------------------------------------ messages


def _message(event: Json, team: str, me: Identity, commands: Collection[str]) -> Heard | None:
    reader = _CHANGES.get(event.get("subtype") or "")
    if reader:
        return reader(event, team, me, commands)
    return _said(event, team, me, commands)


def _said(event: Json, team: str, me: Identity, commands: Collection[str]) -> Heard | None:
    if (event.get("subtype") or "") not in SAID or _from_a_bot(event, me):
        return None
    channel, ts, raw = word(event, "channel"), _ts(event, "ts"), _text(event)
    private, mentioned, thread = _private(event), _mentions(raw, me), _thread(event)
    if not (private or mentioned or thread):
        return None
    attachments = tuple(attachment(file) for file in _files(event))
    text = _words(event, me, commands)
    if not (text or attachments):
        return None
    record = Message(
        # One act that comes twice, with another ts, has the same client_msg_id.
        event_id=f"{team}:{channel}:{event.get('client_msg_id') or ts}",
        conversation=place(me, channel, thread or ("" if private else ts), private=private),
        person=_person(event),
        text=text,
        platform_id=platform_id(channel, ts),
        attachments=attachments,
        sent_at=float(_ts(event.get("edited") or event, "ts")),
    )
    overheard = not (private or mentioned or _addresses(event, me))
    return Heard(record=record, overheard=overheard, team=str(event.get("user_team") or event.get("team") or team))


def _edited(event: Json, team: str, me: Identity, commands: Collection[str]) -> Heard | None:
    message, before = event["message"], event.get("previous_message") or {}
    if message.get("subtype") == "tombstone":
        return _gone(event, word(message, "ts"), before, team, me)
    # A link's preview, or a reply below, changes a message too; and every edit of our own comes back as one.
    if _from_a_bot(message, me) or message.get("text") == before.get("text"):
        return None
    private, thread = _private(event), _thread(message)
    addressed = private or _addresses(message, me) or _addresses(before, me)
    if not (addressed or thread):
        return None
    channel, ts = word(event, "channel"), _ts(message, "ts")
    named = before and not private and _mentions(_text(message), me) and not _mentions(_text(before), me)
    now = _said({**message, "channel": channel}, team, me, commands) if named else None
    at = (message.get("edited") or {}).get("ts") or word(event, "event_ts")
    record = Control(
        event_id=f"{team}:{channel}:{ts}:edited:{at}",
        conversation=place(me, channel, thread or ("" if private else ts), private=private),
        person=_person(message),
        kind="edit",
        target=platform_id(channel, ts),
        text=_words(message, me, commands),
        message=now.message if now else None,
    )
    return Heard(record=record, overheard=not addressed, team=now.team if now else "") if record.text else None


def _deleted(event: Json, team: str, me: Identity, _commands: Collection[str]) -> Heard | None:
    return _gone(event, word(event, "deleted_ts"), event.get("previous_message") or {}, team, me)


def _gone(event: Json, ts: str, before: Json, team: str, me: Identity) -> Heard | None:
    if not before.get("user") or _from_a_bot(before, me):
        return None
    channel, private = word(event, "channel"), _private(event)
    record = Control(
        event_id=f"{team}:{channel}:{ts}:deleted",
        conversation=place(me, channel, _thread(before) or ("" if private else ts), private=private),
        person=_person(before),
        kind="delete",
        target=platform_id(channel, ts),
    )
    return Heard(record=record, overheard=not (private or _addresses(before, me)))


_Reader = Callable[[Json, str, Identity, Collection[str]], Heard | None]
_READERS: Mapping[str, _Reader] = {
    "message": _message,
}
_CHANGES: Mapping[str, _Reader] = {
    "message_changed": _edited,
    "message_deleted": _deleted,
}


def _from_a_bot(message: Json, me: Identity) -> bool:
    # Our own messages carry our bot_id, or only our user id; and two bots would talk for ever.
    return bool(message.get("bot_id")) or message.get("subtype") == "bot_message" or message.get("user") == me.user_id


def _mentions(text: str, me: Identity) -> bool:
    return re.search(rf"<@{re.escape(me.user_id)}(\|[^<>]*)?>", text) is not None


def _addresses(message: Json, me: Identity) -> bool:
    """Whether it names the bot, or stands below a message of the bot's."""
    return _mentions(_text(message), me) or message.get("parent_user_id") == me.user_id


def _private(event: Json) -> bool:
    return event.get("channel_type") == "im" or word(event, "channel").startswith("D")


def _thread(message: Json) -> str:
    """The thread a message is an answer in; "" for the one that began it."""
    thread = message.get("thread_ts") or ""
    if thread and not (isinstance(thread, str) and TS.fullmatch(thread)):
        raise Unusable("thread_ts is not a time")
    return "" if thread == message.get("ts") else thread


def _text(message: Json) -> str:
    text = message.get("text") or ""
    if not isinstance(text, str):
        raise Unusable("the text is not a string")
    return text


def _words(message: Json, me: Identity, commands: Collection[str]) -> str:
    """What was said, and below it what was forwarded with it."""
    said = _command(spoken(_text(message), me.user_id, f"@{me.name}"), commands)
    return "\n\n".join(filter(None, (said, *(spoken(_text(one), me.user_id) for one in _forwarded(message)))))


def _files(message: Json) -> Sequence[Json]:
    files = [file for one in (message, *_forwarded(message)) for file in one.get("files") or ()]
    return files[:FILES_LIMIT]


def _forwarded(message: Json) -> Sequence[Json]:
    """Messages from elsewhere that somebody shared; a pasted link to one has its preview there, too."""
    return [one for one in message.get("attachments") or () if one.get("is_share")]


def _ts(record: Json, name: str) -> str:
    ts = word(record, name)
    if not TS.fullmatch(ts):
        raise Unusable(f"{name} is not a time")
    return ts


def _command(text: str, commands: Collection[str]) -> str:
    found = COMMAND.match(text)
    return f"/{text[1:]}" if found and found[1].lower() in commands else text


def _person(message: Json) -> Person:
    profile = message.get("user_profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or profile.get("name") or ""
    return Person(id=word(message, "user"), name=str(name))


def attachment(file: Json) -> Attachment:
    """A file as a message or `files.info` has it. A message in a channel shared with another workspace has its id."""
    address = file.get("url_private_download") or file.get("url_private")
    return Attachment(
        name=str(file.get("name") or file.get("title") or "file"),
        media_type=str(file.get("mimetype") or "application/octet-stream"),
        size=int(file.get("size") or 0),
        reference=str(address or (f"{BY_ID}{file['id']}" if file.get("id") else "")),
    )
