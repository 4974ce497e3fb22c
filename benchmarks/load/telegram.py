"""A fake Bot API for one bot: polling with true confirming, or posting to its webhook. Fast rather than complete."""

import asyncio
import json
import re
import time
from collections import deque

from load.http import Poster, Reply, Socket
from load.talk import CHATS, Talk, text

__all__ = ["SECRET", "TOKEN", "Telegram"]

TOKEN = "123456789:AAbenchmarkbenchmarkbenchmarkbench"
SECRET = "benchmark"
FIRST_UPDATE, FIRST_CHAT = 700_000_000, 1_000
LIMIT = 100
OFFSET = re.compile(rb'offset["\r\n:= ]*(\d+)')
TIMEOUT = re.compile(rb'timeout["\r\n:= ]*(\d+)')
ME = {"id": 123456789, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}
ANSWERS = {
    "getMe": json.dumps(
        {"ok": True, "result": ME | {"can_join_groups": True, "can_read_all_group_messages": False}}
    ).encode(),
    "getMyCommands": b'{"ok":true,"result":[]}',
}
YES = b'{"ok":true,"result":true}'


class Telegram:
    """`load.http.Service` and the place where `Talk` is brought."""

    def __init__(self, *, hook: str = "", port: int = 0) -> None:
        """With ``hook``, a path, updates are posted to ``port`` once the bot has set a webhook; else they wait."""
        self.talk = Talk(self._bring)
        self._poster = Poster(port, hook) if hook else None
        self._address = f"http://127.0.0.1:{port}{hook}" if hook else ""
        self._hooked = False
        self._waiting = deque[tuple[int, bytes]]()
        self._asked: tuple[Reply, asyncio.TimerHandle] | None = None
        self._sent = 0

    async def close(self) -> None:
        """Post nothing more."""
        if self._poster:
            await self._poster.close()

    def opened(self, socket: Socket) -> None:
        """Nobody opens a socket here."""

    def closed(self, socket: Socket) -> None:
        """Nobody opens a socket here."""

    def call(self, path: str, body: bytes, reply: Reply) -> None:
        """One call of the Bot API."""
        self.talk.calls += 1
        method = path.rpartition("/")[2]
        if method == "sendMessage":
            reply(self._message(body))
        elif method == "getUpdates":
            self._updates(body, reply)
        elif method == "setWebhook":
            self._hooked = True
            self._deliver()
            reply(YES)
        elif method == "getWebhookInfo":
            reply(self._registered())
        else:
            reply(ANSWERS.get(method, YES))

    def _message(self, body: bytes) -> bytes:
        self._sent += 1
        self.talk.heard(body)
        return (
            b'{"ok":true,"result":{"message_id":%d,"from":{"id":123456789,"is_bot":true,"first_name":"Bench",'
            b'"username":"bench_bot"},"chat":{"id":1000,"first_name":"Ann","type":"private"},'
            b'"date":%d,"text":"hello"}}' % (self._sent, time.time())
        )

    def _registered(self) -> bytes:
        allowed = ["message", "edited_message", "callback_query"]
        info = {"url": self._address if self._hooked else "", "allowed_updates": allowed, "pending_update_count": 0}
        return json.dumps({"ok": True, "result": info}).encode()

    # ------------------------------------------------------------ updates

    def _bring(self, number: int) -> None:
        self._waiting.append((number, _update(number)))
        self._deliver()

    def _deliver(self) -> None:
        if self._poster and self._hooked:
            while self._waiting:
                number, update = self._waiting.popleft()
                self._poster.post(number % CHATS, update, {"X-Telegram-Bot-Api-Secret-Token": SECRET})
        elif self._asked and self._waiting:
            reply, timer = self._asked
            timer.cancel()
            self._hand_over(reply)

    def _updates(self, body: bytes, reply: Reply) -> None:
        offset, timeout = OFFSET.search(body), TIMEOUT.search(body)
        confirmed = int(offset[1]) - FIRST_UPDATE if offset else 0
        while self._waiting and self._waiting[0][0] < confirmed:
            self._waiting.popleft()
        if self._waiting or not timeout or timeout[1] == b"0":
            self._hand_over(reply)
        else:
            timer = asyncio.get_running_loop().call_later(int(timeout[1]), self._hand_over, reply)
            self._asked = reply, timer

    def _hand_over(self, reply: Reply) -> None:
        self._asked = None
        waiting = [update for _, update in list(self._waiting)[:LIMIT]] if len(self._waiting) else []
        reply(b'{"ok":true,"result":[%b]}' % b",".join(waiting))


def _update(number: int) -> bytes:
    person = FIRST_CHAT + number % CHATS
    names = {"id": person, "first_name": "Ann", "last_name": "Example", "username": f"ann{person}"}
    message = {
        "message_id": number + 1,
        "from": names | {"is_bot": False, "language_code": "en"},
        "chat": names | {"type": "private"},
        "date": int(time.time()),
        "text": text(number),
    }
    return json.dumps({"update_id": FIRST_UPDATE + number, "message": message}).encode()
