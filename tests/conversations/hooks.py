"""The doors that platforms come in by: what they send themselves, what others send in their name, and nonsense."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from botcore.clock import SystemClock
from botcore_slack.testing import SIGNING_SECRET
from botcore_telegram.testing import SECRET, TOKEN
from tests.conversations.doors import KEY, Request

__all__ = ["Slack", "Telegram"]

DEEP = "DEEP"
"""Stands for lists in lists, in a body."""


class Telegram:
    """Telegram's calls: a secret in a header."""

    good, malformed, changed, sent = 200, 200, 200, 1
    path = "/hooks/telegram"
    person: Mapping[str, Any] = {"id": 7, "is_bot": False, "first_name": "Ana"}
    chat: Mapping[str, Any] = {"id": 7, "type": "private", "first_name": "Ana"}

    def says(self, text: str, event: str = "") -> Request:
        return self._update(event, message=self._message(_number(event)) | {"text": text})

    def carrying(self, body: bytes) -> Request:
        headers = {
            "Content-Type": "application/json",
            "Host": "bot.example.org",
            "X-Telegram-Bot-Api-Secret-Token": SECRET,
        }
        return Request(path=self.path, body=body, headers=headers)

    def forged(self) -> Iterator[tuple[str, Request, int]]:
        true = self.says("forged")
        bare = true.but(X_Telegram_Bot_Api_Secret_Token=None)
        wrong = {
            "an empty secret": "",
            "half the secret": SECRET[: len(SECRET) // 2],
            "the secret and more": f"{SECRET}x",
            "the secret in capitals": SECRET.upper(),
            "a secret beyond ASCII": "gehe\u00edm",
            "a very long secret": "x" * 8000,
            "the bot's token": TOKEN,
            "another platform's secret": SIGNING_SECRET,
        }
        yield "no secret", bare, 401
        yield "the secret as a key", bare.but(Authorization=f"Bearer {SECRET}"), 401
        yield "the operator's key", bare.but(Authorization=f"Bearer {KEY}"), 401
        yield "the secret in the address", replace(bare, path=f"{self.path}?secret_token={SECRET}"), 401
        for what, secret in wrong.items():
            yield what, true.but(X_Telegram_Bot_Api_Secret_Token=secret), 401

    def thumb(self, message: str, event: str) -> Request:
        shown = self._message(int(message.rpartition(":")[2]))
        query = {"id": str(_number(event)), "from": self.person, "chat_instance": "1", "data": "feedback:1"}
        return self._update(event, callback_query=query | {"message": shown})

    def useless(self) -> Iterator[tuple[str, Request]]:
        good = self._message(1) | {"text": "useless"}
        press = {"id": "1", "from": self.person, "message": good, "data": "feedback:1"}
        yield "no message", self._update(message=[])
        yield "half a message", self._update(message={"text": "useless"})
        yield "a press by nobody", self._update(callback_query=press | {"from": None})
        yield "a press on nothing we know", self._update(callback_query=press | {"message": {"message_id": 1}})
        yield "no number", self.carrying(json.dumps({"message": good}).encode())
        for number in ("7", 7.5, True, None, 10**30, [7]):
            yield (
                f"{number!r:.9} as an update",
                self.carrying(json.dumps({"update_id": number, "message": good}).encode()),
            )
            yield f"{number!r:.9} as a chat", self._update(message=good | {"chat": {"id": number, "type": "private"}})
            yield f"{number!r:.9} as a message", self._update(message=good | {"message_id": number})
            yield f"{number!r:.9} as a person", self._update(message=good | {"from": {"id": number}})
        for text in (7, [], {"a": 1}):
            yield f"{text!r:.9} as a text", self._update(message=good | {"text": text})
        for size in ("many", float("inf"), float("nan"), []):
            document = {"file_id": "f", "file_size": size}
            yield f"{size!r} as a size", self._update(message=good | {"document": document})
        yield "a photo in no size we know", self._update(message=good | {"photo": "large"})
        yield "an answer to nothing we know", self._update(message=good | {"reply_to_message": "that"})
        for what, body in _deeper(lambda: self._update(message=good | {"text": DEEP})):
            yield what, self.carrying(body)

    def _update(self, event: str = "", **content: object) -> Request:
        return self.carrying(json.dumps({"update_id": _number(event), **content}).encode())

    def _message(self, number: int) -> dict[str, Any]:
        return {"message_id": number, "date": 1_700_000_000, "chat": self.chat, "from": self.person}


class Slack:
    """Slack's posts: signed, by time."""

    good, malformed, changed, sent = 200, 200, 200, 1
    path = "/hooks/slack"
    around: Mapping[str, Any] = {"token": "old-verification-token", "team_id": "T1", "api_app_id": "A1"}

    def says(self, text: str, event: str = "") -> Request:
        return self._event(self._message(event) | {"text": text})

    def carrying(self, body: bytes) -> Request:
        return self._signed(body, now())

    def forged(self) -> Iterator[tuple[str, Request, int]]:
        true, other = self.says("forged"), self.says("another")
        signature, time = true.headers["X-Slack-Signature"], int(now())
        yield "nothing signed", true.but(X_Slack_Signature=None), 401
        yield "no time", true.but(X_Slack_Request_Timestamp=None), 401
        yield "old, as if recorded", self._signed(true.body, time - 301), 401
        yield "from the future", self._signed(true.body, time + 330), 401
        yield (
            "an old one with a new time",
            self._signed(true.body, time - 301).but(X_Slack_Request_Timestamp=str(time)),
            401,
        )
        yield "another body's signature", replace(other, body=true.body), 401
        yield "half the secret", self._signed(true.body, time, SIGNING_SECRET[: len(SIGNING_SECRET) // 2]), 401
        yield "no secret at all", self._signed(true.body, time, ""), 401
        yield "another platform's secret", self._signed(true.body, time, SECRET), 401
        yield "half a signature", true.but(X_Slack_Signature=signature[:35]), 401
        yield "another version", true.but(X_Slack_Signature=f"v1{signature[2:]}"), 401
        yield "a signature beyond ASCII", true.but(X_Slack_Signature="v0=\u00e9"), 401
        yield "the secret itself", true.but(X_Slack_Signature=f"v0={SIGNING_SECRET}"), 401
        for wrong in ("", "soon", "1.5", "-1", "9" * 5000, "\u0661\u0662"):
            yield f"{wrong:.9} as a time", true.but(X_Slack_Request_Timestamp=wrong), 401

    def thumb(self, message: str, event: str) -> Request:
        channel, _, ts = message.partition(":")
        action = {"type": "feedback_buttons", "action_id": "botcore_thumbs", "value": "good", "action_ts": _ts(event)}
        return self._form(
            {
                "type": "block_actions",
                **self.around,
                "team": {"id": "T1"},
                "user": {"id": "U1", "username": "ana"},
                "channel": {"id": channel},
                "message": {"type": "message", "ts": ts},
                "actions": [action],
            }
        )

    def useless(self) -> Iterator[tuple[str, Request]]:
        good = self._message() | {"text": "useless"}
        yield "an event in a form", self._form_of(b'{"type": "event_callback"}')
        yield "a form without anything in it", self._form_of(b"payload=")
        yield "a form of something else", self._form_of(b"a=1&b=2")
        yield "a form with many fields", self._form_of(b"&".join(b"payload=%d" % n for n in range(1000)))
        yield "no event", self._event(None)
        yield "half an event", self._event({"type": "message", "channel_type": "im"})
        for word in (7, True, None, [], {"a": 1}, ""):
            yield f"{word!r:.9} as a kind", self._event(good | {"type": word})
            yield f"{word!r:.9} as a time", self._event(good | {"ts": word})
            yield f"{word!r:.9} as a channel", self._event(good | {"channel": word})
            yield f"{word!r:.9} as a person", self._event(good | {"user": word})
        for text in (7, [1], {"a": 1}):
            yield f"{text!r:.9} as a text", self._event(good | {"text": text})
            yield f"{text!r:.9} as a thread", self._event(good | {"thread_ts": text})
        for size in ("many", float("inf"), float("nan"), [1]):
            yield f"{size!r} as a size", self._event(good | {"files": [{"id": "F1", "size": size}]})
        yield "[1] as a subtype", self._event(good | {"subtype": [1]})
        for what, body in _deeper(lambda: self._event(good | {"text": DEEP})):
            yield what, self.carrying(body)
        yield "files we cannot read", self._event(good | {"files": "all of them"})
        yield "an edit of nothing", self._event(good | {"subtype": "message_changed"})
        yield "an edit of something else", self._event(good | {"subtype": "message_changed", "message": "that"})
        yield "a press on nothing", self._form({"type": "block_actions", "user": {"id": "U1"}})
        for kept in ("", "{", "[" * 3000, "7", '{"message": "D1"}'):
            view = {"id": "V1", "callback_id": "botcore_form", "private_metadata": kept, "state": {"values": {}}}
            yield (
                f"{kept:.9} as what a form keeps",
                self._form({"type": "view_submission", "user": {"id": "U1"}, "view": view}),
            )

    def _event(self, event: object) -> Request:
        body = {**self.around, "type": "event_callback", "event_id": f"Ev{uuid4().hex}", "event": event}
        return self.carrying(json.dumps(body).encode())

    def _message(self, event: str = "") -> dict[str, Any]:
        ts = _ts(event)
        named = {"client_msg_id": event} if event else {}
        return {
            "type": "message",
            "channel_type": "im",
            "channel": "D1",
            "user": "U1",
            "ts": ts,
            "event_ts": ts,
            **named,
        }

    def _form(self, payload: object) -> Request:
        return self._form_of(b"payload=" + quote(json.dumps(payload)).encode())

    def _form_of(self, body: bytes) -> Request:
        return self.carrying(body).but(Content_Type="application/x-www-form-urlencoded")

    def _signed(self, body: bytes, at: float, secret: str = SIGNING_SECRET) -> Request:
        base = b"v0:%d:%s" % (int(at), body)
        signature = f"v0={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"
        headers = {
            "Content-Type": "application/json",
            "Host": "bot.example.org",
            "X-Slack-Request-Timestamp": str(int(at)),
            "X-Slack-Signature": signature,
        }
        return Request(path=self.path, body=body, headers=headers)


def now() -> float:
    return SystemClock().now()


def _number(event: str) -> int:
    """An id as a number, in the same order."""
    return (UUID(event) if event else uuid4()).int >> 76


def _ts(event: str) -> str:
    seconds, micros = divmod(_number(event), 10**6)
    return f"{seconds}.{micros:06}"


def _deeper(shallow: Callable[[], Request]) -> Iterator[tuple[str, bytes]]:
    """The body with lists in lists for `DEEP`: until it can be read and, at some depth, no longer be written."""
    for depth in (2, 500, *range(940, 980)):
        yield f"{depth} lists in lists", shallow().body.replace(b'"DEEP"', b"[" * depth + b"]" * depth)
