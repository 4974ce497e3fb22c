"""Telegram's JSON updates as botcore's records. Pure: no I/O, no clock, no SDK.

    message            → Message   text, caption, files, and what it quotes; in groups only what is meant for the bot
    edited_message     → Control   kind "edit"
    callback_query     → Feedback  where the button carries a judgement (see `buttons`)
                       → Message   "/again" about the reply, where it asks for another one
    everything else    → None      joins, pins, channel posts, direct messages to channels, other bots: not for us

What claims to be one of these and lacks what it must have raises `Unusable`: it is kept as a dead letter.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from botcore import Control, Conversation, Feedback, Incoming, Message, Person, Rejected
from botcore_telegram.attachments import attachments
from botcore_telegram.buttons import parsed

__all__ = [
    "ALLOWED_UPDATES",
    "Identity",
    "Json",
    "Unusable",
    "chat_and_message",
    "moved",
    "place",
    "platform_id",
    "read",
]

Json = Mapping[str, Any]
GroupMode = Literal["addressed", "all"]

ALLOWED_UPDATES = ("message", "edited_message", "callback_query")
"""Asked for by name: the server's default leaves some kinds out and remembers what an earlier program asked for."""

GENERAL_TOPIC = 1
"""A forum's first topic: sending with its id is an error, so it is left out."""

COMMAND = re.compile(r"/(?P<name>\w{1,32})(?:@(?P<bot>\w+))?(?=\s|$)", re.ASCII)


class Unusable(ValueError):
    """The update is Telegram's, but cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Ear:
    """What is listened to in groups."""

    mode: GroupMode
    commands: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is: needed to know what is meant for it."""

    channel: str
    user_id: int
    username: str
    sees_groups: bool = True
    """Whether Telegram shows it all of a group, where it is no administrator; False: its privacy mode is on."""

    @property
    def account(self) -> str:
        """The bot's own id in `Conversation.account`."""
        return str(self.user_id)


def platform_id(chat: int | str, message: int) -> str:
    """Telegram numbers messages per chat, so a message is named by both."""
    return f"{chat}:{message}"


def chat_and_message(platform_id: str) -> tuple[int, int]:
    """The two halves of a platform id. Raises `ValueError` for anything else."""
    chat, _, message = platform_id.rpartition(":")
    return int(chat), int(message)


def place(conversation: Conversation) -> tuple[int, int | None]:
    """Chat and topic a conversation is in. Raises `Rejected` for none of Telegram's."""
    try:
        return int(conversation.chat), int(conversation.thread) if conversation.thread else None
    except ValueError:
        raise Rejected(f"{conversation.key} names no Telegram chat") from None


def read(
    update: Json, me: Identity, group_mode: GroupMode = "addressed", commands: Collection[str] = ()
) -> Incoming | None:
    """The record an update stands for, None where it is not for us. Raises `Unusable`.

    ``commands`` are the chat commands there are: in a group of several bots another one may be that of another bot.
    """
    with _understood():
        for kind, reader in _READERS.items():
            if kind in update:
                return reader(update[kind], str(_whole(update, "update_id")), me, _Ear(group_mode, commands))
    return None


def moved(update: Json) -> tuple[int, int] | None:
    """(id before, id from now on) where an update says that a group became a supergroup. Raises `Unusable`."""
    with _understood():
        message = update.get("message") or {}
        if "migrate_to_chat_id" in message:
            return _whole(message["chat"], "id"), _whole(message, "migrate_to_chat_id")
        if "migrate_from_chat_id" in message:
            return _whole(message, "migrate_from_chat_id"), _whole(message["chat"], "id")
    return None


@contextmanager
def _understood() -> Iterator[None]:
    """Whatever goes wrong inside is the update's fault."""
    try:
        yield
    except Unusable:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Unusable(f"{type(error).__name__}: {error}") from error


def _message(message: Json, event_id: str, me: Identity, ear: _Ear) -> Message | None:
    text = _meant_for_us(message, me, ear)
    files = attachments(message) + attachments(_unheard(message, me, ear))
    if text is None or not (text or files):
        return None
    conversation = _conversation(message, me)
    return Message(
        event_id=event_id,
        conversation=conversation,
        person=_person(message),
        text=text,
        platform_id=platform_id(conversation.chat, _whole(message, "message_id")),
        reply_to=_replied(message, conversation.chat),
        attachments=files,
        sent_at=float(_whole(message, "date")),
    )


def _edited(message: Json, event_id: str, me: Identity, ear: _Ear) -> Control | None:
    text = _meant_for_us(message, me, ear)
    if not text:
        return None
    conversation = _conversation(message, me)
    return Control(
        event_id=event_id,
        conversation=conversation,
        person=_person(message),
        kind="edit",
        target=platform_id(conversation.chat, _whole(message, "message_id")),
        text=text,
    )


def _pressed(query: Json, event_id: str, me: Identity, ear: _Ear) -> Feedback | Message | None:
    press = parsed(str(query.get("data", "")))
    message = query.get("message")
    if press is None or not message:
        return None
    conversation, person = _conversation(message, me), _somebody(query["from"])
    pressed = platform_id(conversation.chat, _whole(message, "message_id"))
    if press.again:
        return Message(event_id=event_id, conversation=conversation, person=person, text="/again", reply_to=pressed)
    return Feedback(
        event_id=event_id,
        conversation=conversation,
        person=person,
        platform_id=pressed,
        value=press.value,
        reasons=(press.reason,) if press.reason else (),
    )


_READERS: Mapping[str, Callable[[Json, str, Identity, _Ear], Incoming | None]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
}


def _meant_for_us(message: Json, me: Identity, ear: _Ear) -> str | None:
    """The text without the bot's own name in front, and what it quotes; None where it is not for this bot."""
    if _to_a_channel(message["chat"]) or message.get("is_automatic_forward") or _from_a_bot(message):
        return None
    raw = _text(message)
    text = _without_name(raw, me)
    command = COMMAND.match(text)
    if command and (command["bot"] or me.username).lower() != me.username.lower():
        return None
    private, ours = message["chat"]["type"] == "private", command and (command["bot"] or _named(command, ear))
    if not (private or ear.mode == "all" or ours or _mentions(message, raw, me) or _answers(message, me)):
        return None
    if command:
        return f"/{command['name']}{text[command.end() :]}"
    return "\n\n".join(filter(None, (text, _quoted(message, me, ear))))


def _to_a_channel(chat: Json) -> bool:
    # People's direct messages to a channel share one chat: they would read each other's conversation.
    return chat["type"] == "channel" or bool(chat.get("is_direct_messages"))


def _named(command: re.Match[str], ear: _Ear) -> bool:
    return command["name"].lower() in ear.commands


def _text(message: Json) -> str:
    text = message.get("text", message.get("caption", ""))
    if not isinstance(text, str):
        raise Unusable("the text is not a string")
    links = [entity for entity in _entities(message) if entity["type"] == "text_link"]
    return _spelt_out(text, links) if links else text


def _entities(message: Json) -> Sequence[Json]:
    entities: Sequence[Json] = message.get("entities", message.get("caption_entities", ()))
    return entities


def _spelt_out(text: str, links: Sequence[Json]) -> str:
    """The text with the address behind each of these links beside it, counted in UTF-16 units."""
    raw = text.encode("utf-16-le", "surrogatepass")
    for link in sorted(links, key=lambda link: -link["offset"]):
        end = 2 * (link["offset"] + link["length"])
        raw = raw[:end] + f" ({link['url']})".encode("utf-16-le", "surrogatepass") + raw[end:]
    return raw.decode("utf-16-le", "surrogatepass")


def _quoted(message: Json, me: Identity, ear: _Ear) -> str:
    """The passage a person has picked, or else the message of somebody else that this one answers."""
    return _text(message.get("quote") or _unheard(message, me, ear))


def _unheard(message: Json, me: Identity, ear: _Ear) -> Json:
    """The message this one answers, where people said it among themselves."""
    earlier: Json = message.get("reply_to_message") or {}
    heard = message["chat"]["type"] == "private" or ear.mode == "all" or earlier.get("from", {}).get("id") == me.user_id
    return {} if heard else earlier


def _without_name(text: str, me: Identity) -> str:
    bare = (
        re.sub(rf"\s*@{re.escape(me.username)}\b[\s,:]*", "", text, count=1, flags=re.I) if _leads(text, me) else text
    )
    return bare or text


def _leads(text: str, me: Identity) -> bool:
    return re.match(rf"\s*@{re.escape(me.username)}\b", text, re.I) is not None


def _mentions(message: Json, text: str, me: Identity) -> bool:
    if re.search(rf"(?<![\w@])@{re.escape(me.username)}\b", text, re.I):
        return True
    mentions = (entity for entity in _entities(message) if entity["type"] == "text_mention")
    return any(entity["user"]["id"] == me.user_id for entity in mentions)


def _answers(message: Json, me: Identity) -> bool:
    # In a topic every message "replies" to the one that created it; that is no answer to its author.
    earlier = message.get("reply_to_message", {})
    return "forum_topic_created" not in earlier and earlier.get("from", {}).get("id") == me.user_id


def _from_a_bot(message: Json) -> bool:
    # An anonymous administrator writes through a bot account of Telegram's, but carries the chat as the sender.
    return "sender_chat" not in message and bool(message["from"].get("is_bot"))


def _conversation(message: Json, me: Identity) -> Conversation:
    chat, thread = message["chat"], message.get("message_thread_id")
    in_topic = message.get("is_topic_message") and thread != GENERAL_TOPIC
    return Conversation(
        channel=me.channel,
        account=me.account,
        chat=str(_whole(chat, "id")),
        thread=str(_whole(message, "message_thread_id")) if in_topic else "",
        private=chat["type"] == "private",
    )


def _person(message: Json) -> Person:
    chat = message.get("sender_chat")
    return Person(id=str(_whole(chat, "id")), name=str(chat.get("title", ""))) if chat else _somebody(message["from"])


def _somebody(user: Json) -> Person:
    name = " ".join(str(user[part]) for part in ("first_name", "last_name") if user.get(part))
    return Person(id=str(_whole(user, "id")), name=name or str(user.get("username", "")))


def _replied(message: Json, chat: str) -> str:
    earlier = message.get("reply_to_message", {})
    if not earlier or "forum_topic_created" in earlier:
        return ""
    return platform_id(chat, _whole(earlier, "message_id"))


def _whole(record: Json, name: str) -> int:
    value = record[name]
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > 63:
        raise Unusable(f"{name} is not a whole number of 64 bits")
    return value
