"""What the Slack tests share: the fake server, an inbox that can refuse, a clock that does not wait."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from botcore import Clock, Conversation, Draft, Incoming, Part, Receipt, StoreUnavailable
from botcore.clock import SystemClock
from botcore.testing import ManualClock, until
from botcore_slack import Slack
from botcore_slack.testing import BOT_USER, FakeSlack

ANA = Conversation(channel="slack", account=BOT_USER, chat="D1")
TEAM = Conversation(channel="slack", account=BOT_USER, chat="C1", thread="1700000000.000001", private=False)


def part(text: str = "hello", conversation: Conversation = ANA, **more: Any) -> Part:
    return Part(**{"id": "t.0", "turn": "t", "number": 0, "conversation": conversation, "text": text, **more})


def draft(text: str = "", conversation: Conversation = ANA, **more: Any) -> Draft:
    return Draft(conversation=conversation, turn="t", message=31, text=text, **more)


@dataclass
class FakeInbox:
    """Commits, or refuses as often as it is told to."""

    committed: list[Incoming] = field(default_factory=list)
    letters: list[tuple[str, str, str]] = field(default_factory=list)
    """(event id, payload, reason)."""
    refusals: int = 0
    poison: str = ""
    """A text no database takes."""
    notices: deque[str] = field(default_factory=deque)
    """Turns the next records away, one each, with these words."""
    full: str = ""
    emptied: asyncio.Event = field(default_factory=asyncio.Event)
    stored: asyncio.Condition = field(default_factory=asyncio.Condition)
    order: list[str] = field(default_factory=list)
    """What happened, for tests of the order."""

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        if self.poison and any(getattr(record, "text", "") == self.poison for record in records):
            raise ValueError("cannot be stored")
        async with self.stored:
            self.committed += records
            self.order += [f"committed {getattr(record, 'text', '')}" for record in records]
            self.stored.notify_all()
        return [self._receipt(place) for place, _ in enumerate(records)]

    def _receipt(self, place: int) -> Receipt:
        if not self.notices:
            return Receipt(id=place)
        return Receipt(id=place, state="rejected", notice=self.notices.popleft())

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[None]:
        yield

    async def room(self) -> None:
        await self.emptied.wait()

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        async with self.stored:
            self.letters.append((event_id, payload, reason))
            self.stored.notify_all()

    async def holds(self, number: int) -> None:
        """Return when so many records are committed."""
        async with asyncio.timeout(5), self.stored:
            await self.stored.wait_for(lambda: len(self.committed) >= number)

    @property
    def texts(self) -> list[str]:
        return [getattr(record, "text", "") for record in self.committed]


class HurriedClock(ManualClock):
    """Short sleeps end at once, and are written down; long ones, such as between pings, never end."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds == 10.0:
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)


class Desk:
    """A port with the channel's routes, as the core would serve them."""

    def __init__(self, channel: Slack) -> None:
        self._app = web.Application()
        self.name = channel.name
        self.commands: Sequence[Any] = ()
        channel.register(self)  # type: ignore[arg-type]

    def channel(self, channel: Slack) -> None:
        pass

    def route(self, method: str, path: str, handler: Any, *, access: str) -> None:
        assert access == "public"
        self._app.router.add_route(method, path, handler)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        runner = web.AppRunner(self._app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}/hooks/{self.name}"
        finally:
            await runner.cleanup()


Running = Callable[..., AbstractAsyncContextManager[Slack]]


@pytest.fixture
async def server() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as slack:
        yield slack


@pytest.fixture
async def poster() -> AsyncIterator[FakeSlack]:
    async with FakeSlack(mode="events") as slack:
        yield slack


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def running(inbox: FakeInbox) -> Running:
    """A channel that runs against a fake server, connected."""

    @asynccontextmanager
    async def start(server: FakeSlack, clock: Clock | None = None, **settings: object) -> AsyncIterator[Slack]:
        channel = Slack(server.settings(**settings), clock or SystemClock())
        async with Desk(channel).open() as url, asyncio.TaskGroup() as group:
            server.posts_to(url)
            task = group.create_task(channel.run(inbox), name="channel")
            try:
                await until(lambda: channel.health == "ok" or task.done())
                yield channel
            finally:
                task.cancel()

    return start
