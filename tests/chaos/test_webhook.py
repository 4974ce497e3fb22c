"""Killed while Telegram calls: what was not answered 200 comes again, and what was is answered once."""

import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore.failpoints import VARIABLE
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import Bot, said_back

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
def bot(telegram: FakeTelegram, tmp_path: Path) -> Bot:
    """A bot whose port stays the same over its restarts, as behind a proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    telegram.reach(f"http://127.0.0.1:{port}")
    table = {f"BOTCORE_CHANNELS__TELEGRAM__{key.upper()}": value for key, value in telegram.table("webhook").items()}
    return Bot(tmp_path, telegram, **table, BOTCORE_HTTP__PORT=str(port))


@pytest.mark.parametrize("place", ["accept.begin", "accept.in_commit", "accept.committed", "outbox.in_sent_commit"])
async def test_killed_there_nothing_is_lost(place: str, telegram: FakeTelegram, bot: Bot) -> None:
    chats = [telegram.chat(7), telegram.chat(8), telegram.chat(-9, "group")]
    for number in range(3):
        for chat in chats:
            await chat.says(f"{chat.id} says {number}")
    await bot.start(**{VARIABLE: f"{place}=kill"})
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    await telegram.serves("setWebhook", 2)  # which makes Telegram try again at once
    for chat in chats:
        for number in range(3):
            await chat.hears(f"{chat.id} says {number}")
    assert await bot.stop() == 0
    assert telegram.updates.waiting == []
    for chat in chats:
        assert list(said_back(chat)) == [f"{chat.id} says {number}" for number in range(3)]
    in_the_air = 1 if place == "outbox.in_sent_commit" else 0  # each chat's last send may be: they share a commit
    for chat in chats:
        assert sum(count - 1 for count in said_back(chat).values()) <= in_the_air
