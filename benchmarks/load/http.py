"""A bare HTTP/1.1 server with WebSockets, and a client that posts: only what the fake platforms need, and fast.

It must never be what a bot waits for: about 25 µs of processor time a request, a fifth of aiohttp's server.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Protocol

__all__ = ["Poster", "Reply", "Service", "Socket", "serve"]

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SOCKET_KEY = re.compile(rb"\r\nsec-websocket-key: *([^\r]+)", re.IGNORECASE)
SOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA

Reply = Callable[[bytes], None]
"""Answers a request with JSON, now or later."""


class Socket(Protocol):
    """An open WebSocket."""

    def say(self, text: str) -> None:
        """Send one text."""
        ...


class Service(Protocol):
    """Who answers."""

    def call(self, path: str, body: bytes, reply: Reply) -> None:
        """One request."""
        ...

    def opened(self, socket: Socket) -> None:
        """A WebSocket was opened."""
        ...

    def closed(self, socket: Socket) -> None:
        """It is gone."""
        ...


async def serve(service: Service, port: int = 0) -> tuple[asyncio.Server, int]:
    """A listening server and its port."""
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(service), "127.0.0.1", port)
    return server, server.sockets[0].getsockname()[1]


class _Connection(asyncio.Protocol):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        if self._upgraded:
            self._service.closed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._upgraded:
            self._frames()
        else:
            self._request()

    def _request(self) -> None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if int(length[1]) > len(rest) if length else b"chunked" in head and not rest.endswith(b"0\r\n\r\n"):
            return
        self._buffer = b""  # no client of ours pipelines
        key = SOCKET_KEY.search(head)
        if key:
            self._upgrade(key[1])
        else:
            self._service.call(head.split(b" ", 2)[1].decode(), rest, self._reply)

    def _reply(self, body: bytes) -> None:
        if not self._transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
            self._transport.write(head % len(body) + body)

    def _upgrade(self, key: bytes) -> None:
        accept = base64.b64encode(hashlib.sha1(key + SOCKET_GUID).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._transport.write(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self._upgraded = True
        self._service.opened(self)

    def say(self, text: str) -> None:
        """Send one text."""
        self._send(TEXT, text.encode())

    def _send(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        self._transport.write(bytes([0x80 | kind]) + length + payload)

    def _frames(self) -> None:
        """Only a ping and a close want an answer; acknowledgements are nobody's business here."""
        while len(self._buffer) >= 6:
            kind, size, mask = self._buffer[0] & 0x0F, self._buffer[1] & 0x7F, 2
            if size == 126:
                size, mask = int.from_bytes(self._buffer[2:4], "big"), 4
            end = mask + 4 + size
            if len(self._buffer) < end:
                return
            payload, key = self._buffer[mask + 4 : end], self._buffer[mask : mask + 4]
            self._buffer = self._buffer[end:]
            if kind == PING:
                self._send(PONG, bytes(byte ^ key[place % 4] for place, byte in enumerate(payload)))
            elif kind == CLOSE:
                self._transport.close()


class Poster:
    """Posts to a bot over a fixed number of connections; what shares a lane arrives one by one, in order."""

    LANES = 40
    """Telegram's own number of deliveries at once."""
    PAUSE_S = 0.01
    """Between tries, while the bot is not up or answers that it cannot take anything yet."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n".encode()
        self._lanes = [asyncio.Queue[tuple[bytes, Mapping[str, str]]]() for _ in range(self.LANES)]
        self._tasks = [asyncio.create_task(self._work(lane), name="lane") for lane in self._lanes]

    def post(self, lane: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Deliver this behind what waits in the same lane."""
        self._lanes[lane % self.LANES].put_nowait((body, headers))

    async def close(self) -> None:
        """Deliver nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, lane: "asyncio.Queue[tuple[bytes, Mapping[str, str]]]") -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                request = self._request(*await lane.get())
                while True:
                    try:
                        connection = connection or await asyncio.open_connection("127.0.0.1", self._port)
                        if await _exchange(*connection, request) == 200:
                            break
                    except (OSError, EOFError):
                        connection = None
                    await asyncio.sleep(self.PAUSE_S)
        finally:
            if connection:
                connection[1].close()

    def _request(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return b"%b%bContent-Length: %d\r\n\r\n%b" % (self._start, lines.encode(), len(body), body)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """The status of the answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    return int(head.split(b" ", 2)[1])
