"""A core in memory that keeps the promises of the real one (once per event, open until ended)."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import aiohttp

from botcore import (
    Bot,
    Clock,
    Command,
    Control,
    Conversation,
    Database,
    Draft,
    EngineStatus,
    Entry,
    Feedback,
    Forgotten,
    Incoming,
    Message,
    Outcome,
    Receipt,
    Registry,
    Reply,
    StoreUnavailable,
)
from botcore.clock import SystemClock
from botcore.http import Http
from botcore.registry import Route
from botcore.settings import HttpSettings
from botcore_web import Web

__all__ = ["CHAT", "Core", "House", "Sse", "Stream", "Visitor", "feedback", "open_page", "serving"]

CHAT = "c" * 22


class Core:
    """`botcore.Inbox` and `botcore.Bot`, without plugins, engine or disk."""

    name = "botcore"
    database = cast("Database", None)

    def __init__(self, clock: Clock, data_dir: Path = Path("/nonexistent")) -> None:
        self.clock = clock
        self.data_dir = data_dir
        self.status = EngineStatus(stage="ready", model="starter", window=2048)
        self.down = False
        """The store takes nothing, and does not say how anything ended."""
        self.rejects = False
        """Too many wait."""
        self.forgetting: list[Callable[[Bot, Forgotten], Awaitable[None]]] = []
        """The ``forget`` hooks."""
        self.accepted: list[Incoming] = []
        self.received = asyncio.Condition()
        self._events: dict[str, int] = {}
        self._open: dict[int, Message] = {}
        self._entries: dict[str, list[Entry]] = {}
        self._replies: dict[str, Reply] = {}
        self._outcomes: dict[int, Reply] = {}
        self._engine_changed = asyncio.Event()
        self.elsewhere: asyncio.Queue[str] = asyncio.Queue()
        """Keys of conversations in which another process has ended a turn."""

    # ---------------------------------------------------------------- for tests

    async def message(self, count: int = 1) -> tuple[int, Message]:
        """The newest message once so many were accepted."""
        async with asyncio.timeout(5), self.received:
            await self.received.wait_for(lambda: len(self.of(Message)) >= count)
        newest = self.of(Message)[-1]
        return self._events[newest.event_id], newest

    async def control(self) -> Control:
        """The first order, once there is one."""
        async with asyncio.timeout(5), self.received:
            await self.received.wait_for(lambda: self.of(Control))
        return cast("Control", self.of(Control)[0])

    def of(self, kind: type[Any]) -> list[Any]:
        """What was accepted of one kind."""
        return [record for record in self.accepted if isinstance(record, kind)]

    def end(self, number: int, text: str = "", *, outcome: Outcome = "answered", reason: str = "") -> Draft:
        """Commit the reply to a message; the draft that announces it."""
        message = self._open.pop(number)
        reply = Reply(
            id=f"turn-{number}",
            conversation=message.conversation,
            text=text,
            outcome=outcome,
            reason=reason,
            model="starter",
            prompt_tokens=7,
            completion_tokens=len(text.split()),
        )
        lines = self._entries.setdefault(message.conversation.key, [])
        lines.append(
            Entry(
                id=2 * number,
                role="user",
                text=message.text,
                at=1.0,
                reply=reply.id,
                outcome=outcome,
                platform_id=message.platform_id,
                attachments=message.attachments,
            )
        )
        lines.append(
            Entry(
                id=2 * number + 1, role="assistant", text=text, at=2.0, reply=reply.id, outcome=outcome, model="starter"
            )
        )
        self._replies[reply.id] = self._outcomes[number] = reply
        return Draft(
            conversation=message.conversation, turn=reply.id, message=number, text=text, phase="final", reply=reply
        )

    def draft(self, number: int, text: str, **more: Any) -> Draft:
        """A preview of the reply to a message."""
        return Draft(
            conversation=self._open[number].conversation, turn=f"turn-{number}", message=number, text=text, **more
        )

    def engine_is(self, status: EngineStatus) -> None:
        """Change where the engine stands."""
        self.status = status
        self._engine_changed.set()
        self._engine_changed = asyncio.Event()

    async def changes(self) -> AsyncGenerator[str, None]:
        while True:
            yield await self.elsewhere.get()

    def forget_elsewhere(self, conversation: Conversation) -> None:
        """Another process has forgotten it; no hook is called here."""
        self._entries.pop(conversation.key, None)
        self._open = {n: one for n, one in self._open.items() if one.conversation.key != conversation.key}

    # ---------------------------------------------------------------- Inbox

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        if self.down:
            raise StoreUnavailable("the disk is full")
        if self.rejects:
            return [Receipt(id=0, state="rejected", retry_after=2.5) for _ in records]
        async with self.received:
            receipts = [self._take(record) for record in records]
            self.received.notify_all()
        return receipts

    def _take(self, record: Incoming) -> Receipt:
        if record.event_id in self._events:
            return Receipt(id=self._events[record.event_id], duplicate=True)
        number = self._events[record.event_id] = len(self._events) + 1
        self.accepted.append(record)
        if isinstance(record, Message):
            self._open[number] = record
        return Receipt(id=number)

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[None]:
        yield

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        raise AssertionError("the web answers what it cannot use; nothing is dead-lettered")

    # ---------------------------------------------------------------- Bot

    @property
    def engine(self) -> EngineStatus:
        return self.status

    async def engine_changed(self) -> None:
        await self._engine_changed.wait()

    async def conversations(
        self, channel: str, person: str, *, until: float = 0.0, limit: int = 200
    ) -> list[tuple[str, str, float]]:
        said = [one for one in self.of(Message) if one.person.id == person and one.conversation.channel == channel]
        found = [one for one in reversed(said) if not until or one.sent_at <= until]
        return [(one.conversation.chat, one.text, one.sent_at) for one in found[:limit]]

    async def history(
        self, conversation: Conversation, *, after: int = 0, before: int = 0, limit: int = 200, reader: str = ""
    ) -> list[Entry]:
        lines = self._entries.get(conversation.key, [])
        return [one for one in lines if one.id > after and (not before or one.id < before)][-limit:]

    async def outcome(self, message: int) -> tuple[Outcome | None, Reply | None]:
        if self.down:
            raise StoreUnavailable("the disk is full")
        reply = self._outcomes.get(message)
        return (reply.outcome, reply) if reply else (None, None)

    async def open_messages(self, conversation: Conversation) -> list[tuple[int, Message]]:
        return [(number, one) for number, one in self._open.items() if one.conversation.key == conversation.key]

    async def reply(self, reply: str) -> Reply | None:
        return self._replies.get(reply)

    async def forget(self, conversation: Conversation) -> None:
        self.forget_elsewhere(conversation)
        for hook in self.forgetting:
            await hook(cast("Bot", self), Forgotten(channel=conversation.channel, conversation=conversation))

    async def forget_person(self, channel: str, person: str) -> list[str]:
        raise NotImplementedError

    def health(self) -> Mapping[str, str]:
        return {"web": "ok", "qa": "no documents"}

    async def trace(self, reply: str) -> Mapping[str, object] | None:
        raise NotImplementedError

    async def migrate(self, name: str, scripts: Path) -> None:
        raise NotImplementedError

    def judgements(self, since: float = 0.0) -> AsyncIterator[Feedback]:
        raise NotImplementedError

    def turns(self, after: int = 0) -> AsyncIterator[tuple[int, Reply]]:
        raise NotImplementedError


class _Registry:
    """What the loader gives a channel, as far as a channel uses it."""

    name = "web"

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.commands = [Command(name="help", help="What I can do", handler=cast("Any", None))]

    def channel(self, channel: Any) -> None:
        channel.name = self.name

    def route(self, method: str, path: str, handler: Any, *, access: Any, stream: bool = False) -> None:
        route = Route(method=method, path=path, handler=handler, access=access, owner=self.name, stream=stream)
        self.routes.append(route)


@dataclass
class Sse:
    """One Server-Sent Event as a browser reads it."""

    event: str
    id: str
    data: str


class Stream:
    """An open event stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Sse:
        """The next event or comment; fails after five real seconds."""
        async with asyncio.timeout(5):
            block = (await self.response.content.readuntil(b"\n\n")).decode()
        fields = dict(re.findall(r"^(\w*): ?(.*)$", block, re.MULTILINE))
        return Sse(event=fields.get("event", ""), id=fields.get("id", ""), data=fields.get("data", ""))

    async def until(self, event: str) -> Sse:
        """The next event of that name; others are skipped."""
        while (found := await self.next()).event != event:
            pass
        return found

    def close(self) -> None:
        """Hang up."""
        self.response.close()


class Visitor:
    """A browser that has opened the page; ``headers`` are what a page sends with every changing request."""

    def __init__(self, address: str, client: aiohttp.ClientSession, cookie: str, streams: "list[Stream]") -> None:
        self.address = address
        self.client = client
        self.cookie = cookie
        self.headers = {"Origin": address}
        self._streams = streams

    async def asks(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers."""
        sent = {**self.headers, "Cookie": f"botcore_visitor={self.cookie}", **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        async with self.client.request(method, self.address + path, headers=sent, **more) as response:
            body = await response.read()
            value = await response.json() if "json" in response.content_type else body.decode()
            return response.status, value, response.headers

    async def says(self, text: str, chat: str = CHAT, id: str = "") -> tuple[int, Any, Mapping[str, str]]:
        """Send a message."""
        return await self.asks(
            "POST", f"/api/conversations/{chat}/messages", json={"id": id or str(uuid4()), "text": text}
        )

    async def follows(self, chat: str = CHAT, last: str = "") -> Stream:
        """Open the event stream."""
        headers = {"Cookie": f"botcore_visitor={self.cookie}"} | ({"Last-Event-ID": last} if last else {})
        response = await self.client.get(f"{self.address}/api/conversations/{chat}/events", headers=headers)
        assert response.status == 200, await response.text()
        self._streams.append(Stream(response))
        return self._streams[-1]


async def open_page(address: str, client: aiohttp.ClientSession, streams: list[Stream], cookie: str = "") -> Visitor:
    """A visitor who opens the page; with a ``cookie``, one who has been here before."""
    headers = {"Cookie": f"botcore_visitor={cookie}"} if cookie else {}
    async with client.get(address + "/", headers=headers) as response:
        given = SimpleCookie(response.headers["Set-Cookie"])["botcore_visitor"].value
    return Visitor(address, client, given, streams)


@dataclass
class House:
    """The web channel on a real port, with a core in memory behind it."""

    web: Web
    core: Core
    address: str
    client: aiohttp.ClientSession
    streams: list[Stream] = field(default_factory=list)

    async def visitor(self) -> Visitor:
        """Somebody who opens the page for the first time."""
        return await open_page(self.address, self.client, self.streams)

    async def answers(self, text: str, **more: Any) -> None:
        """Take the newest message through a whole turn."""
        number, _ = await self.core.message()
        await self.web.show(self.core.draft(number, text))
        await self.web.show(self.core.end(number, text, **more))


@asynccontextmanager
async def serving(
    *,
    clock: Clock | None = None,
    up: bool = True,
    receives: bool = True,
    web: Web | None = None,
    data_dir: Path = Path("/nonexistent"),
    **http: Any,
) -> AsyncIterator[House]:
    """The channel on a port; ``up=False``: the core has not started; ``receives=False``: the test calls `Web.run`."""
    web, registry, core = web or Web(), _Registry(), Core(clock or SystemClock(), data_dir)
    web.register(cast("Registry", registry))
    core.forgetting.append(web.forget)

    async def ready() -> Mapping[str, str]:
        return {}

    settings = HttpSettings.model_validate({"port": 0, **http})
    port = Http(settings, clock=core.clock, routes=registry.routes, ready=ready, metrics=bytes)
    async with port, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        house = House(web, core, port.address, client)
        if not up:
            yield house
            return
        async with web.lifespan(cast("Bot", core)), asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(web.run(core), name="channel")] if receives else []
            await asyncio.sleep(0)
            yield house
            for stream in house.streams:
                stream.close()
            for task in running:
                task.cancel()


def feedback(core: Core) -> Feedback:
    """The one judgement that was accepted."""
    [judgement] = core.of(Feedback)
    return cast("Feedback", judgement)
