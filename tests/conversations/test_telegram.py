"""A whole bot on Telegram, as people in its chats see it: the real SDK against the fake server, a scripted engine."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from botcore import Chunk, Feedback, Reply, Sampling, Turn, hookimpl
from botcore.testing import Chat, ManualClock, ScriptedEngine, chatting, until
from botcore_telegram.testing import FakeTelegram, Fault

Start = Callable[..., AbstractAsyncContextManager[Chat]]


class Talker:
    """Hands every message to the engine, and keeps the judgements."""

    def __init__(self) -> None:
        self.judged: list[Feedback] = []
        self.replies: list[Reply] = []

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer(turn)

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        self.replies.append(reply)

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        self.judged.append(feedback)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        async for delta in turn.generate(await turn.prompt("Be kind."), Sampling(max_tokens=5000)):
            yield Chunk(text=delta.text)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def start(telegram: FakeTelegram, talker: Talker, tmp_path: Path) -> Start:
    """Start the bot; again after the end of the first one, it is the same bot after a restart."""

    def starting(engine: ScriptedEngine | None = None, **more: Any) -> AbstractAsyncContextManager[Chat]:
        channel = {"token": telegram.token, "base_url": telegram.base_url}
        tables = {"channels.telegram": channel, "turn": {"drain_s": 0}}
        return chatting(tmp_path / "data", plugins={"talker": talker}, settings=tables, engine=engine, **more)

    return starting


async def test_a_message_is_answered(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start(ScriptedEngine("Hello **Ana**")):
        await ana.says("hi")
        message = await ana.hears("Hello Ana")
    assert message.entities == [{"type": "bold", "offset": 6, "length": 3}]


async def test_two_chats_do_not_wait_for_each_other(telegram: FakeTelegram, start: Start) -> None:
    ana, ben = telegram.chat(7), telegram.chat(8)
    async with start(), telegram.hold("sendMessage", ana) as gate:
        await ana.says("from ana")
        await gate.reached()
        await ben.says("from ben")
        await ben.hears("from ben")
        assert ana.messages == []
        gate.open()
        await ana.hears("from ana")


async def test_one_chat_keeps_its_order(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start():
        for number in range(3):
            await ana.says(f"number {number}")
        for number in range(3):
            await ana.hears(f"number {number}")
    assert ana.texts == [f"You said: number {number}" for number in range(3)]


@pytest.mark.parametrize("stop", ["/stop", "/stop@botcore_bot"])
async def test_stop_ends_the_reply_and_frees_the_engine(telegram: FakeTelegram, start: Start, stop: str) -> None:
    ana = telegram.chat(7)
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ana.says("count")
        await until(lambda: bot.engine.open == 1)
        await ana.says(stop)
        await until(lambda: bot.engine.open == 0)
        await ana.hears("Stopped.")
        bot.engine.release()
        await ana.says("again")
        await ana.hears("You said: again")


async def test_a_flood_limit_is_waited_out(telegram: FakeTelegram, talker: Talker, start: Start) -> None:
    clock = ManualClock()
    async with FakeTelegram(clock=clock) as slow:
        telegram.base_url, ana = slow.base_url, slow.chat(7)
        slow.flood(retry_after=30)
        async with start(clock=clock) as bot:
            await ana.says("hi")
            await until(lambda: b'result="retry"' in bot.bot.metrics.render())
            await clock.advance(29)
            assert ana.messages == []
            await clock.advance(1.5)
            await ana.hears("You said: hi")
    refused, sent = [at for method, at in slow.received if method == "sendMessage"]
    assert sent - refused >= 30


async def test_a_chat_that_must_wait_holds_up_no_other(telegram: FakeTelegram, start: Start) -> None:
    ana, ben = telegram.chat(7), telegram.chat(8)
    telegram.flood(retry_after=3600)
    async with start():
        await ana.says("hi")
        await until(lambda: "sendMessage" in dict(telegram.received))
        await ben.says("hi")
        await ben.hears("You said: hi")
    assert ana.messages == []


async def test_the_same_update_again_is_answered_once(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start():
        await telegram.polled()
        async with telegram.hold("getUpdates"):  # the offset that would confirm never arrives
            await ana.says("hi")
            await ana.hears("You said: hi")
            assert len(telegram.updates.waiting) == 1
    async with start():
        await ana.says("still there?")
        await ana.hears("still there?")
    assert len(ana.messages) == 2


async def test_a_restart_loses_nothing(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start() as bot:
        bot.engine.hold()
        await ana.says("running")
        await until(lambda: bot.engine.open == 1)
        update = await ana.says("waiting")
        await telegram.confirms(update["update_id"])
    await ana.says("while away")
    async with start():
        for text in ("running", "waiting", "while away"):
            await ana.hears(f"You said: {text}")
    assert [text.removeprefix("You said: ") for text in ana.texts] == ["running", "waiting", "while away"]


@pytest.mark.parametrize(
    ("fault", "copies"),
    [
        (Fault.cut(executed=True), 2),
        (Fault.broken(500, executed=True), 2),
        (Fault.cut(executed=False), 1),
        (Fault.broken(502, html=True), 1),
        (Fault.flood(1), 1),
    ],
)
async def test_whatever_happens_to_a_send_it_arrives_and_at_most_one_copy_too_many(
    telegram: FakeTelegram, start: Start, fault: Fault, copies: int
) -> None:
    ana = telegram.chat(7)
    telegram.fail("sendMessage", fault)
    async with start():
        await ana.says("hi")
        for _ in range(copies):
            await ana.hears("You said: hi")
        await ana.says("next")
        await ana.hears("next")
    assert len(ana.messages) == copies + 1


async def test_a_person_who_blocked_the_bot_costs_one_message_and_no_more(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    telegram.fail("sendMessage", Fault.kicked())
    async with start():
        await ana.says("one")
        await ana.says("two")
        await ana.hears("two")
    assert ana.texts == ["You said: two"]


async def test_in_a_private_chat_the_reply_grows_as_a_draft(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ana.says("count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await telegram.serves("sendMessageDraft")
        assert ana.drafts[0][1].strip() == "one"
        assert ana.messages == []
        bot.engine.release()
        await ana.hears("one two three")
    assert len({draft for draft, _ in ana.drafts}) == 1


async def test_in_a_group_a_placeholder_becomes_the_reply(telegram: FakeTelegram, start: Start) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await team.says("not for you")
        asked = await team.says("@botcore_bot count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await telegram.serves("editMessageText")
        assert [text.strip() for text in team.texts] == ["one"]
        bot.engine.release()
        message = await team.hears("one two three")
    assert (len(team.messages), message.reply_to) == (1, asked["message"]["message_id"])
    assert [prompt.messages[-1].content for prompt in bot.engine.prompts] == ["count"]


async def test_topics_are_conversations_of_their_own(telegram: FakeTelegram, start: Start) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start() as bot, telegram.hold("sendMessage") as gate:
        for topic in (8, 9):
            await team.says(f"@botcore_bot in {topic}", message_thread_id=topic, is_topic_message=True)
            await gate.reached()
        assert bot.engine.open == 0
        gate.open()
        for topic in (8, 9):
            assert (await team.hears(f"in {topic}")).thread == topic


async def test_an_edited_question_is_answered_instead(telegram: FakeTelegram, start: Start) -> None:
    ana = telegram.chat(7)
    async with start() as bot:
        bot.engine.hold()
        await ana.says("first")
        await until(lambda: bot.engine.open == 1)
        second = await ana.says("secnod")
        await telegram.confirms(second["update_id"])
        await telegram.confirms((await ana.rewrites(second, "second"))["update_id"])
        bot.engine.release()
        await ana.hears("You said: first")
        await ana.hears("You said: second")
    assert len(ana.messages) == 2


async def test_a_judgement_finds_the_reply(telegram: FakeTelegram, talker: Talker, start: Start) -> None:
    ana = telegram.chat(7)
    async with start():
        await ana.says("hi")
        message = await ana.hears("hi")
        await ana.presses(message.id, "feedback:1")
        await until(lambda: talker.judged)
    assert (talker.judged[0].reply, talker.judged[0].value) == (talker.replies[0].id, 1)


async def test_a_long_reply_comes_in_parts_in_order(telegram: FakeTelegram, start: Start) -> None:
    ana, words = telegram.chat(7), " ".join(f"word{number}" for number in range(1200))
    async with start(ScriptedEngine(words, "short")):
        await ana.says("long please")
        await ana.hears("word1199")
    assert len(ana.messages) == 3
    assert " ".join(ana.texts).split() == words.split()


async def test_the_menu_lists_the_bots_commands(telegram: FakeTelegram, start: Start) -> None:
    async with start():
        await telegram.serves("setMyCommands")
    assert {"stop", "help"} <= {command["command"] for command in telegram.api.commands}
