"""Slack as its people see it: what they write, press and fill in, and what they read from the bot."""

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from botcore_slack.actions import AGAIN, COMMENT, CORRECTION, FORM, REASON, THUMBS
from botcore_slack.testing.deliveries import Delivery
from botcore_slack.testing.messages import SentMessage
from botcore_slack.testing.methods import APP_ID, BOT_USER, TEAM
from botcore_slack.text import escaped

if TYPE_CHECKING:
    from botcore_slack.testing.server import FakeSlack

__all__ = ["FakePerson", "FakePlace", "Kind", "Said"]

Kind = Literal["im", "channel", "mpim"]
_files = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of a person's, and how it was brought to the bot."""

    ts: str
    message: dict[str, Any]
    deliveries: tuple[Delivery, ...]

    @property
    def received(self) -> bool:
        """Whether the bot has said so of all deliveries."""
        return all(delivery.received for delivery in self.deliveries)


class FakePlace:
    """A channel, or somebody's direct messages with the bot."""

    def __init__(self, slack: "FakeSlack", id: str, kind: Kind) -> None:
        self.slack = slack
        self.id = id
        self.kind = kind
        slack.api.channels.setdefault(id, {"id": id, "kind": kind})

    @property
    def messages(self) -> list[SentMessage]:
        """What the bot has said here, as it reads now, oldest first."""
        return [sent for (channel, _), sent in self.slack.api.messages.items() if channel == self.id]

    @property
    def texts(self) -> list[str]:
        """The texts of `messages`."""
        return [message.text for message in self.messages]

    def person(self, user: str, team: str = TEAM) -> "FakePerson":
        """Somebody who is here; of another workspace than the bot's, where the channel is shared with that one."""
        self.slack.api.teams[user] = team
        return FakePerson(self, user, team)


class FakePerson:
    """Somebody in one place."""

    def __init__(self, place: FakePlace, user: str, team: str) -> None:
        self.place = place
        self.user = user
        self.team = team
        self.slack = place.slack

    @property
    def messages(self) -> list[SentMessage]:
        """See `FakePlace.messages`."""
        return self.place.messages

    @property
    def texts(self) -> list[str]:
        """See `FakePlace.texts`."""
        return self.place.texts

    async def says(self, text: str, *, thread: str = "", **more: Any) -> Said:
        """Write a message; "@botcore" mentions the bot. Returns once it is on its way to the bot.

        In a channel a mention comes as a second event, too, where an app asks for it: the poorer one, here the first.
        ``more`` are fields of Slack's message.
        """
        message = self._message(text, thread) | more
        self.slack.api.history.append(message)
        mention = await self._mentions(message)
        said = await self.slack.brings({**message, "channel_type": self.place.kind})
        return Said(ts=message["ts"], message=message, deliveries=(said, *mention))

    async def uploads(
        self, name: str, content: bytes, text: str = "", *, media_type: str = "application/pdf", thread: str = ""
    ) -> Said:
        """Share a file, with a text. Of one from another workspace a message says nothing but its id."""
        file = self.slack.keeps(f"F{next(_files)}", name, content, media_type)
        if self.team != TEAM:
            file = {"id": file["id"], "mode": "file_access", "file_access": "check_file_info", "created": 0, "user": ""}
        return await self.says(text, thread=thread, subtype="file_share", files=[file])

    async def rewrites(self, said: Said, text: str) -> Delivery:
        """Edit a message."""
        now = self.slack.stamps.next()
        message = {**said.message, "text": _typed(text), "edited": {"user": self.user, "ts": now}}
        await self._mentions(message)
        return await self.slack.brings(self._change("message_changed", now, message=message, previous=said.message))

    async def deletes(self, said: Said) -> Delivery:
        """Delete a message."""
        now = self.slack.stamps.next()
        return await self.slack.brings(
            self._change("message_deleted", now, previous=said.message) | {"deleted_ts": said.ts}
        )

    async def hears(self, expected: str = "") -> SentMessage:
        """The first finished message not heard yet that says ``expected`` (in any case), in any thread here."""
        while True:
            for message in self.messages:
                if message.finished and not message.heard and expected.lower() in message.text.lower():
                    message.heard = True
                    return message
            reads = [text if len(text) < 80 else f"{text[:80]}…" for text in self.texts]
            await self.slack.until(f"{self.place.id} to hear {expected!r}; it reads {reads}")

    # ------------------------------------------------------------ buttons and forms

    async def thumbs_up(self, message: SentMessage) -> Delivery:
        """Press 👍 below a message of the bot's."""
        return await self._presses(message, THUMBS, "good")

    async def thumbs_down(self, message: SentMessage) -> Delivery:
        """Press 👎; the bot may then open a form: `form`."""
        return await self._presses(message, THUMBS, "bad")

    async def again(self, message: SentMessage) -> Delivery:
        """Press 🔄."""
        return await self._presses(message, AGAIN, "again")

    async def form(self) -> dict[str, Any]:
        """The form the bot has opened for this person."""
        while True:
            for form in self.slack.api.forms.values():
                if form["person"] == self.user:
                    return form
            await self.slack.until(f"a form for {self.user}")

    async def submits(
        self, form: dict[str, Any], *, reasons: tuple[str, ...] = (), comment: str = "", correction: str = ""
    ) -> Delivery:
        """Fill in the form behind a thumb down, and send it."""
        offered = {option["value"]: option for option in form["blocks"][0]["element"]["options"]}
        chosen = [offered[reason] for reason in reasons]
        values = {
            REASON: {REASON: {"type": "checkboxes", "selected_options": chosen}},
            COMMENT: {COMMENT: {"type": "plain_text_input", "value": comment or None}},
            CORRECTION: {CORRECTION: {"type": "plain_text_input", "value": correction or None}},
        }
        self.slack.api.forms.pop(form["id"], None)
        view = {
            "id": form["id"],
            "type": "modal",
            "callback_id": FORM,
            "private_metadata": form["private_metadata"],
            "state": {"values": values},
            "hash": "1.abc",
        }
        payload = self._interaction("view_submission") | {"view": view, "response_urls": []}
        return await self.slack.brings_action(payload)

    async def _presses(self, message: SentMessage, action_id: str, value: str) -> Delivery:
        assert action_id in message.buttons, f"there is no {action_id} below {message.text!r}, only {message.buttons}"
        now = self.slack.stamps.next()
        trigger = f"trigger-{now}"
        self.slack.api.triggers[trigger] = self.user
        kind = "feedback_buttons" if action_id == THUMBS else "button"
        where = {"message_ts": message.ts, "channel_id": self.place.id, "is_ephemeral": False, "type": "message"}
        shown = {"type": "message", "user": BOT_USER, "bot_id": "B0BOT", "ts": message.ts, "text": message.text}
        if message.thread:
            where["thread_ts"] = shown["thread_ts"] = message.thread
        payload = self._interaction("block_actions") | {
            "trigger_id": trigger,
            "container": where,
            "channel": {"id": self.place.id, "name": "directmessage" if self.place.kind == "im" else "general"},
            "message": shown,
            "state": {"values": {}},
            "response_url": "https://hooks.slack.com/actions/T1/1/secret",
            "actions": [
                {"type": kind, "action_id": action_id, "block_id": "b1", "value": value, "action_ts": now},
            ],
        }
        return await self.slack.brings_action(payload)

    def _interaction(self, kind: str) -> dict[str, Any]:
        name = f"person{self.user[1:].lower()}"
        return {
            "type": kind,
            "user": {"id": self.user, "username": name, "name": name, "team_id": self.team},
            "api_app_id": APP_ID,
            "token": "old-verification-token",
            "team": {"id": TEAM, "domain": "example"},
            "is_enterprise_install": False,
        }

    # ------------------------------------------------------------ messages

    async def _mentions(self, message: dict[str, Any]) -> list[Delivery]:
        """The app_mention of a message: files and what was forwarded need not be in it."""
        if self.place.kind == "im" or f"<@{BOT_USER}>" not in message["text"]:
            return []
        kept = ("user", "text", "ts", "team", "channel", "event_ts", "thread_ts", "user_team", "edited")
        mention = {key: message[key] for key in kept if key in message}
        return [await self.slack.brings({**mention, "type": "app_mention"})]

    def _message(self, text: str, thread: str) -> dict[str, Any]:
        ts = self.slack.stamps.next()
        message: dict[str, Any] = {
            "type": "message",
            "client_msg_id": str(uuid4()),
            "user": self.user,
            "text": _typed(text),
            "ts": ts,
            "team": self.team,
            "channel": self.place.id,
            "event_ts": ts,
        }
        if self.team != TEAM:
            message |= {"user_team": self.team, "source_team": self.team}
        if thread:
            message |= {"thread_ts": thread, "parent_user_id": self._author(thread)}
        return message

    def _author(self, ts: str) -> str:
        people = {said["ts"]: said["user"] for said in self.slack.api.history if said["channel"] == self.place.id}
        return str(people.get(ts, BOT_USER))

    def _change(
        self, subtype: str, ts: str, *, previous: dict[str, Any], message: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        change = {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            "channel": self.place.id,
            "channel_type": self.place.kind,
            "ts": ts,
            "event_ts": ts,
            "previous_message": previous,
        }
        return change | ({"message": message} if message else {})


def _typed(text: str) -> str:
    """As Slack's programs send what somebody types."""
    return re.sub(r"@botcore\b", f"<@{BOT_USER}>", escaped(text))
