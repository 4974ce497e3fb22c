"""What happens to the disk: another process holds SQLite's write lock, and there is no room left.

Held to: nothing is confirmed to Telegram that is not in the database, the bot stays alive and says what is wrong, goes
on by itself, and the file is whole afterwards.
"""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random

import aiohttp

from botcore.clock import SystemClock
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import Bot
from tests.chaos.crowd import TelegramCrowd
from tests.chaos.report import Counts, progress, scenario
from tests.chaos.updates import MANY_TURNS, UNLIMITED, ended, free_port, polled

HELD_S = 8.0
"""Longer than the five seconds for which the bot's own connection waits."""
MESSAGES_A_ROUND = 100
LONGER_THAN_A_LEASE_S = 40.0
"""The first time: what the bot was working on must still be its own afterwards."""
ROOM_FOR_THE_LOG = 16_384
"""Bytes: it is a file of the bot's as well."""
SAID = 2
"""Lines of the log about it: the database's own, and the channel's where something came in meanwhile."""
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


class Room:
    """A bot with its crowd, and its database as somebody else sees it."""

    def __init__(self, folder: Path, telegram: FakeTelegram, size: int) -> None:
        self.port = free_port()
        environ = {**MANY_TURNS, **UNLIMITED, "BOTCORE_HTTP__PORT": str(self.port)}
        self.bot = Bot(folder, telegram, **environ)
        self.crowd = TelegramCrowd(telegram, chats=50, size=size)
        self.file = folder / "data" / "botcore.db"
        self.wrong = list[str]()
        self._telegram = telegram

    def check(self, true: object, complaint: str) -> None:
        """Note what did not hold."""
        if not true:
            self.wrong.append(complaint)

    def stored(self) -> set[int]:
        """Update ids with a row."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as db:
            return {int(event) for (event,) in db.execute("SELECT event_id FROM inbox WHERE channel = 'telegram'")}

    def nothing_confirmed_without_a_row(self) -> None:
        """See that Telegram keeps whatever the database does not have."""
        confirmed = set(self._telegram.updates.confirmed)
        self.check(confirmed <= self.stored(), f"confirmed without a row: {sorted(confirmed - self.stored())[:5]}")

    def integrity(self) -> None:
        """See that the file is whole."""
        with closing(sqlite3.connect(self.file)) as db:
            found = db.execute("PRAGMA integrity_check").fetchone()[0]
        self.check(found == "ok", f"integrity: {found}")

    async def ready(self) -> tuple[int, str]:
        """Status and text of /readyz."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
            session.get(f"http://127.0.0.1:{self.port}/readyz") as response,
        ):
            return response.status, await response.text()

    async def until_ready(self, wanted: int) -> str:
        """What /readyz says once its status is the wanted one."""
        text = ""
        try:
            async with asyncio.timeout(60):
                while True:
                    status, text = await self.ready()
                    if status == wanted:
                        return text
                    await self.crowd.talk_for(0.5)
        except TimeoutError:
            self.check(False, f"/readyz never said {wanted}, but {text}")
        return text

    async def logged(self, expected: str, *, since: int) -> str:
        """The log from that byte on, once it says so."""
        text = ""
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while expected not in text:
                    await asyncio.sleep(0.5)  # the crowd keeps what it has to say for the next time
                    await self.ready()
                    text = self.bot.log.read_bytes()[since:].decode()
        self.check(expected in text, f"the log never said: {expected}")
        return text

    def counts(self, rounds: int, status: int) -> Counts:
        """The figures, once the bot has ended."""
        self.nothing_confirmed_without_a_row()
        self.integrity()
        return self.crowd.counts(kills=rounds, wrong=(*self.wrong, *ended(status)))


@scenario(size=20)
async def write_lock(folder: Path, seed: int, size: int) -> Counts:
    """Times that another process holds the write lock for eight seconds while 50 people write."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        room, chance = Room(folder, telegram, size * MESSAGES_A_ROUND), Random(seed)
        await room.bot.start()
        await polled(telegram)
        for number in range(size):
            enough = (number + chance.random()) * MESSAGES_A_ROUND
            await room.crowd.talk(until=lambda enough=enough: room.crowd.answered >= enough)  # type: ignore[misc]
            async with write_locked(room.file):
                before = room.stored()
                await room.crowd.talk_for(HELD_S)
                extra = set(telegram.updates.confirmed) - before
                room.check(not extra, f"round {number}: confirmed while nothing could be stored: {sorted(extra)[:5]}")
                room.check(room.bot.alive, f"round {number}: the bot died")
            progress(f"write-lock: {number + 1} of {size}, {room.crowd.answered} answered")
        await room.crowd.talk()
        return room.counts(size, await room.bot.stop())


@asynccontextmanager
async def write_locked(file: Path) -> AsyncIterator[None]:
    """A process of its own has begun to write, and does not end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, str(file)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            await process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        await process.wait()


@scenario(size=10)
async def disk_full(folder: Path, seed: int, size: int) -> Counts:
    """Times that nothing can be written beyond a random place in a file, while 50 people write."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        room, chance = Room(folder, telegram, size * MESSAGES_A_ROUND), Random(seed)
        await room.bot.start()
        await polled(telegram)
        for number in range(size):
            enough = (number + chance.random()) * MESSAGES_A_ROUND
            await room.crowd.talk(until=lambda enough=enough: room.crowd.answered >= enough)  # type: ignore[misc]
            limit = room.bot.log.stat().st_size + ROOM_FOR_THE_LOG + chance.randrange(0, 65_536)
            await full(room, limit, seconds=3 if number else LONGER_THAN_A_LEASE_S)
            progress(f"disk-full: {number + 1} of {size}, {room.crowd.answered} answered")
        await room.crowd.talk()
        return room.counts(size, await room.bot.stop())


async def full(room: Room, limit: int, *, seconds: float) -> None:
    """Let the bot write no file beyond so many bytes, see what it says, and give it room again.

    The write-ahead log is begun anew now and then: a limit above its size might never be met.
    """
    log = room.bot.log.stat().st_size
    _, hard = resource.prlimit(room.bot.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(room.bot.pid, resource.RLIMIT_FSIZE, (limit, hard))
    try:
        said = await room.until_ready(503)
        room.check("nothing was stored" in said, f"/readyz says {said}")
        await room.crowd.talk_for(seconds)
        room.nothing_confirmed_without_a_row()
        room.check(room.bot.alive, "the bot died")
    finally:
        resource.prlimit(room.bot.pid, resource.RLIMIT_FSIZE, (hard, hard))
    await room.until_ready(200)
    lines = await room.logged("the database takes everything again", since=log)
    told = [line for line in lines.splitlines() if "nothing was stored" in line]
    room.check(1 <= len(told) <= SAID, f"{len(told)} lines of the log say that nothing was stored")
    room.check("Traceback" not in lines, "a traceback in the log")
