"""The fake's HTTP face: tokens, planned faults, gates, files, and what a test asks it afterwards."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, Self

import aiohttp
from aiohttp import web

from botcore import Clock
from botcore.testing import until
from botcore_slack.settings import SlackSettings
from botcore_slack.testing.deliveries import Carrier, Delivery, Poster, SocketServer
from botcore_slack.testing.errors import ApiError, Fault
from botcore_slack.testing.messages import SentMessage, Stamps
from botcore_slack.testing.methods import APP_ID, BOT_ID, BOT_USER, TEAM, Methods
from botcore_slack.testing.people import FakePerson, FakePlace

__all__ = ["APP_TOKEN", "BOT_TOKEN", "SIGNING_SECRET", "Call", "FakeSlack", "Gate"]

BOT_TOKEN = "xoxb-1111111111-fakebot-Zm9yIHRlc3Rz"
APP_TOKEN = "xapp-1-A1-2222222222-fakeapp0123456789"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that took effect."""

    method: str
    parameters: Mapping[str, Any]


class Gate:
    """Holds matching calls before they take effect."""

    def __init__(self, method: str, channel: str) -> None:
        self._method = method
        self._channel = channel
        self._opened = asyncio.Event()
        self._arrived = asyncio.Semaphore(0)

    def holds(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Whether this call has to wait."""
        return method == self._method and self._channel in ("", parameters.get("channel"))

    async def wait(self) -> None:
        """Called by the held call."""
        self._arrived.release()
        await self._opened.wait()

    async def reached(self) -> None:
        """Return when one more call has arrived."""
        await self._arrived.acquire()

    def open(self) -> None:
        """Let all go."""
        self._opened.set()


class FakeSlack:
    """The server. ``clock`` makes its message times and signatures: the bot's, where a test moves that one.

    In mode "events" say where the bot listens: ``slack.posts_to(f"{bot.address}/hooks/slack")``.
    """

    def __init__(self, *, mode: Literal["socket", "events"] = "socket", clock: Clock | None = None) -> None:
        self.mode = mode
        self.clock = clock
        self.stamps = Stamps(self.now)
        self.changed = asyncio.Event()
        self.sockets = SocketServer(self._change)
        self.api = Methods(self.stamps, open_socket=lambda: self.sockets.address(self.root))
        self.api.said = self._echo
        self.executed: Counter[str] = Counter()
        """Calls that took effect, by method."""
        self.calls: list[Call] = []
        self.received: list[tuple[str, float]] = []
        """(method, Unix time by ``clock``) of every call, whatever became of it."""
        self.deliveries: list[Delivery] = []
        self.downloads: list[str] = []
        self.root = ""
        self.base_url = ""
        self._files: dict[str, tuple[bytes, str]] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._gates: list[Gate] = []
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[Delivery]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/link/", self.sockets.serve)
        app.router.add_get("/files-pri/{file}/{name}", self._download)
        app.router.add_route("*", "/api/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.root = f"http://{host}:{port}"
        self.base_url = f"{self.root}/api/"
        self._session = aiohttp.ClientSession()
        self.events = Poster(self._session, SIGNING_SECRET, self.now, self._change)
        return self

    async def __aexit__(self, *_: object) -> None:
        for gate in self._gates:
            gate.open()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        for connection in list(self.sockets.open):
            await connection.ws.close()
        await self._runner.cleanup()

    def now(self) -> float:
        """Slack's time, Unix seconds."""
        return self.clock.now() if self.clock else time.time()  # noqa: TID251 - another machine's clock

    # ------------------------------------------------------------ for the bot

    def table(self, **more: Any) -> dict[str, Any]:
        """``[channels.slack]`` for a bot that talks to this server."""
        secrets = {"app_token": APP_TOKEN} if self.mode == "socket" else {"signing_secret": SIGNING_SECRET}
        return {"bot_token": BOT_TOKEN, **secrets, "mode": self.mode, "base_url": self.base_url, **more}

    def environment(self, **more: Any) -> dict[str, str]:
        """The same as variables, for a bot in a process of its own."""
        return {f"BOTCORE_CHANNELS__SLACK__{key.upper()}": str(value) for key, value in self.table(**more).items()}

    def settings(self, **more: Any) -> SlackSettings:
        """The same as settings."""
        return SlackSettings(**self.table(**more))

    def posts_to(self, url: str) -> None:
        """Mode "events": where the bot listens."""
        self.events.url = url

    async def connected(self, sockets: int = 2) -> None:
        """Mode "socket": return when the bot has so many sockets open."""
        while len(self.sockets.open) < sockets:
            await self.until(f"{sockets} sockets; open are {len(self.sockets.open)}")

    # ------------------------------------------------------------ people and places

    def dm(self, user: str) -> FakePerson:
        """Somebody's private chat with the bot."""
        return FakePlace(self, f"D{user[1:]}", "im").person(user)

    def channel(self, id: str) -> FakePlace:
        """A channel the bot was invited to."""
        return FakePlace(self, id, "channel")

    def keeps(self, id: str, name: str, content: bytes, media_type: str) -> dict[str, Any]:
        """A shared file, as messages carry it."""
        self._files[id] = (content, media_type)
        url = f"{self.root}/files-pri/{TEAM}-{id}/{name}"
        self.api.files[id] = {
            "id": id,
            "name": name,
            "title": name,
            "mimetype": media_type,
            "size": len(content),
            "url_private": url,
            "url_private_download": url,
        }
        return self.api.files[id]

    # ------------------------------------------------------------ deliveries

    async def brings(self, event: Mapping[str, Any], **more: Any) -> Delivery:
        """Bring an event to the bot; ``more`` are fields around it."""
        number = next(self._numbers)
        payload: dict[str, Any] = {
            "token": "old-verification-token",
            "team_id": TEAM,
            "api_app_id": APP_ID,
            "event": dict(event),
            "type": "event_callback",
            "event_id": f"Ev{number:08d}",
            "event_time": int(self.now()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            **more,
        }
        return await self._bring("event", payload, number)

    async def brings_action(self, payload: Mapping[str, Any]) -> Delivery:
        """Bring what somebody pressed or sent."""
        return await self._bring("action", dict(payload), next(self._numbers))

    async def again(self, delivery: Delivery) -> Delivery:
        """Slack's own repetition of a delivery."""
        await self._carrier.bring(delivery)
        return delivery

    async def receives(self, *deliveries: Delivery) -> None:
        """Return when the bot has said "received" of each."""
        while not all(delivery.received for delivery in deliveries):
            await self.until(f"{[delivery.id for delivery in deliveries]} to be received")

    async def _bring(self, kind: Literal["event", "action"], payload: dict[str, Any], number: int) -> Delivery:
        delivery = Delivery(kind, payload, f"envelope-{number}")
        self.deliveries.append(delivery)
        await self._carrier.bring(delivery)
        return delivery

    @property
    def _carrier(self) -> Carrier:
        return self.sockets if self.mode == "socket" else self.events

    def _echo(self, message: SentMessage, change: str) -> None:
        """Whatever the bot says comes back to it."""
        shown = {"type": "message", "user": BOT_USER, "bot_id": BOT_ID, "ts": message.ts, "text": message.notification}
        if message.thread:
            shown["thread_ts"] = message.thread
        event: dict[str, Any] = {**shown, "channel": message.channel, "event_ts": message.ts}
        if change == "edited":
            before = {**shown, "text": "before"}
            event = {"type": "message", "subtype": "message_changed", "message": shown, "previous_message": before}
            event |= {"channel": message.channel, "ts": message.edited, "event_ts": message.edited}
        event["channel_type"] = self.api.channels[message.channel]["kind"]
        task = asyncio.get_running_loop().create_task(self.brings(event), name="echo")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ what goes wrong, and when

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method go wrong, one each; ``*`` stands for whatever is called next."""
        self._faults.setdefault(method, deque()).extend(faults)

    def flood(self, *, next: int = 1, retry_after: float = 1, method: str = "chat.postMessage") -> None:
        """The ``next`` calls are answered 429."""
        self.fail(method, *[Fault.flood(retry_after)] * next)

    def expire_streams(self) -> None:
        """Every message that grows stops growing."""
        for message in self.api.messages.values():
            message.streaming = False

    @asynccontextmanager
    async def hold(self, method: str, channel: str = "") -> AsyncIterator[Gate]:
        """Calls of this method (in this channel) wait until the gate is opened or the block left."""
        gate = Gate(method, channel)
        self._gates.append(gate)
        try:
            yield gate
        finally:
            self._gates.remove(gate)
            gate.open()

    async def until(self, what: str) -> None:
        """Wait for the next change of anything; after a few seconds the test fails, naming ``what``."""
        try:
            await until(self.changed.is_set)
        except TimeoutError:
            raise AssertionError(f"waited too long for {what}") from None

    async def serves(self, method: str, times: int = 1) -> None:
        """Return when the method took effect so many times."""
        while self.executed[method] < times:
            await self.until(f"{times} x {method}; so far {dict(self.executed)}")

    # ------------------------------------------------------------ HTTP

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            self._known(request, APP_TOKEN if method.startswith("apps.") else BOT_TOKEN)
            parameters = await _parameters(request)
            self.received.append((method, self.now()))
            for gate in [gate for gate in self._gates if gate.holds(method, parameters)]:
                await gate.wait()
            faults = self._faults.get(method) or self._faults.get("*")
            if faults:
                return await self._fault(faults.popleft(), request, method, parameters)
            return web.json_response({"ok": True, **self._execute(method, parameters)})
        except ApiError as error:
            return web.json_response({"ok": False, "error": error.error})
        finally:
            self._change()

    @staticmethod
    def _known(request: web.Request, token: str) -> None:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given:
            raise ApiError("not_authed")
        if given != token:
            raise ApiError("invalid_auth")

    def _execute(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.api.call(method, parameters)
        self.executed[method] += 1
        self.calls.append(Call(method, parameters))
        return answer

    async def _fault(
        self, fault: Fault, request: web.Request, method: str, parameters: Mapping[str, Any]
    ) -> web.StreamResponse:
        if fault.executed:
            self._execute(method, parameters)
        if not fault.status:
            assert request.transport
            request.transport.abort()
            return web.Response()
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        if fault.html:
            headers |= {"Location": fault.location} if fault.location else {}
            page = "<html>something went wrong</html>"
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=headers)
        return web.json_response({"ok": False, "error": fault.error}, status=fault.status, headers=headers)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        id = request.match_info["file"].partition("-")[2]
        faults = self._faults.get("files")
        if faults:
            fault = faults.popleft()
            headers = {name: value for name, value in (("Retry-After", fault.retry_after),) if value}
            headers |= {"Location": fault.location} if fault.location else {}
            return web.Response(status=fault.status, headers=headers)
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<html>sign in to Slack</html>", content_type="text/html")
        if id not in self._files:
            return web.Response(status=404)
        self.downloads.append(id)
        content, media_type = self._files[id]
        return web.Response(body=content, content_type=media_type)

    def _change(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


async def _parameters(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json()
    return given
