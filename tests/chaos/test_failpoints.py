"""Killed at each named place: every message is answered, in order; one comes twice only where a send was in the air.

One turn runs at a time here, so that at most one send is in the air when the process dies.
"""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore.failpoints import PLACES, VARIABLE
from botcore_telegram.testing import FakeTelegram, Fault
from botcore_telegram.testing.chat import FakeChat
from tests.chaos.bot import Bot, said_back

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

ON_STOP = {"drain.begin", "drain.end", "requeue.begin"}
"""Reached when the bot is told to stop."""
IN_RECOVERY = {
    "outbox.uncertain": "outbox.called=kill@2",
    "outbox.resending": "outbox.called=kill@2",
    "release.begin": "turn.committed=kill@9",
}
"""Reached when an earlier crash is settled → that crash."""
AFTER_SENDING = {"outbox.sending", "outbox.called", "outbox.in_sent_commit", "turn.committed"}
"""Telegram may have the message by then, and cannot be asked."""
ONCE = {
    "migration.in_commit",
    "accept.begin",
    "accept.in_commit",
    "accept.committed",
    "outbox.refused",
    "outbox.unsent",
}
"""Reached only once: everything said is fetched together, and there is one flood limit."""


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


async def write(telegram: FakeTelegram) -> dict[FakeChat, list[str]]:
    """Three chats, a group among them, each saying three things at once; the first call meets a flood limit."""
    chats = [telegram.chat(7), telegram.chat(8), telegram.chat(-9, "group")]
    telegram.flood(retry_after=1)
    said = {chat: [f"{chat.id} says {number}" for number in range(3)] for chat in chats}
    for number in range(3):
        for chat, texts in said.items():
            await chat.says(texts[number])
    return said


async def all_answered(said: dict[FakeChat, list[str]]) -> None:
    for chat, texts in said.items():
        for text in texts:
            await chat.hears(text)


def doubled(said: dict[FakeChat, list[str]]) -> int:
    return sum(count - 1 for chat in said for count in said_back(chat).values())


def in_order(said: dict[FakeChat, list[str]]) -> bool:
    return all(list(said_back(chat)) == texts for chat, texts in said.items())


@pytest.mark.parametrize("place", sorted(set(PLACES) - ON_STOP - set(IN_RECOVERY)))
async def test_killed_there_nothing_is_lost(place: str, telegram: FakeTelegram, tmp_path: Path) -> None:
    bot = Bot(tmp_path, telegram)
    said = await write(telegram)
    await bot.start(**{VARIABLE: f"{place}=kill@{1 if place in ONCE else 2}"})
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    await telegram.polled()
    await all_answered(said)
    assert await bot.stop() == 0
    assert in_order(said)
    assert doubled(said) <= (1 if place in AFTER_SENDING else 0)


@pytest.mark.parametrize("place", sorted(IN_RECOVERY))
async def test_killed_while_an_earlier_crash_is_settled_nothing_is_lost(
    place: str, telegram: FakeTelegram, tmp_path: Path
) -> None:
    bot = Bot(tmp_path, telegram)
    said = await write(telegram)
    await bot.start(**{VARIABLE: IN_RECOVERY[place]})
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    if place == "outbox.uncertain":
        telegram.fail("sendMessage", Fault.cut(executed=True))
    await bot.start(**{VARIABLE: f"{place}=kill"})
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    await telegram.polled()
    await all_answered(said)
    assert await bot.stop() == 0
    assert in_order(said)
    assert doubled(said) <= 2


@pytest.mark.parametrize("place", sorted(ON_STOP))
async def test_killed_while_it_stops_nothing_is_lost(place: str, telegram: FakeTelegram, tmp_path: Path) -> None:
    bot = Bot(tmp_path, telegram, BOTCORE_TURN__DRAIN_S="0.2")
    chat = telegram.chat(7)
    async with telegram.hold("sendMessage", chat) as gate:
        await chat.says("one")
        await chat.says("two")
        await bot.start(**{VARIABLE: f"{place}=kill"})
        await gate.reached()
        bot.signal(signal.SIGTERM)
        assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    await telegram.polled()
    await all_answered({chat: ["one", "two"]})
    assert await bot.stop() == 0
    assert doubled({chat: []}) <= 1
