"""The fake's HTTP face: tokens, planned faults, gates, and what a test asks it afterwards."""

import asyncio
import json
import re
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

from aiohttp import web

from botcore import Clock
from botcore.testing import ManualClock, until
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.testing.buttons import Queries
from botcore_telegram.testing.chat import FakeChat
from botcore_telegram.testing.errors import ApiError, Fault, Odds
from botcore_telegram.testing.methods import Methods
from botcore_telegram.testing.updates import Updates
from botcore_telegram.testing.webhook import Deliverer

__all__ = ["PUBLIC", "SECRET", "TOKEN", "Call", "FakeTelegram", "Gate"]

TOKEN = "123456789:AAfake-token-for-tests_0123456789abcd"
PUBLIC = "https://bot.example.org"
SECRET = "a-secret-for-tests_0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that took effect."""

    method: str
    parameters: Mapping[str, Any]


class Gate:
    """Holds matching calls before they take effect."""

    def __init__(self, method: str, chat: int | None) -> None:
        self._method = method
        self._chat = chat
        self._opened = asyncio.Event()
        self._arrived = asyncio.Semaphore(0)

    def holds(self, method: str, parameters: Mapping[str, Any]) -> bool:
        """Whether this call has to wait."""
        return method == self._method and self._chat in (None, parameters.get("chat_id"))

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


class FakeTelegram:
    """The server. ``penalties``: repeats of getUpdates are answered as slowly as the real one does, by ``clock``.

    Without a clock of the test's, its time stands still: a long poll ends when something arrives.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        username: str = "botcore_bot",
        clock: Clock | None = None,
        penalties: bool = False,
    ) -> None:
        self.token = token
        self._clock = clock or ManualClock()
        self.updates = Updates(self._clock, penalties=penalties)
        self.webhook = Deliverer(self.updates, self._clock, self._change)
        self.api = Methods(
            self.updates,
            self.webhook,
            Queries(self._clock),
            username=username,
            user_id=int(token.partition(":")[0]),
        )
        self.executed: Counter[str] = Counter()
        """Calls that took effect, by method."""
        self.calls: list[Call] = []
        self.received: list[tuple[str, float]] = []
        """(method, Unix time by ``clock``) of every call, whatever became of it."""
        self.base_url = ""
        self.changed = asyncio.Event()
        self.updates.asked = self._change
        self.faults: list[tuple[str, Fault]] = []
        """(method, what went wrong), planned or by chance, oldest first."""
        self._faults: dict[str, deque[Fault]] = {}
        self._odds: dict[str, Odds] = {}
        self._gates: list[Gate] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{bot}/{method}", self._serve)
        app.router.add_get("/file/{bot}/{path:.+}", self._download)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for gate in self._gates:
            gate.open()
        await self.webhook.close()
        await self._runner.cleanup()

    def settings(self, **more: Any) -> TelegramSettings:
        """Settings for a channel that talks to this server."""
        return TelegramSettings(**{**self.table(), **more})

    def table(self, mode: Literal["polling", "webhook"] = "polling") -> dict[str, str]:
        """``[channels.telegram]`` for a bot that talks to this server.

        In webhook mode it is called at `PUBLIC`; `reach` says where that is.
        """
        called = {"mode": mode, "webhook_url": PUBLIC, "webhook_secret": SECRET} if mode == "webhook" else {}
        return {"token": self.token, "base_url": self.base_url, **called}

    def reach(self, address: str, public: str = PUBLIC) -> None:
        """The bot listens at this address now: what its proxy and the name service would know."""
        self.webhook.reach(public, address)

    def chat(self, id: int, kind: Literal["private", "group", "supergroup"] = "private") -> FakeChat:
        """A chat the bot is in; groups have negative ids."""
        self.api.chats.setdefault(
            id, {"id": id, "type": kind, "title" if kind != "private" else "first_name": f"c{id}"}
        )
        return FakeChat(self, id)

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of this method go wrong, one each; ``*`` stands for whatever is called next."""
        self._faults.setdefault(method, deque()).extend(faults)

    def fail_often(self, method: str, *odds: tuple[float, Fault], seed: int) -> None:
        """From now on each call of this method goes wrong with these probabilities; the seed decides which."""
        self._odds[method] = Odds(odds, seed)

    def flood(self, *, next: int = 1, retry_after: int = 1, method: str = "sendMessage") -> None:
        """The ``next`` calls are answered 429."""
        self.fail(method, *[Fault.flood(retry_after)] * next)

    @asynccontextmanager
    async def hold(self, method: str, chat: FakeChat | None = None) -> AsyncIterator[Gate]:
        """Calls of this method (in this chat) wait until the gate is opened or the block left."""
        gate = Gate(method, chat.id if chat else None)
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

    async def confirms(self, update_id: int) -> None:
        """Return when the bot has confirmed this update, or taken it by its webhook."""
        while update_id not in self.updates.confirmed:
            await self.until(f"update {update_id} to be confirmed; confirmed: {self.updates.confirmed}")

    async def polled(self) -> None:
        """Return when the bot asks for updates the next time."""
        before = self.updates.polls
        while self.updates.polls == before:
            await self.until("the next poll")

    async def serves(self, method: str, times: int = 1) -> None:
        """Return when the method took effect so many times."""
        while self.executed[method] < times:
            await self.until(f"{times} x {method}; so far {dict(self.executed)}")

    # ---------------------------------------------------------------- HTTP

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            self._known(request.match_info["bot"].removeprefix("bot"))
            parameters = await _parameters(request)
            self.received.append((method, self._clock.now()))
            for gate in [gate for gate in self._gates if gate.holds(method, parameters)]:
                await gate.wait()
            if fault := self._fault_of(method):
                return await self._fault(fault, request, method, parameters)
            return _answer(200, {"ok": True, "result": await self._execute(method, parameters)})
        except ApiError as error:
            return _refusal(error)
        finally:
            self._change()

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self._known(request.match_info["bot"].removeprefix("bot"))
            self.received.append(("download", self._clock.now()))
            if fault := self._fault_of("download", wildcard=False):
                return await self._fault(fault, request, "download", {})
            return web.Response(body=self.api.files.content(request.match_info["path"]))
        except ApiError as error:
            return _refusal(error)
        finally:
            self._change()

    def _known(self, token: str) -> None:
        if not re.fullmatch(r"\d+:[\w-]{20,}", token):
            raise ApiError(404, "Not Found")
        if token != self.token:
            raise ApiError(401, "Unauthorized")

    async def _execute(self, method: str, parameters: Mapping[str, Any]) -> Any:
        result = await self.api.call(method, parameters)
        self.executed[method] += 1
        self.calls.append(Call(method, parameters))
        return result

    def _fault_of(self, method: str, *, wildcard: bool = True) -> Fault | None:
        planned = self._faults.get(method) or (self._faults.get("*") if wildcard else None)
        if planned:
            return planned.popleft()
        odds = self._odds.get(method)
        return odds.draw() if odds else None

    async def _fault(
        self, fault: Fault, request: web.Request, method: str, parameters: Mapping[str, Any]
    ) -> web.StreamResponse:
        self.faults.append((method, fault))
        if fault.executed:
            await self._execute(method, parameters)
        if not fault.status:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if fault.html:
            headers = {"Location": fault.location} if fault.location else _wait(fault.parameters)
            page = "<html>something went wrong</html>"
            return web.Response(status=fault.status, text=page, content_type="text/html", headers=headers)
        return _refusal(ApiError(fault.status, fault.description, **fault.parameters))

    def _change(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


async def _parameters(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {name: _decoded(str(value)) for name, value in (await request.post()).items()}


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def _refusal(error: ApiError) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return _answer(error.status, body, _wait(error.parameters))


def _wait(parameters: Mapping[str, int]) -> dict[str, str] | None:
    return {"Retry-After": str(parameters["retry_after"])} if "retry_after" in parameters else None
