"""A message that ends the process is set aside after the second fault or fourth death; nobody else loses a word."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from botcore.turn import SET_ASIDE
from botcore_telegram.testing import FakeTelegram
from tests.calls import botcore
from tests.chaos.bot import Bot, said_back
from tests.chaos.deadly import EXIT_STATUS, SLOW, install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

OTHERS = 20
LATE = 5
STATUS = {"abort": -signal.SIGABRT, "exit": EXIT_STATUS}
TIMES = {"abort": 2, "exit": 4}
"""An abort leaves a record; an exit could have been anybody's."""
IN_WORDS = {"abort": "twice", "exit": "4 times"}


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


async def dlq(bot: Bot, *arguments: object) -> Any:
    """What `botcore dlq` says beside the running bot."""
    told = ("dlq", *map(str, arguments), "--json")
    called = await asyncio.to_thread(botcore, *told, here=bot.log.parent, **bot.environ)
    assert called.returncode == 0, called.stderr
    return json.loads(called.stdout)


@pytest.mark.parametrize("how", STATUS)
async def test_what_kills_the_process_again_and_again_is_set_aside(
    how: str, telegram: FakeTelegram, tmp_path: Path
) -> None:
    bot = Bot(tmp_path, telegram, **install(tmp_path, others=OTHERS + 1, times=TIMES[how]))
    others = {telegram.chat(10 + number): f"I am {number}" for number in range(OTHERS)}
    others[telegram.chat(50)] = f"{SLOW} well"
    poisoned = telegram.chat(99)  # the last to be tried: the others are in work again when it dies
    for chat, text in others.items():
        await chat.says(text)
    await poisoned.says(how)
    await poisoned.says("and now?")
    await bot.start()
    assert await bot.dies() == STATUS[how], bot.log.read_text()[-2000:]
    for number in range(OTHERS, OTHERS + LATE):
        others[telegram.chat(60 + number)] = f"I am {number}"
        await telegram.chat(60 + number).says(f"I am {number}")
    for _ in range(TIMES[how] - 1):
        await bot.start()
        assert await bot.dies() == STATUS[how], bot.log.read_text()[-2000:]

    await bot.start()
    await bot.up()
    await telegram.polled()
    await poisoned.hears(SET_ASIDE)
    await poisoned.hears("and now?")
    for chat, text in others.items():
        await chat.hears(text)
    assert [said_back(chat) for chat in others] == [{text: 1} for text in others.values()]
    (letter,) = await dlq(bot, "list")
    assert (letter["reason"], letter["deaths"]) == (
        f"the process died {IN_WORDS[how]} while working on this",
        TIMES[how],
    )
    assert json.loads((await dlq(bot, "show", letter["id"]))["payload"])["text"] == how

    assert await dlq(bot, "retry", letter["id"]) == {"retried": [letter["id"]], "left": []}
    await poisoned.hears(f"You said: {how}")
    assert await dlq(bot, "list") == []
    assert await bot.stop() == 0
