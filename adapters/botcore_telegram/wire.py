"""Telegram's JSON updates as botcore's records. Pure: no I/O, no clock, no SDK.

    message            → Message   text, caption, files, and what it quotes; in groups only what is meant for the bot
    edited_message     → Control   kind "edit", with the message as it is now: it may be for the bot only since then
    callback_query     → Feedback  where the button carries a judgement (see `buttons`)
                       → Message   "/again" about the reply, where it asks for another one
    everything else    → None      joins, pins, channel posts, direct messages to channels, other bots: not for us

What claims to be one of these and lacks what it must have raises `Unusable`: it is kept as a dead letter.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from botcore import Control, Conversation, Feedback, Incoming, Message, Person, Rejected
from botcore_telegram.attachments import attachments
from botcore_telegram.buttons import parsed
from botcore_telegram.hearing import Ear, GroupMode, Identity, Json, Unusable, said, unheard

__all__ = ["ALLOWED_UPDATES", "chat_and_message", "moved", "place", "platform_id", "read"]

ALLOWED_UPDATES = ("message", "edited_message", "callback_query")
"""Asked for by name: the server's default leaves some kinds out and remembers what an earlier program asked for."""

GENERAL_TOPIC = 1
"""A forum's first topic: sending with its id is an error, so it is left out."""


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
    """The record an update stands for, None where it is not for us (see `hearing`). Raises `Unusable`."""
    with _understood():
        for kind, reader in _READERS.items():
            if kind in update:
                return reader(update[kind], str(_whole(update, "update_id")), Ear(me, group_mode, commands))
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


def _message(message: Json, event_id: str, ear: Ear) -> Message | None:
    text = said(message, ear)
    files = attachments(message) + attachments(unheard(message, ear))
    if text is None or not (text or files):
        return None
    conversation = _conversation(message, ear.me)
    return Message(
        event_id=event_id,
        conversation=conversation,
        person=_person(message),
        text=text,
        platform_id=platform_id(conversation.chat, _whole(message, "message_id")),
        reply_to=_replied(message, conversation.chat),
        attachments=files,
        sent_at=float(_whole(message, "edit_date" if "edit_date" in message else "date")),
    )


def _edited(message: Json, event_id: str, ear: Ear) -> Control | None:
    now = _message(message, f"{event_id}:edit", ear)
    if now is None or not now.text:
        return None
    return Control(
        event_id=event_id,
        conversation=now.conversation,
        person=now.person,
        kind="edit",
        target=now.platform_id,
        text=now.text,
        message=now,
    )


def _pressed(query: Json, event_id: str, ear: Ear) -> Feedback | Message | None:
    press = parsed(str(query.get("data", "")))
    message = query.get("message")
    if press is None or not message:
        return None
    conversation, person = _conversation(message, ear.me), _somebody(query["from"])
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


_READERS: Mapping[str, Callable[[Json, str, Ear], Incoming | None]] = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
}


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
