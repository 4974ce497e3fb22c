"""What the Telegram tests share: the fake server, an inbox that can refuse, a clock that does not wait."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from botcore import Clock, Command, Incoming, Receipt, StoreUnavailable
from botcore.clock import SystemClock
from botcore.http import Http
from botcore.registry import Access, Handler, Route
from botcore.settings import HttpSettings
from botcore.testing.clock import ManualClock
from botcore_telegram import Telegram
from botcore_telegram.drafts import ROUND_S
from botcore_telegram.testing import FakeTelegram


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
    may_lead: asyncio.Event = field(default_factory=asyncio.Event)
    term: asyncio.Timeout = field(init=False)

    def __post_init__(self) -> None:
        self.may_lead.set()

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        if self.poison and any(getattr(record, "text", "") == self.poison for record in records):
            raise ValueError("cannot be stored")
        async with self.stored:
            self.committed += records
            self.stored.notify_all()
        return [self._receipt(place) for place, _ in enumerate(records)]

    def _receipt(self, place: int) -> Receipt:
        if not self.notices:
            return Receipt(id=place)
        return Receipt(id=place, state="rejected", notice=self.notices.popleft())

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[None]:
        await self.may_lead.wait()
        try:
            async with asyncio.timeout(None) as self.term:
                yield
        except TimeoutError:
            pass

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
    """Sleeps end at once, and are written down."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds == ROUND_S:  # the drafts' keeper has nothing to do here, and must not spin
            await asyncio.Event().wait()
        self.slept.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)


class Doorman:
    """What a channel registers with, as far as it needs."""

    name = "telegram"
    commands: Sequence[Command] = ()

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def channel(self, channel: Telegram) -> None:
        channel.name = self.name

    def route(self, method: str, path: str, handler: Handler, *, access: Access, stream: bool = False) -> None:
        self.routes.append(
            Route(method=method, path=path, handler=handler, access=access, owner=self.name, stream=stream)
        )


@asynccontextmanager
async def listening(channel: Telegram, clock: Clock | None = None) -> AsyncIterator[str]:
    """The bot's port with the channel's routes on it, while the channel need not run."""

    async def ready() -> dict[str, str]:
        return {}

    doorman = Doorman()
    channel.register(doorman)  # type: ignore[arg-type]
    settings = HttpSettings(port=0)
    port = Http(settings, clock=clock or SystemClock(), routes=doorman.routes, ready=ready, metrics=bytes)
    async with port as http:
        yield http.address


Running = Callable[..., AbstractAsyncContextManager[Telegram]]


@pytest.fixture
async def server() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as telegram:
        yield telegram


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def running(server: FakeTelegram, inbox: FakeInbox) -> Running:
    """A channel that runs against the fake server."""

    @asynccontextmanager
    async def start(clock: ManualClock | None = None, **settings: object) -> AsyncIterator[Telegram]:
        channel = Telegram(server.settings(**settings), clock or SystemClock())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(channel.run(inbox), name="channel")
            polled = group.create_task(server.serves("getMe"), name="connected")
            await asyncio.wait([task, polled], return_when=asyncio.FIRST_COMPLETED)
            try:
                yield channel
            finally:
                polled.cancel()
                task.cancel()

    return start


@pytest.fixture
def hooked(server: FakeTelegram, inbox: FakeInbox) -> Running:
    """A channel that runs and is called by the fake server, behind a public name."""

    @asynccontextmanager
    async def start(clock: ManualClock | None = None, **settings: object) -> AsyncIterator[Telegram]:
        channel = Telegram(server.settings(**{**server.table("webhook"), **settings}), clock or SystemClock())
        async with listening(channel) as address, asyncio.TaskGroup() as group:
            server.reach(address)
            task = group.create_task(channel.run(inbox), name="channel")
            asked = group.create_task(server.serves("getWebhookInfo", 2), name="registered")
            await asyncio.wait([task, asked], return_when=asyncio.FIRST_COMPLETED)
            try:
                yield channel
            finally:
                asked.cancel()
                task.cancel()

    return start
