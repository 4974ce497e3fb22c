"""A Telegram that is in trouble itself: calls that fail by chance, and flood limits that are counted."""

import sqlite3
from contextlib import closing
from pathlib import Path

from botcore.clock import SystemClock
from botcore_telegram.testing import FakeTelegram, Fault, Limits
from tests.chaos.bot import Bot
from tests.chaos.crowd import TelegramCrowd
from tests.chaos.report import Counts, scenario
from tests.chaos.updates import MANY_TURNS, UNLIMITED, ended, polled

ODDS = ((0.02, Fault.broken(500)), (0.01, Fault.cut(executed=False)), (0.01, Fault.cut(executed=True)))
GIVEN_UP = "SELECT count(*) FROM outbox WHERE state = 'failed' AND resends = 1"


@scenario(size=500)
async def broken_calls(folder: Path, seed: int, size: int) -> Counts:
    """Messages; of the sends 2 % are answered 500, 1 % cut before and 1 % after they took effect."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        telegram.fail_often("sendMessage", *ODDS, seed=seed)
        bot = Bot(folder, telegram, **MANY_TURNS, **UNLIMITED)
        crowd = TelegramCrowd(telegram, chats=50, size=size)
        await bot.start()
        await polled(telegram)
        await crowd.talk(until=lambda: crowd.answered + given_up(folder) >= size)
        status = await bot.stop()
        sends = [fault for method, fault in telegram.faults if method == "sendMessage"]
        unknown, lost = sum(fault.executed for fault in sends), given_up(folder)
        note = f"{len(sends)} of the sends went wrong; {lost} given up after two of unknown outcome"
        counts = crowd.counts(may_double=unknown, wrong=ended(status), note=note)
        return counts + Counts(sent=0, lost=-min(lost, counts.lost))


@scenario(size=60)
async def flood_limits(folder: Path, seed: int, size: int) -> Counts:
    """Messages in six chats, from a bot that keeps no pace to a Telegram that allows one a second in each."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        telegram.api.limits = Limits(SystemClock())
        bot = Bot(folder, telegram, **MANY_TURNS, **UNLIMITED)
        crowd = TelegramCrowd(telegram, chats=6, size=size)
        await bot.start()
        await crowd.talk()
        status = await bot.stop()
        refused = sum(method == "sendMessage" for method, _ in telegram.received) - telegram.executed["sendMessage"]
        wrong = () if refused else ("no call was refused: nothing was tried",)
        return crowd.counts(wrong=(*wrong, *ended(status)), note=f"{refused} sends refused with 429")


def given_up(folder: Path) -> int:
    """Parts that were sent once more after an unknown outcome, and had another one."""
    with closing(sqlite3.connect(f"file:{folder}/data/botcore.db?mode=ro", uri=True)) as db:
        return int(db.execute(GIVEN_UP).fetchone()[0])
