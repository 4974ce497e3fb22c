"""Whatever takes too long ends in words the person reads, never in silence; the wait in the line does not count."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore import EngineTimeout
from botcore.testing import Chat, ManualClock, chatting, until

QUICK = {"plugins": {"textgen": {}}, "turn": {"timeout_s": 8, "engine_wait_s": 5, "concurrent": 1}}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def chat(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Chat]:
    async with chatting(tmp_path, settings=QUICK, clock=clock) as chat:
        yield chat
        chat.engine.release()


async def test_a_reply_that_takes_too_long_ends_with_what_there_is_and_says_so(chat: Chat, clock: ManualClock) -> None:
    chat.engine.say("once upon a time")
    chat.engine.hold()
    await chat.says("a story, please")
    await until(lambda: chat.engine.open)
    chat.engine.step()
    await until(lambda: any(draft.text for draft in chat.channel.drafts))
    await clock.advance(8)
    assert await chat.hears() == "once\n\nThis took longer than 8 s and was ended."


async def test_an_engine_that_does_not_come_up_in_time_is_not_waited_for_any_longer(
    chat: Chat, clock: ManualClock
) -> None:
    chat.engine.set_status(stage="warmup")
    await chat.says("hi")
    await until(lambda: chat.channel.drafts)
    await clock.advance(5)
    assert await chat.hears() == "The engine warms up. Please ask again later."


@pytest.mark.parametrize("what", ["its first token", "its next token"])
async def test_an_engine_that_falls_silent_is_told(chat: Chat, what: str) -> None:
    chat.engine.say(EngineTimeout(f"the engine took more than 30 s for {what}"))
    await chat.says("hi")
    await chat.hears(f"took more than 30 s for {what}")


async def test_the_wait_in_the_line_is_not_counted(chat: Chat, clock: ManualClock) -> None:
    chat.engine.fallback = "ok"
    chat.engine.hold()
    ben = chat.with_("ben")
    await chat.says("hi")
    await ben.says("hi")
    await until(lambda: len(chat.engine.prompts) == 1)
    await clock.advance(7)
    chat.engine.step()
    await chat.hears("ok")
    await until(lambda: len(chat.engine.prompts) == 2)
    await clock.advance(7)  # 14 s after the message, 7 s after its turn has begun
    chat.engine.release()
    assert await ben.hears() == "ok"
