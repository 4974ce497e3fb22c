"""SIGTERM while a hundred turns are in work: what can be finished is, the rest is answered by the next process."""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any

from botcore.clock import SystemClock
from botcore.testing.openai_server import FakeOpenAI, Stream
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import PATIENCE_S, Bot
from tests.chaos.crowd import ANSWER, TelegramCrowd
from tests.chaos.report import Counts, progress, scenario
from tests.chaos.updates import ended

TURNS = 100
PROMISED_S = 30.0
STUCK_EVERY = 5
"""So many times the engine says nothing more, and its turns must be given up."""
WORDS = 100


@scenario(size=15)
async def stops(folder: Path, seed: int, size: int) -> Counts:
    """Times that the bot is told to stop while 100 turns are in work, one of them by an engine that is stuck."""
    async with FakeTelegram(clock=SystemClock()) as telegram, FakeOpenAI() as engine:
        engine.otherwise = repeats
        environ = {"ENGINE__KIND": "openai", "ENGINE__BASE_URL": engine.url, "ENGINE__FIRST_TOKEN_TIMEOUT_S": "120"}
        environ |= {"TURN__CONCURRENT": str(2 * TURNS)}
        bot = Bot(folder, telegram, **{f"BOTCORE_{name}": value for name, value in environ.items()})
        crowd, chance = TelegramCrowd(telegram, chats=TURNS, size=size * TURNS, ahead=1), Random(seed)
        wrong, slowest = list[str](), 0.0
        for number in range(size):
            await bot.start()
            await working(engine, crowd)
            stuck = number % STUCK_EVERY == STUCK_EVERY - 1
            status, seconds = await stopped(bot, engine, chance.uniform(0, 2), stuck=stuck)
            slowest = max(slowest, seconds)
            wrong += [f"stop {number}: {text}" for text in ended(status)]
            wrong += [f"stop {number}: took {seconds:.0f} s"] if seconds > PROMISED_S else []
            progress(f"stops: {number + 1} of {size}, {crowd.answered} answered, {seconds:.1f} s")
        engine.otherwise = lambda body: repeats(body, held=False)
        crowd.listen()
        if crowd.answered < crowd.size:
            await bot.start()
            await crowd.talk()
            wrong += ended(await bot.stop())
        return crowd.counts(kills=size, wrong=tuple(wrong), note=f"slowest stop {slowest:.1f} s")


def repeats(body: dict[str, Any], held: bool = True) -> Stream:
    """What the scripted engine would say; ``held``: when it is let, the bot's own question after its health apart."""
    asked = body["messages"][-1]["content"]
    return Stream(f"{ANSWER}{asked}", held=held and asked.startswith("message"))


async def working(engine: FakeOpenAI, crowd: TelegramCrowd) -> None:
    """Return when so many turns wait for the engine."""
    async with asyncio.timeout(PATIENCE_S):
        while engine.open < TURNS:
            await crowd.talk_for(0.2)


async def stopped(bot: Bot, engine: FakeOpenAI, pause_s: float, *, stuck: bool) -> tuple[int, float]:
    """Exit status, and seconds from SIGTERM to the end; meanwhile the engine goes on, unless it is stuck."""
    began = time.monotonic()
    stopping = asyncio.create_task(bot.stop(), name="stop")
    if not stuck:
        await asyncio.sleep(pause_s)
        while not stopping.done():
            engine.step(WORDS if engine.open else 0)
            await asyncio.wait([stopping], timeout=0.1)
    status = await stopping
    engine.drop_steps()
    return status, time.monotonic() - began
