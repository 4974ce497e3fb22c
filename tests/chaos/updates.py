"""Ten thousand updates on Telegram: undisturbed, and with ``kill -9`` at random instants."""

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random

from botcore.clock import SystemClock
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import PATIENCE_S, Bot
from tests.chaos.crowd import Crowd
from tests.chaos.report import Counts, progress, scenario

CHATS = 200
UPDATES_PER_KILL = 100
IN_THE_AIR = 3
"""Sends that may be in the air at Telegram's own 30 a second."""
UNLIMITED = {
    "BOTCORE_CHANNELS__TELEGRAM__SENDS_PER_SECOND": "100000",
    "BOTCORE_CHANNELS__TELEGRAM__SENDS_PER_SECOND_PER_CHAT": "100000",
}
MANY_TURNS = {"BOTCORE_TURN__CONCURRENT": "64"}


@scenario(size=10_000, alone=True)
async def updates(folder: Path, seed: int, size: int) -> Counts:
    """Updates in 200 chats, as fast as they are answered."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        bot = Bot(folder, telegram, **MANY_TURNS, **UNLIMITED)
        crowd = Crowd(telegram, chats=CHATS, size=size)
        await bot.start()
        await polled(telegram)
        before = bot.rss_mib()
        await crowd.talk()
        grown = bot.rss_mib() - before
        status = await bot.stop()
        return crowd.counts(grown_mib=grown, wrong=ended(status))


@scenario(size=10_000)
async def kills_telegram(folder: Path, seed: int, size: int) -> Counts:
    """Updates in 200 chats at 30 sends a second, and a kill for every 100 of them."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        bot = Bot(folder, telegram, **MANY_TURNS)
        crowd = Crowd(telegram, chats=CHATS, size=size)
        await bot.start()
        kills = await killed(bot, crowd, Random(seed), rounds=max(1, size // UPDATES_PER_KILL), size=size)
        await crowd.talk()
        status = await bot.stop()
        return crowd.counts(kills=kills, may_double=IN_THE_AIR * kills, wrong=ended(status))


async def killed(bot: Bot, crowd: Crowd, chance: Random, *, rounds: int, size: int) -> int:
    """Kill it at random instants while the crowd talks; how often that was."""
    for number, instant in enumerate(sorted(chance.randrange(size) for _ in range(rounds))):
        await crowd.talk(until=lambda instant=instant: crowd.answered >= instant)  # type: ignore[misc]
        await keep_talking(crowd, chance.uniform(0, 0.5))
        await bot.kill()
        await bot.start()
        if number % 10 == 9:
            progress(f"kills: {number + 1} of {rounds}, {crowd.answered} of {size} answered")
    return rounds


async def polled(telegram: FakeTelegram) -> None:
    """Return when the bot asks for updates for the first time: it is up."""
    async with asyncio.timeout(PATIENCE_S):
        while not telegram.updates.polls:
            await telegram.changed.wait()


async def keep_talking(crowd: Crowd, seconds: float) -> None:
    """Let the crowd talk for a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await crowd.talk()


def ended(status: int) -> tuple[str, ...]:
    """A complaint about any other exit status than 0."""
    return () if status == 0 else (f"exit status {status} after SIGTERM",)
