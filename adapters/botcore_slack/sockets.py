"""Socket Mode: a few sockets that we open, each envelope acknowledged only after the inbox has committed it.

    hello                 it listens
    envelope              taken, then acknowledged; not stored: not acknowledged, and Slack sends it again
    disconnect, warning   the next socket is opened, and this one is read until Slack closes it
    silence               a socket that answers no ping is replaced within a minute

The address comes from the SDK (apps.connections.open); the sockets are aiohttp's, read here. The SDK's own client
closes the old socket before it opens the new one, takes frames into a queue without an end, a task each, and reads
the time itself: an acknowledgement could not wait for the commit in order, nor could a test move its watchdog.
"""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn, Protocol

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType

from botcore import Clock, SettingsError, StoreUnavailable
from botcore_slack.errors import PASSING, TOKEN_REFUSED, error_of
from botcore_slack.intake import Kind
from botcore_slack.request import Refused, Trouble
from botcore_slack.wire import Json

__all__ = ["Server", "Sockets"]

log = logging.getLogger(__name__)

PING_EVERY_S = 10.0
SILENT_S = 35.0
"""Three pings without an answer, and some room: the socket is dead, whatever the kernel thinks."""
RENEW_S = 1800.0
"""Sockets that answer pings and bring no events have been seen; none gets older than this."""
LINGER_S = 30.0
"""How long a socket that has a successor is still read."""
SHORT_LIFE_S = 10.0
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 30.0
OPERATOR_PAUSE_S = 60.0
KINDS: dict[str, Kind] = {"events_api": "event", "interactive": "action"}
REASONS = {
    "link_disabled": "Socket Mode is switched off for this app: switch it on at api.slack.com/apps, Socket Mode",
    "too_many_websockets": "this app has more than ten sockets open: stop the other programs that use its app token",
}


class Server(Protocol):
    """Where sockets come from; `api.Api` is one."""

    async def socket(self) -> ClientWebSocketResponse:
        """A new socket. Raises `Trouble`."""
        ...


class _Socket:
    """One socket's life."""

    def __init__(self, ws: ClientWebSocketResponse, number: int, now: float) -> None:
        self.ws = ws
        self.number = number
        self.opened_at = now
        self.left_at: float | None = None
        self.leaving = asyncio.Event()
        self.listens = False
        self.why = ""
        """Why Slack wants no successor at once."""

    def leave(self, now: float) -> None:
        """Ask for a successor."""
        if self.left_at is None:
            self.left_at = now
        self.leaving.set()


class Sockets:
    """All sockets of one app."""

    def __init__(
        self,
        server: Server,
        take: Callable[[Kind, Json], Awaitable[None]],
        clock: Clock,
        *,
        channel: str,
        count: int,
        report: Callable[[str], None],
    ) -> None:
        self._server = server
        self._take = take
        self._clock = clock
        self._channel = channel
        self._count = count
        self._report = report
        self._open: set[_Socket] = set()
        self._storing = True
        self._trouble = ""
        """What only an operator can mend."""
        self._opened = 0

    async def run(self) -> NoReturn:
        """Receive until cancelled. Raises `SettingsError` where the very first answer is that the token is wrong."""
        first = await self._next(at_start=True)
        async with asyncio.TaskGroup() as group:
            for place in range(self._count):
                name = f"{self._channel}: socket place {place + 1}"
                group.create_task(self._keep(group, None if place else first), name=name)
        raise AssertionError("a place for a socket is kept for ever")

    async def _keep(self, group: asyncio.TaskGroup, socket: _Socket | None) -> NoReturn:
        """One place, always taken: its next socket is opened before the last one is closed."""
        short = 0
        while True:
            socket = socket or await self._next()
            group.create_task(self._serve(group, socket), name=f"{self._channel}: socket {socket.number}")
            await socket.leaving.wait()
            short = short + 1 if self._clock.monotonic() - socket.opened_at < SHORT_LIFE_S else 0
            # The first that ends early is replaced at once; a server that ends all of them is not pestered.
            pause = OPERATOR_PAUSE_S if socket.why else (_pause(short - 1) if short > 1 else 0.0)
            socket = None
            if pause:
                await self._clock.sleep(pause)

    async def _next(self, *, at_start: bool = False) -> _Socket:
        """A new socket, however long it takes."""
        tries = 0
        while True:
            try:
                ws = await self._server.socket()
            except Trouble as error:
                await self._clock.sleep(self._failed(error, tries, at_start=at_start))
                tries += 1
            else:
                self._opened += 1
                return _Socket(ws, self._opened, self._clock.monotonic())

    def _failed(self, error: Trouble, tries: int, *, at_start: bool) -> float:
        """The pause before the next try."""
        why = f"Slack gives no socket: {error}"
        if error_of(error) in TOKEN_REFUSED:
            why = (
                f"Slack does not take the app token ({error}); copy it again from the app's page "
                f'"Basic Information" into BOTCORE_CHANNELS__{self._channel.upper()}__APP_TOKEN'
            )
            if at_start:
                raise SettingsError(f"{self._channel}: {why}") from None
        if not self._listens:
            self._report(why)
        if not isinstance(error, Refused):
            return _pause(tries)
        if error.status == 200 and error.error not in PASSING:
            return OPERATOR_PAUSE_S  # Slack itself says no: an operator must act
        return max(_pause(tries), error.retry_after)

    # ------------------------------------------------------------ one socket

    async def _serve(self, group: asyncio.TaskGroup, socket: _Socket) -> None:
        pings = group.create_task(self._ping(socket), name=f"{self._channel}: pings of socket {socket.number}")
        self._open.add(socket)
        try:
            while await self._read(socket):
                pass
        except TimeoutError:
            log.warning("%s: socket %d is silent, replacing it", self._channel, socket.number)
        except (ClientError, ConnectionError) as error:
            log.info("%s: socket %d broke (%s)", self._channel, socket.number, type(error).__name__)
        except Exception as error:  # one socket's trouble is not the other's
            log.error("%s: socket %d failed (%s)", self._channel, socket.number, type(error).__name__)
        finally:
            pings.cancel()
            self._open.discard(socket)
            socket.leave(self._clock.monotonic())
            await socket.ws.close()
        self._told()

    async def _read(self, socket: _Socket) -> bool:
        """Take one frame; False where it was the last one. Raises `TimeoutError` where none comes."""
        async with self._clock.timeout(SILENT_S):
            frame = await socket.ws.receive()
        match frame.type:
            case WSMsgType.TEXT:
                await self._frame(socket, frame.data)
            case WSMsgType.PING:
                await socket.ws.pong(frame.data)
            case WSMsgType.PONG:
                pass
            case _:
                return False
        now = self._clock.monotonic()
        age = now - socket.opened_at
        if age > (RENEW_S if socket.listens else SILENT_S):
            socket.leave(now)
        return not socket.why and (socket.left_at is None or now - socket.left_at < LINGER_S)

    async def _ping(self, socket: _Socket) -> None:
        try:
            while True:
                await self._clock.sleep(PING_EVERY_S)
                await socket.ws.ping()
        except (ClientError, ConnectionError):
            pass  # whoever reads it finds out

    async def _frame(self, socket: _Socket, data: str) -> None:
        try:
            frame = json.loads(data)
            kind = frame["type"]
        except (KeyError, RecursionError, TypeError, ValueError):
            log.warning("%s: a frame that is not Slack's", self._channel)
            return
        if kind == "hello":
            socket.listens, self._trouble = True, ""
            log.info("%s: socket %d listens", self._channel, socket.number)
            self._told()
        elif kind == "disconnect":
            self._disconnect(socket, str(frame.get("reason") or ""))
        elif isinstance(frame.get("envelope_id"), str):
            await self._envelope(socket, KINDS.get(str(kind)), frame)

    def _disconnect(self, socket: _Socket, reason: str) -> None:
        log.info("%s: Slack ends socket %d (%s)", self._channel, socket.number, reason)
        socket.why = REASONS.get(reason, "")
        socket.listens = False
        socket.leave(self._clock.monotonic())
        self._trouble = socket.why or self._trouble
        self._told()

    async def _envelope(self, socket: _Socket, kind: Kind | None, frame: Json) -> None:
        payload = frame.get("payload")
        if kind and isinstance(payload, dict):
            try:
                await self._take(kind, payload)
            except StoreUnavailable as error:
                self._storing = False
                self._report(f"cannot store messages, Slack sends them again: {error}")
                return
            except Exception as error:
                # Not ours to lose: it stays unacknowledged, and the other messages go on.
                log.error("%s: an envelope was not taken: %s", self._channel, type(error).__name__)
                return
            self._storing = True
            self._told()
        await socket.ws.send_str(json.dumps({"envelope_id": frame["envelope_id"]}))

    @property
    def _listens(self) -> bool:
        return any(socket.listens for socket in self._open)

    def _told(self) -> None:
        """Say how things stand."""
        if self._listens:
            if self._storing:
                self._report("ok")
        else:
            self._report(self._trouble or "no socket to Slack, opening one")


def _pause(tries: int) -> float:
    """Half a second, doubling to 30, with jitter."""
    return float(min(FIRST_PAUSE_S * 2 ** min(tries, 10), LAST_PAUSE_S / 1.5) * random.uniform(1, 1.5))
