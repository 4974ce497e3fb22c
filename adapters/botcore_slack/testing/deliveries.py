"""The two ways Slack brings an event to a program: over a socket the program opened, or posted to its address.

A delivery that is not acknowledged comes again when a test says so (`again`), or when its socket closes.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from botcore_slack.testing.methods import APP_ID

__all__ = ["Carrier", "Delivery", "Poster", "SocketServer"]

MOST_SOCKETS = 10


@dataclass(slots=True, eq=False)
class Delivery:
    """One thing Slack wants the program to know."""

    kind: Literal["event", "action"]
    payload: dict[str, Any]
    id: str
    attempts: int = 0
    received: bool = False
    """Whether the program said so."""
    statuses: list[int] = field(default_factory=list)
    """What a program answered to posts; 0 = it could not be reached."""


class Carrier(Protocol):
    """A way to bring deliveries."""

    async def bring(self, delivery: Delivery) -> None:
        """Try once more."""
        ...


class _Connection:
    def __init__(self, number: int) -> None:
        self.number = number
        self.ws = web.WebSocketResponse(autoping=False, heartbeat=None)
        self.silent = False
        self.leaving = False
        self.waiting: dict[str, Delivery] = {}


class SocketServer:
    """Slack's end of Socket Mode."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._numbers = count(1)
        self._tickets: set[str] = set()
        self._next_ticket = count(1)
        self._turn = 0
        self._queue: list[Delivery] = []
        self.open: list[_Connection] = []
        self.opened = 0
        """Sockets that were ever opened."""
        self.acknowledged: list[str] = []
        """Envelope ids, in order, repetitions included."""
        self.answers_pings = True
        self.hello = True

    def address(self, root: str) -> str:
        """A single-use address, as apps.connections.open gives it."""
        ticket = f"ticket-{next(self._next_ticket)}-secret"
        self._tickets.add(ticket)
        return f"ws{root.removeprefix('http')}/link/?ticket={ticket}&app_id={APP_ID}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket, from hello to its end."""
        if request.query.get("ticket") not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(request.query["ticket"])
        connection = _Connection(next(self._numbers))
        await connection.ws.prepare(request)
        self.open.append(connection)
        self.opened += 1
        try:
            if self.hello:
                await connection.ws.send_json(self._hello())
            if len(self.open) > MOST_SOCKETS:
                await self.dismiss("too_many_websockets", connection)
            await self._flush()
            self._changed()
            while await self._read(connection):
                pass
        finally:
            self.open.remove(connection)
            self._queue += connection.waiting.values()
            self._changed()
        await self._flush()
        return connection.ws

    async def bring(self, delivery: Delivery) -> None:
        """Send it over one of the sockets, or keep it until there is one."""
        able = [one for one in self.open if not (one.silent or one.leaving or one.ws.closed)]
        if not able:
            self._queue.append(delivery)
            return
        self._turn += 1
        await self._send(able[self._turn % len(able)], delivery)

    async def send(self, text: str, connection: _Connection | None = None) -> None:
        """Send this frame, whatever it is."""
        await (connection or self.open[-1]).ws.send_str(text)

    async def dismiss(self, reason: str, connection: _Connection | None = None) -> _Connection:
        """Announce that a socket (else the oldest) will be closed, and send it nothing more."""
        connection = connection or self.open[0]
        connection.leaving = True
        await connection.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}})
        return connection

    async def close(self, connection: _Connection | None = None) -> None:
        """Close a socket (else the oldest)."""
        await (connection or self.open[0]).ws.close()

    def silence(self) -> None:
        """From now on nothing goes in or out of the sockets that are open, and none of them is closed."""
        for connection in self.open:
            connection.silent = True

    async def _read(self, connection: _Connection) -> bool:
        frame = await connection.ws.receive()
        if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return False
        if connection.silent:
            return True
        if frame.type is WSMsgType.PING:
            await connection.ws.pong(frame.data)
        elif frame.type is WSMsgType.TEXT:
            self._acknowledge(connection, json.loads(frame.data)["envelope_id"])
        return True

    def _acknowledge(self, connection: _Connection, envelope: str) -> None:
        delivery = connection.waiting.pop(envelope, None)
        self.acknowledged.append(envelope)
        if delivery:
            delivery.received = True
        self._changed()

    async def _flush(self) -> None:
        waiting, self._queue = self._queue, []
        for delivery in waiting:
            await self.bring(delivery)

    async def _send(self, connection: _Connection, delivery: Delivery) -> None:
        envelope: dict[str, Any] = {
            "envelope_id": delivery.id,
            "type": "events_api" if delivery.kind == "event" else "interactive",
            "payload": delivery.payload,
            "accepts_response_payload": delivery.kind == "action",
        }
        if delivery.kind == "event":
            reason = "timeout" if delivery.attempts else ""
            envelope |= {"retry_attempt": delivery.attempts, "retry_reason": reason}
        delivery.attempts += 1
        connection.waiting[delivery.id] = delivery
        await connection.ws.send_json(envelope)

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {"host": "fake", "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP_ID},
        }


class Poster:
    """Slack's end of the Events API: signs and posts."""

    def __init__(
        self, session: aiohttp.ClientSession, secret: str, now: Callable[[], float], changed: Callable[[], None]
    ) -> None:
        self._session = session
        self._secret = secret
        self._now = now
        self._changed = changed
        self.url = ""

    async def bring(self, delivery: Delivery) -> None:
        """Post it; a later attempt says so."""
        headers = {}
        if delivery.attempts:
            reason = "http_error" if delivery.statuses[-1] else "connection_failed"
            headers = {"X-Slack-Retry-Num": str(delivery.attempts), "X-Slack-Retry-Reason": reason}
        body, kind = self._packed(delivery)
        delivery.attempts += 1
        status = await self._status(body, {**self.signed(body), **headers, "Content-Type": kind})
        delivery.statuses.append(status)
        delivery.received = delivery.received or 200 <= status < 300
        self._changed()

    def signed(self, body: bytes, *, secret: str = "", at: float | None = None) -> dict[str, str]:
        """The headers that prove a body."""
        timestamp = str(int(self._now() if at is None else at))
        proof = hmac.new((secret or self._secret).encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256)
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={proof.hexdigest()}"}

    async def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post whatever a test likes: status and body of the answer."""
        async with self._session.post(self.url, data=body, headers=headers) as answer:
            return answer.status, await answer.read()

    async def _status(self, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            return (await self.post(body, headers))[0]
        except aiohttp.ClientError:
            return 0

    @staticmethod
    def _packed(delivery: Delivery) -> tuple[bytes, str]:
        text = json.dumps(delivery.payload)
        if delivery.kind == "event":
            return text.encode(), "application/json"
        return urlencode({"payload": text}).encode(), "application/x-www-form-urlencoded"
