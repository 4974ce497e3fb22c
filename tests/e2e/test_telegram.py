"""Telegram with a real vLLM, from a message to its reply; the model never ends a text by itself: lengths are ours."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from botcore.bot import Bot
from botcore.messages import Conversation
from botcore.settings import load_settings
from botcore.testing import until
from botcore_telegram.testing import FakeTelegram
from botcore_telegram.text import body

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 240
"""15 s on a quiet machine, 75 s seen on a busy one."""

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(
    telegram: FakeTelegram, engine_python: Path, endless: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bot]:
    variables = {
        "BOTCORE_CHANNELS__TELEGRAM__TOKEN": telegram.token,
        "BOTCORE_CHANNELS__TELEGRAM__BASE_URL": telegram.base_url,
        "BOTCORE_ENGINE__PYTHON": str(engine_python),
        "BOTCORE_ENGINE__MODEL": str(endless),
        "BOTCORE_PLUGINS__TEXTGEN__PRESETS__CHAT__MAX_TOKENS": "40",
        "BOTCORE_PLUGINS__TEXTGEN__PRESETS__STORY__MAX_TOKENS": "1500",
        "BOTCORE_BOT__DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "BOTCORE_HTTP__PORT": "0",
        "BOTCORE_PLUGINS__QA__ENABLED": "false",
    }
    bot = Bot(load_settings([ROOT / "config" / "telegram.toml"], environ=variables, local=None))
    async with asyncio.TaskGroup() as group:
        group.create_task(bot.run(), name="bot")
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await bot.started.wait()
                while bot.engine.stage != "ready":
                    await bot.engine_changed()
        except TimeoutError:
            raise AssertionError(f"no engine after {READY_WITHIN_S} s: {bot.engine}") from None
        yield bot
        bot.stop()


async def test_the_model_answers(telegram: FakeTelegram, bot: Bot) -> None:
    ana = telegram.chat(7)
    await ana.says("Hello, who are you?")
    message = await ana.hears()
    asked, answered = await bot.history(Conversation(channel="telegram", account="123456789", chat="7"))
    assert (asked.text, answered.outcome, answered.model) == ("Hello, who are you?", "answered", bot.engine.model)
    assert message.text == body(answered.text).text
    trace = await bot.trace(answered.reply)
    assert trace
    assert trace["usage"]["completion_tokens"] > 0  # type: ignore[index]


async def test_two_people_are_answered_at_once(telegram: FakeTelegram, bot: Bot) -> None:
    ana, ben = telegram.chat(8), telegram.chat(9)
    async with telegram.hold("sendMessage", ana) as gate:
        await ana.says("What is the sea?")
        await gate.reached()
        await ben.says("What is the moon?")
        await ben.hears()
        assert ana.messages == []
    await ana.hears()


async def test_one_chat_keeps_its_order(telegram: FakeTelegram, bot: Bot) -> None:
    ana = telegram.chat(11)
    for text in ("first", "second", "third"):
        await ana.says(text)
    for _ in range(3):
        await ana.hears()
    entries = await bot.history(Conversation(channel="telegram", account="123456789", chat="11"))
    assert [entry.text for entry in entries if entry.role == "user"] == ["first", "second", "third"]
    replies = [body(entry.text).text for entry in entries if entry.role == "assistant"]
    assert [message.text for message in ana.messages] == replies


async def test_stop_ends_a_story_within_a_second_and_the_next_message_is_answered(
    telegram: FakeTelegram, bot: Bot
) -> None:
    ana = telegram.chat(10)
    await ana.says("/story a long journey over the sea")
    await until(lambda: ana.drafts)
    began = time.monotonic()
    await ana.says("/stop")
    await ana.hears("Stopped.")
    assert time.monotonic() - began < 1
    await ana.says("Hello!")
    await ana.hears()
    assert len(ana.messages) == 2


async def test_a_flood_limit_is_waited_out(telegram: FakeTelegram, bot: Bot) -> None:
    telegram.flood(retry_after=2)
    ana, began = telegram.chat(12), time.monotonic()
    await ana.says("Hello!")
    await ana.hears()
    assert time.monotonic() - began >= 2
    assert len(ana.messages) == 1
