"""The shipped Telegram configuration with a real vLLM and the model in the box, from a message to its reply."""

import asyncio
import os
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
PYTHON = Path(os.environ.get("BOTCORE_TEST_ENGINE_PYTHON") or ROOT / ".venv-engine" / "bin" / "python")
READY_WITHIN_S = 240
"""17 s on a quiet machine, 75 s seen on a busy one."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no engine environment at {PYTHON}: botcore engine install"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(telegram: FakeTelegram, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    variables = {
        "BOTCORE_CHANNELS__TELEGRAM__TOKEN": telegram.token,
        "BOTCORE_CHANNELS__TELEGRAM__BASE_URL": telegram.base_url,
        "BOTCORE_ENGINE__PYTHON": str(PYTHON),
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


async def test_stop_ends_a_story_and_the_next_message_is_answered(telegram: FakeTelegram, bot: Bot) -> None:
    ana = telegram.chat(10)
    await ana.says("/story a long journey over the sea, through the mountains and home again")
    await until(lambda: ana.drafts)
    await ana.says("/stop")
    await ana.hears("Stopped.")
    await ana.says("Hello!")
    await ana.hears()
    assert len(ana.messages) == 2
