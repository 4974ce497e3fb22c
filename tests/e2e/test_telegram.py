"""Telegram with a real vLLM, from a message to its reply; the model never ends a text by itself: lengths are ours."""

import time

import pytest

from botcore.bot import Bot
from botcore.messages import Conversation
from botcore.testing import until
from botcore_telegram.testing import FakeTelegram
from botcore_telegram.text import body
from tests.e2e.town import Town

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def telegram(town: Town) -> FakeTelegram:
    return town.telegrams["polling"]


@pytest.fixture
def bot(town: Town) -> Bot:
    return town.bot


async def test_the_model_answers(telegram: FakeTelegram, bot: Bot) -> None:
    ana = telegram.chat(20)
    await ana.says("Hello, who are you?")
    message = await ana.hears()
    asked, answered = await bot.history(Conversation(channel="polling", account="123456789", chat="20"))
    assert (asked.text, answered.outcome, answered.model) == ("Hello, who are you?", "answered", bot.engine.model)
    assert message.text == body(answered.text).text
    trace = await bot.trace(answered.reply)
    assert trace
    assert trace["usage"]["completion_tokens"] > 0  # type: ignore[index]


async def test_two_people_are_answered_at_once(telegram: FakeTelegram, bot: Bot) -> None:
    ana, ben = telegram.chat(21), telegram.chat(22)
    async with telegram.hold("sendMessage", ana) as gate:
        await ana.says("What is the sea?")
        await gate.reached()
        await ben.says("What is the moon?")
        await ben.hears()
        assert ana.messages == []
    await ana.hears()


async def test_one_chat_keeps_its_order(telegram: FakeTelegram, bot: Bot) -> None:
    ana = telegram.chat(23)
    for text in ("first", "second", "third"):
        await ana.says(text)
    for _ in range(3):
        await ana.hears()
    entries = await bot.history(Conversation(channel="polling", account="123456789", chat="23"))
    assert [entry.text for entry in entries if entry.role == "user"] == ["first", "second", "third"]
    replies = [body(entry.text).text for entry in entries if entry.role == "assistant"]
    assert [message.text for message in ana.messages] == replies


async def test_stop_ends_a_story_within_a_second_and_the_next_message_is_answered(
    telegram: FakeTelegram, bot: Bot
) -> None:
    ana = telegram.chat(24)
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
    ana, began = telegram.chat(25), time.monotonic()
    await ana.says("Hello!")
    await ana.hears()
    assert time.monotonic() - began >= 2
    assert len(ana.messages) == 1
