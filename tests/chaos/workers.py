"""Four bots on one PostgreSQL: killed, frozen, stopped and replaced, while people write a hundred messages a second."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from botcore.clock import SystemClock
from botcore.sender import MAX_SENDS
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import Bot
from tests.chaos.crowd import TelegramCrowd
from tests.chaos.engine import THINKS_S, SlowEngine
from tests.chaos.report import Counts, scenario
from tests.chaos.server import free_port
from tests.chaos.stops import PROMISED_S
from tests.chaos.updates import ended
from tests.store.conftest import own_schema, postgres

__all__ = ["Workers", "checked", "counted", "crowded", "workers_of"]

CHATS = 200
PER_SECOND = 100
PER_SECOND_SHORT = 30
"""In a short run: it may have to share its processors."""
KILL_EVERY_S = 5.0
FROZEN_S = 45.0
"""Longer than the lease of 30 seconds: others have taken its conversations over when it wakes up."""
IN_THE_AIR = 4
"""Sends of one worker that may be in the air at its share of Telegram's 30 a second, on a busy machine."""
LONG_S = 150
"""From so many seconds on with the leases of life."""
START_S = 60
PATIENCE_S = 5.0
"""The balancer waits so long for an answer, as a proxy would; Telegram then tries again."""


class Balancer:
    """A tiny proxy that hands each connection to the next worker that takes it."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.address = ""
        self._next = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Balancer"]:
        """While it listens at `address`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        with closing(answer), suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await self._worker()
                with closing(writer):
                    there = asyncio.create_task(_pipe(client, writer), name="to the worker")
                    try:
                        await _pipe(reader, answer)
                    finally:
                        there.cancel()

    async def _worker(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self.ports:
            self._next += 1
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self.ports[self._next % len(self.ports)])
        raise ConnectionRefusedError


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()


class Paced(TelegramCrowd):
    """People who together say so many messages a second, unless too many of theirs wait."""

    def __init__(self, telegram: FakeTelegram, *, chats: int, size: int, per_second: float) -> None:
        super().__init__(telegram, chats=chats, size=size)
        self._per_second = per_second
        self._began = time.monotonic()
        self._written = 0
        self._turn = 0

    async def _write(self) -> None:
        for _ in self.places:
            if self._written >= (time.monotonic() - self._began) * self._per_second:
                return
            self._turn += 1
            place = self.places[self._turn % len(self.places)]
            if self._left[place] > 0 and len(self._open[place]) < self._ahead:
                self._written += 1
                await self.say(place)

    async def finish(self) -> None:
        """Say no more, and return when all is answered."""
        self._left = dict.fromkeys(self.places, 0)
        await self.talk(until=lambda: not any(self._open.values()))

    def per_second(self) -> float:
        """Turns a second, from the first message to the last answer."""
        return self.answered / max(self._heard_last - self._began, 1.0)


class Workers:
    """Bots on one database, each with a port and a data_dir of its own."""

    def __init__(self, folder: Path, telegram: FakeTelegram, url: str, count: int, **environ: str) -> None:
        self.ports = [free_port() for _ in range(count)]
        self.kills = 0
        self.bots: list[Bot] = []
        for port in self.ports:
            (folder / str(port)).mkdir(parents=True)
            own = {"BOTCORE_STORE__URL": url, "BOTCORE_HTTP__PORT": str(port), "BOTCORE_TURN__CONCURRENT": "64"}
            self.bots.append(Bot(folder / str(port), telegram, **(own | environ)))

    async def start(self) -> None:
        """All of them."""
        for bot in self.bots:
            await bot.start()

    async def up(self) -> None:
        """Return when all of them listen: one that is still loading would just die of SIGTERM."""
        async with asyncio.timeout(START_S):
            for port in self.ports:
                while not await _listens(port):  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(0.05)

    async def replace(self, bot: Bot) -> None:
        """``kill -9``, and another one in its place."""
        self.kills += 1
        await bot.kill()
        await bot.start()

    async def stop(self) -> tuple[str, ...]:
        """SIGTERM to all at once; complaints about how they ended."""
        await self.up()
        began = time.monotonic()
        statuses = await asyncio.gather(*(bot.stop() for bot in self.bots))
        seconds = time.monotonic() - began
        bad = [f"exit status {status} after SIGTERM" for status in statuses if status]
        return (*bad, *([f"{seconds:.0f} s from SIGTERM to the end"] if seconds > PROMISED_S else []))


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


@asynccontextmanager
async def workers_of(
    folder: Path, telegram: FakeTelegram, url: str, *, environ: Mapping[str, str], count: int = 4, polling: bool = False
) -> AsyncIterator[Workers]:
    """Workers that run: called by the fake through a balancer, or one of them polling. Killed at the end."""
    table = telegram.table("polling" if polling else "webhook")
    called = {f"BOTCORE_CHANNELS__TELEGRAM__{key.upper()}": value for key, value in table.items()}
    async with Balancer().listening() as balancer:
        workers = Workers(folder, telegram, url, count, **called, **environ)
        balancer.ports = workers.ports
        telegram.reach(balancer.address)
        try:
            await workers.start()
            yield workers
        finally:
            for bot in workers.bots:
                bot.signal(signal.SIGKILL)


def checked(url: str) -> tuple[str, ...]:
    """What the database itself says against it: two turns of one message, or two of one conversation at once."""
    found = {what: _asked(url, query)[0][0] for what, query in CHECKS.items()}
    given_up = [f"given up: {reason}, {trace!r}" for reason, trace in _asked(url, GIVEN_UP)]
    return (*(f"{number} {what}" for what, number in found.items() if number), *given_up)


def _asked(url: str, query: str) -> Sequence[sa.Row[Any]]:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.exec_driver_sql(query).all()


def deaths(url: str) -> str:
    """How many messages were in work when their process was gone: once, twice, …"""
    found = _asked(url, DEATHS)
    return "in work at a death: " + ", ".join(f"{number} {times} times" for times, number in found)


DEATHS = (
    "SELECT times, count(*) FROM (SELECT (length(trace) - length(replace(trace, 'was gone', ''))) / 8 AS times"
    " FROM inbox) x WHERE times > 0 GROUP BY times ORDER BY times"
)
GIVEN_UP = "SELECT reason, trace FROM inbox WHERE state IN ('dead', 'rejected') LIMIT 10"


CHECKS = {
    "messages with two turns": (
        # One that saw two deaths was set aside, with a notice; it runs after all where the first was only frozen.
        "SELECT count(*) FROM (SELECT message FROM turn WHERE outcome <> 'dead' GROUP BY message HAVING count(*) > 1) x"
    ),
    "turns that began before the one before them had ended": (
        "SELECT count(*) FROM (SELECT started_at, lag(at) OVER (PARTITION BY conversation ORDER BY number) AS before"
        " FROM turn) x WHERE started_at < before"
    ),
    "messages left open": "SELECT count(*) FROM inbox WHERE state IN ('waiting', 'running')",
    "messages given up": "SELECT count(*) FROM inbox WHERE state IN ('dead', 'rejected')",
    "parts unsettled": "SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'uncertain')",
    f"parts sent more than {MAX_SENDS} times": f"SELECT count(*) FROM outbox WHERE resends >= {MAX_SENDS}",
}


@scenario(size=300, postgres=True, alone=True)
async def workers_killed(folder: Path, seed: int, size: int) -> Counts:
    """Seconds: four workers by webhook at 100 turns/s, kill -9 one every 5 s, one frozen for longer than its lease."""
    return await run(folder, seed, size, polling=False)


@scenario(size=120, postgres=True, alone=True)
async def workers_polling(folder: Path, seed: int, size: int) -> Counts:
    """Seconds: the same, but one of them polls and the others stand by."""
    return await run(folder, seed, size, polling=True)


async def run(folder: Path, seed: int, seconds: int, *, polling: bool) -> Counts:
    """Kill one every five seconds; freeze one for longer than its lease, which is shorter in a short run."""
    lease_s, frozen_s = (30.0, FROZEN_S) if seconds >= LONG_S else (5.0, 8.0)
    more = {"BOTCORE_TURN__LEASE_S": str(lease_s)}
    with own_schema(postgres()) as url:
        async with crowded(folder, seed, seconds, url, polling=polling, environ=more) as (workers, crowd, engine):
            async with asyncio.TaskGroup() as tasks:
                talking = tasks.create_task(crowd.talk())
                await disturb(workers, Random(seed), talking, seconds, frozen_s)
            counts = counted(workers, crowd, engine, (*await workers.stop(), *checked(url)))
            return counts + Counts(sent=0, note=deaths(url))


@scenario(size=15, postgres=True, alone=True)
async def workers_stopped(folder: Path, seed: int, size: int) -> Counts:
    """Times: SIGTERM to one of two workers with about 100 turns in work; the other takes over, it is started again."""
    slowest, wrong = 0.0, list[str]()
    environ = {"BOTCORE_TURN__CONCURRENT": "200"}
    with own_schema(postgres()) as url:
        async with (
            crowded(folder, seed, LONG_S, url, count=2, thinks_s=(1, 3), environ=environ) as (workers, crowd, engine),
            asyncio.TaskGroup() as tasks,
        ):
            chance, enough = Random(seed), asyncio.Event()
            talking = tasks.create_task(crowd.talk(until=enough.is_set))
            for _ in range(size):
                await asyncio.wait([talking], timeout=chance.uniform(5, 8))
                await workers.up()
                bot, began = chance.choice(workers.bots), time.monotonic()
                wrong += ended(await bot.stop())
                slowest = max(slowest, time.monotonic() - began)
                await bot.start()
            enough.set()
            await talking
            await crowd.finish()
            counts = counted(workers, crowd, engine, (*wrong, *await workers.stop(), *checked(url)))
            late = (f"{slowest:.0f} s from SIGTERM to the end",) if slowest > PROMISED_S else ()
            return counts + Counts(sent=0, kills=size, wrong=late, note=f"slowest stop {slowest:.1f} s")


@asynccontextmanager
async def crowded(
    folder: Path,
    seed: int,
    seconds: int,
    url: str,
    *,
    count: int = 4,
    polling: bool = False,
    thinks_s: tuple[float, float] = THINKS_S,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[Workers, Paced, SlowEngine]]:
    """Workers that run, and people who have ``seconds`` worth of messages for them."""
    async with (
        FakeTelegram(clock=SystemClock()) as telegram,
        SlowEngine(seed, thinks_s) as engine,
        workers_of(
            folder, telegram, url, count=count, polling=polling, environ=engine.environ | dict(environ or {})
        ) as workers,
    ):
        await serving(telegram, 1 if polling else len(workers.bots))
        rate = PER_SECOND if seconds >= LONG_S else PER_SECOND_SHORT
        yield workers, Paced(telegram, chats=CHATS, size=seconds * rate, per_second=rate), engine


async def serving(telegram: FakeTelegram, bots: int) -> None:
    """Return when so many of them have asked who they are: they take messages."""
    async with asyncio.timeout(START_S):
        while telegram.executed["getMe"] < bots:
            await telegram.changed.wait()


def counted(workers: Workers, crowd: Paced, engine: SlowEngine, wrong: Sequence[str]) -> Counts:
    """The figures of a run that is over."""
    at_once = [f"{len(engine.at_once)} turns begun beside another of their conversation"] if engine.at_once else []
    return crowd.counts(
        kills=workers.kills,
        may_double=IN_THE_AIR * workers.kills,
        wrong=(*wrong, *at_once),
        note=f"{crowd.per_second():.0f} turns/s, longest wait {max(crowd.waits.values(), default=0):.1f} s",
    )


async def disturb(
    workers: Workers, chance: Random, talking: "asyncio.Task[None]", seconds: float, frozen_s: float
) -> None:
    """Kill one at a time, never the frozen one."""
    began, frozen = time.monotonic(), chance.choice(workers.bots)
    freeze_at = began + chance.uniform(0.1, 0.3) * seconds
    thaw_at = freeze_at + frozen_s
    others = [bot for bot in workers.bots if bot is not frozen]
    for number in range(int(seconds / KILL_EVERY_S)):
        kill_at = began + number * KILL_EVERY_S + chance.uniform(0, KILL_EVERY_S)
        if freeze_at and freeze_at < kill_at:
            await _until(freeze_at, talking)
            frozen.signal(signal.SIGSTOP)
            workers.kills, freeze_at = workers.kills + 1, 0.0
        if thaw_at and thaw_at < kill_at:
            await _until(thaw_at, talking)
            frozen.signal(signal.SIGCONT)
            thaw_at = 0.0
        await _until(kill_at, talking)
        await workers.replace(chance.choice(workers.bots if freeze_at or not thaw_at else others))
    if thaw_at and not freeze_at:
        await _until(thaw_at, talking)
        frozen.signal(signal.SIGCONT)


async def _until(instant: float, talking: "asyncio.Task[None]") -> None:
    await asyncio.wait([talking], timeout=max(0.0, instant - time.monotonic()))
