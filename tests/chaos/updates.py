"""Many messages on each channel: undisturbed, and with ``kill -9`` at random instants."""

import asyncio
import socket
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

from botcore.clock import SystemClock
from botcore_slack.testing import FakeSlack
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import PATIENCE_S, Bot
from tests.chaos.crowd import Crowd, SlackCrowd, TelegramCrowd
from tests.chaos.pages import PageCrowd
from tests.chaos.report import Counts, compare, progress, scenario

__all__ = ["MANY_TURNS", "UNLIMITED", "ended", "polled"]

MESSAGES_PER_KILL = 100
IN_THE_AIR = 3
"""Sends that may be in the air at Telegram's own 30 a second."""
MANY_TURNS = {"BOTCORE_TURN__CONCURRENT": "64"}
UNLIMITED = {
    "BOTCORE_CHANNELS__TELEGRAM__SENDS_PER_SECOND": "100000",
    "BOTCORE_CHANNELS__TELEGRAM__SENDS_PER_SECOND_PER_CHAT": "100000",
}
NO_TELEGRAM = {"BOTCORE_CHANNELS__TELEGRAM__ENABLED": "false"}


@scenario(size=10_000, alone=True)
async def updates(folder: Path, seed: int, size: int) -> Counts:
    """Messages in 200 chats on Telegram, as fast as they are answered."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        bot = Bot(folder, telegram, **MANY_TURNS, **UNLIMITED)
        crowd = TelegramCrowd(telegram, chats=200, size=size)
        await bot.start()
        await polled(telegram)
        before = bot.rss_mib()
        await crowd.talk()
        grown = bot.rss_mib() - before
        return crowd.counts(grown_mib=grown, wrong=ended(await bot.stop()))


@scenario(size=10_000)
async def kills_telegram(folder: Path, seed: int, size: int) -> Counts:
    """Messages in 200 chats on Telegram at 30 sends a second, and a kill for every 100 of them."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        bot = Bot(folder, telegram, **MANY_TURNS)
        return await killed(bot, TelegramCrowd(telegram, chats=200, size=size), seed, may_double=IN_THE_AIR)


@scenario(size=1_000)
async def kills_slack(folder: Path, seed: int, size: int) -> Counts:
    """Direct messages of 50 people on Slack, and a kill for every 100 of them."""
    async with FakeSlack() as slack:
        bot = Bot(folder, FakeTelegram(), **MANY_TURNS, **NO_TELEGRAM, **slack.environment())
        crowd = SlackCrowd(slack, people=50, size=size)
        counts = await killed(bot, crowd, seed)
        # What was not acknowledged comes again, by now behind later ones: the order that counts is that of coming in.
        taken = compare(as_accepted(folder), crowd.heard)
        late = f"{counts.out_of_order} handed over by Slack behind a later one"
        return replace(counts, out_of_order=taken.out_of_order, note=", ".join(filter(None, (counts.note, late))))


@scenario(size=3_000)
async def kills_web(folder: Path, seed: int, size: int) -> Counts:
    """Messages on 50 open pages, sent again with the same ids until taken, and a kill for every 100 of them."""
    port = free_port()
    async with PageCrowd(f"http://127.0.0.1:{port}", pages=50, size=size) as crowd:
        bot = Bot(folder, FakeTelegram(), **MANY_TURNS, **NO_TELEGRAM, BOTCORE_HTTP__PORT=str(port))
        return await killed(bot, crowd, seed)


async def killed(bot: Bot, crowd: Crowd, seed: int, *, may_double: int = 0) -> Counts:
    """Start the bot, kill it at random instants while the crowd talks, and let it answer the rest.

    Every tenth time it is killed again while it starts: what recovers must survive that as well.
    """
    chance = Random(seed)
    rounds = max(1, crowd.size // MESSAGES_PER_KILL)
    kills = 0
    await bot.start()
    for instant in sorted(chance.randrange(crowd.size) for _ in range(rounds)):
        await crowd.talk(until=lambda instant=instant: crowd.answered >= instant)  # type: ignore[misc]
        await crowd.talk_for(chance.uniform(0, 0.5))
        for _ in range(1 + (chance.random() < 0.1)):
            await bot.kill()
            kills += 1
            await bot.start()
            await crowd.talk_for(chance.uniform(0, 2) if chance.random() < 0.5 else 0)
        progress(f"{bot.log.parent.name}: {kills} kills, {crowd.answered} of {crowd.size} answered")
    await crowd.talk()
    status = await bot.stop()
    aside = set_aside(bot.log.parent)
    note = f"{aside} of the lost were set aside as poison, and their authors told" if aside else ""
    return crowd.counts(kills=kills, may_double=may_double * kills, wrong=ended(status), note=note)


def as_accepted(folder: Path) -> dict[str, list[str]]:
    """What each chat has said, in the order in which the bot took it."""
    said = defaultdict[str, list[str]](list)
    with closing(sqlite3.connect(f"file:{folder}/data/botcore.db?mode=ro", uri=True)) as db:
        for key, text in db.execute("SELECT conversation, user_text FROM turn ORDER BY message"):
            said[key.split("/")[2]].append(text)
    return said


def set_aside(folder: Path) -> int:
    """Messages that were in work when the process died again and again, and are dead letters now."""
    with closing(sqlite3.connect(f"file:{folder}/data/botcore.db?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM inbox WHERE state = 'dead'").fetchone()[0])


async def polled(telegram: FakeTelegram) -> None:
    """Return when the bot asks for updates the next time: it is up, however slowly it starts."""
    before = telegram.updates.polls
    async with asyncio.timeout(PATIENCE_S):
        while telegram.updates.polls == before:
            await telegram.changed.wait()


def ended(status: int) -> tuple[str, ...]:
    """A complaint about any other exit status than 0."""
    return () if status == 0 else (f"exit status {status} after SIGTERM",)


def free_port() -> int:
    """A port that stays the same over restarts, as behind a proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
