"""One person floods while others write: what the others wait, beside what they wait when nobody floods."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random

from botcore.clock import SystemClock
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import Bot
from tests.chaos.crowd import TelegramCrowd
from tests.chaos.report import Counts, scenario
from tests.chaos.updates import MANY_TURNS, ended, polled

OTHERS = 50
PAUSE_S = 5.0
"""Between the messages of one of the others, on average."""
FLOOD, BURSTS = 1000, 10
WORSE = 1.5


@scenario(size=300, alone=True)
async def flood(folder: Path, seed: int, size: int) -> Counts:
    """Seconds in which 50 people write, in the second half beside one who writes 1,000 messages."""
    async with FakeTelegram(clock=SystemClock()) as telegram:
        bot = Bot(folder, telegram, **MANY_TURNS)
        await bot.start()
        await polled(telegram)
        quiet, loud = [
            TelegramCrowd(telegram, chats=OTHERS, first=first, size=size * OTHERS, ahead=0) for first in (1, 1001)
        ]
        await writing(quiet, size / 2, seed)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flooding(telegram, size / 2), name="flood")
            tasks.create_task(writing(loud, size / 2, seed), name="others")
        status = await bot.stop()
        calm, beside = p95(list(quiet.waits.values())), p95(list(loud.waits.values()))
        note = f"p95 {1000 * calm:.0f} ms, beside the flood {1000 * beside:.0f} ms"
        wrong = (f"{beside / calm:.1f} times as long beside the flood",) if beside > WORSE * calm else ()
        return quiet.counts() + loud.counts(wrong=(*wrong, *ended(status)), note=note)


async def writing(crowd: TelegramCrowd, seconds: float, seed: int) -> None:
    """Each of them writes now and then, whether or not the last message was answered."""
    chance = Random(seed)
    over = asyncio.Event()

    async def one(place: str) -> None:
        await asyncio.sleep(chance.uniform(0, PAUSE_S))
        while not over.is_set():
            await crowd.say(place)
            await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE_S)

    async with asyncio.TaskGroup() as tasks:
        for place in crowd.places:
            tasks.create_task(one(place), name=f"person {place}")
        await crowd.talk_for(seconds)
        over.set()
        await crowd.talk_for(2 * PAUSE_S)


async def flooding(telegram: FakeTelegram, seconds: float) -> None:
    """A thousand messages of one person, in bursts."""
    chat = telegram.chat(999_999)
    for burst in range(BURSTS):
        for number in range(FLOOD // BURSTS):
            await chat.says(f"flood {burst}.{number}")
        await asyncio.sleep(seconds / BURSTS)


def p95(waits: Sequence[float]) -> float:
    """The wait that 95 of 100 stay below, in seconds."""
    return sorted(waits)[math.ceil(0.95 * len(waits)) - 1] if waits else 0.0
