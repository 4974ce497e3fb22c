"""A fake Slack for one bot: events over sockets it opens, or posted and signed; direct messages. Fast, not complete."""

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

from load.http import Poster, Reply, Socket
from load.talk import CHATS, Talk, text

__all__ = ["APP_TOKEN", "BOT_TOKEN", "SIGNING_SECRET", "Slack"]

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-benchmark-benchmark", "xapp-benchmark-benchmark", "benchmark"
SAYS = {"chat.postMessage", "chat.update", "chat.appendStream", "chat.stopStream"}
ME = {"ok": True, "url": "https://bench.slack.com/", "team": "Bench", "user": "bench", "team_id": "T1", "user_id": "U0"}
ME |= {"bot_id": "B0", "app_id": "A1", "is_enterprise_install": False}
HELLO = json.dumps({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}, "debug_info": {}})


class Slack:
    """`load.http.Service` and the place where `Talk` is brought."""

    def __init__(self, *, hook: str = "", port: int = 0, sockets: int = 1) -> None:
        """With ``hook``, a path, events are posted to ``port``; else they go out once the bot has its ``sockets``."""
        self.talk = Talk(self._bring)
        self._poster = Poster(port, hook) if hook else None
        self._sockets: list[Socket] = []
        self._wanted = sockets
        self._waiting: list[int] = []
        self._stamps = itertools.count(1)
        self.port = 0
        """Where this service itself is served."""

    async def close(self) -> None:
        """Post nothing more."""
        if self._poster:
            await self._poster.close()

    def opened(self, socket: Socket) -> None:
        """The bot has opened a socket."""
        self._sockets.append(socket)
        socket.say(HELLO)
        if len(self._sockets) == self._wanted:
            waiting, self._waiting = self._waiting, []
            for number in waiting:
                self._bring(number)

    def closed(self, socket: Socket) -> None:
        """A socket is gone."""
        self._sockets.remove(socket)

    def call(self, path: str, body: bytes, reply: Reply) -> None:
        """One call of the Web API."""
        self.talk.calls += 1
        method = path.rpartition("/")[2]
        if method in SAYS:
            self.talk.heard(body, new=method == "chat.postMessage")
        if method == "auth.test":
            reply(json.dumps(ME).encode())
        elif method == "apps.connections.open":
            reply(b'{"ok":true,"url":"ws://127.0.0.1:%d/link"}' % self.port)
        else:
            reply(b'{"ok":true,"channel":"D1","ts":"1700000000.%06d","messages":[]}' % next(self._stamps))

    def _bring(self, number: int) -> None:
        event = _event(number)
        if self._poster:
            body = json.dumps(event).encode()
            self._poster.post(number % CHATS, body, _signed(body))
        elif len(self._sockets) < self._wanted:
            self._waiting.append(number)
        else:
            envelope = {"envelope_id": f"e{number}", "type": "events_api", "accepts_response_payload": False}
            self._sockets[number % CHATS % self._wanted].say(json.dumps(envelope | {"payload": event}))


def _event(number: int) -> dict[str, Any]:
    person, now = f"U{1000 + number % CHATS}", time.time()
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": f"D{1000 + number % CHATS}",
        "user": person,
        "team": "T1",
        "client_msg_id": f"m{number}",
        "ts": f"{int(now)}.{number:06}",
        "event_ts": f"{int(now)}.{number:06}",
        "text": text(number),
    }
    authorized = {"team_id": "T1", "user_id": "U0", "is_bot": True, "enterprise_id": None}
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": f"Ev{number}",
        "event_time": int(now),
        "authorizations": [authorized],
        "event": event,
    }


def _signed(body: bytes) -> dict[str, str]:
    at = str(int(time.time()))
    digest = hmac.new(SIGNING_SECRET.encode(), b"v0:%b:%b" % (at.encode(), body), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}
