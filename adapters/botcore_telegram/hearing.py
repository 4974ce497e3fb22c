"""What a message says to the bot, and whether it is meant for it. Pure.

    private chat, group_mode "all"    everything
    group                             what mentions the bot, answers it, or is a command of its own

Never what other bots say, or what is said to a channel or to another bot. What people say among themselves is read
where one of them asks the bot about it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botcore_telegram.albums import parts

__all__ = ["Ear", "GroupMode", "Identity", "Json", "Unusable", "said", "unheard"]

Json = Mapping[str, Any]
GroupMode = Literal["addressed", "all"]

COMMAND = re.compile(r"/(?P<name>\w{1,32})(?:@(?P<bot>\w+))?(?=\s|$)", re.ASCII)


class Unusable(ValueError):
    """The update is Telegram's, but cannot be understood."""


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


@dataclass(frozen=True, slots=True)
class Ear:
    """Who listens, and to what in groups."""

    me: Identity
    mode: GroupMode
    commands: Collection[str]
    """The chat commands there are: in a group of several bots another one may be that of another bot."""


def said(message: Json, ear: Ear) -> str | None:
    """The text without the bot's own name in front, and what it quotes; None where it is not for this bot."""
    if _to_a_channel(message["chat"]) or message.get("is_automatic_forward") or _from_a_bot(message):
        return None
    me, raw = ear.me, _text(message)
    text = _without_name(raw, me)
    command = COMMAND.match(text)
    if command and (command["bot"] or me.username).lower() != me.username.lower():
        return None
    private, ours = message["chat"]["type"] == "private", command and (command["bot"] or _named(command, ear))
    if not (private or ear.mode == "all" or ours or _mentions(message, raw, me) or _answers(message, me)):
        return None
    if command:
        return f"/{command['name']}{text[command.end() :]}"
    return "\n\n".join(filter(None, (text, _quoted(message, ear))))


def _to_a_channel(chat: Json) -> bool:
    # People's direct messages to a channel share one chat: they would read each other's conversation.
    return chat["type"] == "channel" or bool(chat.get("is_direct_messages"))


def _named(command: re.Match[str], ear: Ear) -> bool:
    return command["name"].lower() in ear.commands


def _text(message: Json) -> str:
    return "\n\n".join(filter(None, map(_caption, parts(message))))


def _caption(message: Json) -> str:
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


def _quoted(message: Json, ear: Ear) -> str:
    """The passage a person has picked, or else the message of somebody else that this one answers."""
    return _text(message.get("quote") or unheard(message, ear))


def unheard(message: Json, ear: Ear) -> Json:
    """The message this one answers, where people said it among themselves."""
    if message["chat"]["type"] == "private" or ear.mode == "all":
        return {}
    earlier: Json = message.get("reply_to_message") or {}
    return {} if earlier.get("from", {}).get("id") == ear.me.user_id else earlier


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
