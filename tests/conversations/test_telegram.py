"""A whole bot on Telegram, as people in its chats see it: the real SDK against the fake server, a scripted engine.

Everything is said twice, to a bot that polls and to one that is called by webhook: people see no difference.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from botcore import Chunk, Conversation, Feedback, Reply, Sampling, SettingsError, Turn, hookimpl, say, sender
from botcore.testing import Chat, ManualClock, ScriptedEngine, chatting, until
from botcore_telegram.testing import SECRET, FakeTelegram, Fault

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


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What got no answer is tried again at once: these tests run by the real clock."""
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.01)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram() as server:
        yield server


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture(params=["polling", "webhook"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


only_polling = pytest.mark.parametrize("mode", ["polling"], indirect=True)
only_webhook = pytest.mark.parametrize("mode", ["webhook"], indirect=True)


@pytest.fixture
def start(telegram: FakeTelegram, talker: Talker, tmp_path: Path, mode: Literal["polling", "webhook"]) -> Start:
    """Start the bot; again after the end of the first one, it is the same bot after a restart."""

    @asynccontextmanager
    async def starting(
        engine: ScriptedEngine | None = None, *, server: FakeTelegram = telegram, **more: Any
    ) -> AsyncIterator[Chat]:
        tables = {"channels.telegram": server.table(mode), "turn": {"drain_s": 0}}
        plugins = {"talker": talker, **more.pop("plugins", {})}
        async with chatting(tmp_path / "data", plugins=plugins, settings=tables, engine=engine, **more) as chat:
            server.reach(chat.bot.address)
            yield chat

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
        ana = slow.chat(7)
        slow.flood(retry_after=30)
        async with start(server=slow, clock=clock) as bot:
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


@only_polling
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


@only_webhook
async def test_deliveries_forged_repeated_and_out_of_order_are_answered_at_most_once(
    telegram: FakeTelegram, start: Start
) -> None:
    ana = telegram.chat(7)
    async with start():
        said = [await ana.says(text) for text in ("one", "two")]
        for text in ("one", "two"):
            await ana.hears(f"You said: {text}")
        for update in (said[1], said[0], said[1]):
            assert (await telegram.webhook.call(json.dumps(update).encode()))[0] == 200
        forged = {**said[0], "update_id": 5000}
        secret = {"X-Telegram-Bot-Api-Secret-Token": "guessed"}
        assert (await telegram.webhook.call(json.dumps(forged).encode(), secret))[0] == 401
        late = {**said[0], "update_id": 3}  # ids may restart anywhere after a week of silence
        assert (await telegram.webhook.call(json.dumps(late).encode()))[0] == 200
        await ana.hears("You said: one")
        await ana.says("three")
        await ana.hears("You said: three")
    assert [text.removeprefix("You said: ") for text in ana.texts] == ["one", "two", "one", "three"]


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


@only_polling
async def test_in_a_group_of_several_bots_each_command_is_answered_by_the_bot_that_has_it(
    telegram: FakeTelegram, start: Start
) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start():
        await team.says("/weather")
        await team.says("/help")
        await team.hears("Stop the reply")
        await team.says("/weather@botcore_bot")
        await team.hears("/weather")
    assert len(team.messages) == 2


@only_polling
async def test_a_question_about_somebody_elses_message_comes_with_it(telegram: FakeTelegram, start: Start) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start() as bot:
        said = await team.says("The pump has 3 bar.", person=8)
        await team.says("@botcore_bot is it so?", person=9, reply_to_message=said["message"])
        await team.hears("is it so?")
    assert bot.engine.prompts[-1].messages[-1].content == "is it so?\n\nThe pump has 3 bar."


@only_polling
async def test_in_a_group_all_of_a_long_reply_answers_the_question_and_another_one_the_first(
    telegram: FakeTelegram, start: Start
) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start(ScriptedEngine(f"{'one ' * 950}two")):
        asked = await team.says("@botcore_bot count")
        parts = [await team.hears("one"), await team.hears("two")]
        assert [part.reply_to for part in parts] == [asked["message"]["message_id"]] * 2
        await team.presses("🔄", person=8)
        assert (await team.hears("You said: count")).reply_to == parts[-1].id


async def test_a_moderator_who_deletes_the_placeholder_does_not_cost_the_reply(
    telegram: FakeTelegram, start: Start
) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        asked = await team.says("@botcore_bot count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await telegram.serves("editMessageText")
        team.deletes(team.messages[0])
        bot.engine.release()
        message = await team.hears("one two three")
    assert (len(team.messages), message.reply_to) == (1, asked["message"]["message_id"])


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


async def test_a_group_that_becomes_a_supergroup_goes_on_with_its_conversation(
    telegram: FakeTelegram, talker: Talker, start: Start
) -> None:
    group = telegram.chat(-100, "group")
    place = Conversation(channel="telegram", account="123456789", chat="-100", private=False)
    async with start():
        await group.says("@botcore_bot one", person=8)
        await group.hears("You said: one")
        await until(lambda: len(talker.replies) == 1)
        team = await group.becomes(-1002000)
        await telegram.confirms(telegram.updates.waiting[-1])
    async with start() as bot:
        asked = await team.says("@botcore_bot two", person=8)
        two = await team.hears("You said: two")
        await until(lambda: len(talker.replies) == 2)
        said = [entry.text for entry in await bot.bot.history(place)]
    assert said == ["one", "You said: one", "two", "You said: two"]
    assert two.reply_to == asked["message"]["message_id"]


async def test_a_reply_that_is_made_while_its_group_becomes_a_supergroup_arrives_there(
    telegram: FakeTelegram, start: Start
) -> None:
    group = telegram.chat(-100, "group")
    async with start() as bot:
        bot.engine.hold()
        await group.says("@botcore_bot count", person=8)
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await until(lambda: group.texts)
        team = await group.becomes(-1002000)
        bot.engine.release()
        await team.hears("You said: count")
    assert len(group.messages) == 1


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


async def test_a_mention_that_was_forgotten_may_come_by_an_edit(telegram: FakeTelegram, start: Start) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start() as bot:
        asked = await team.says("hi", person=8)
        for text in ("@botcore_bot hi", "@botcore_bot hi!"):
            await telegram.confirms((await team.rewrites(asked, text))["update_id"])
            if text.endswith("hi"):
                reply = await team.hears("You said: hi")
        assert len(bot.engine.prompts) == 1
    assert reply.reply_to == asked["message"]["message_id"]


async def test_an_edit_in_a_supergroup_goes_on_with_the_conversation_of_its_group(
    telegram: FakeTelegram, talker: Talker, start: Start
) -> None:
    group = telegram.chat(-100, "group")
    async with start():
        team = await group.becomes(-1002000)
        await team.rewrites(await team.says("hi", person=8), "@botcore_bot hi")
        await team.hears("You said: hi")
        await until(lambda: talker.replies)
    assert talker.replies[0].conversation.chat == "-100"


async def test_a_judgement_finds_the_reply(telegram: FakeTelegram, talker: Talker, start: Start) -> None:
    ana = telegram.chat(7)
    async with start():
        await ana.says("hi")
        await ana.hears("hi")
        await ana.presses("👍")
        await until(lambda: talker.judged)
    assert (talker.judged[0].reply, talker.judged[0].value) == (talker.replies[0].id, 1)


async def test_a_thumb_down_and_its_reason_are_one_verdict(
    telegram: FakeTelegram, talker: Talker, start: Start
) -> None:
    team = telegram.chat(-100, "supergroup")
    async with start():
        await team.says("@botcore_bot hi", person=8)
        await team.hears("hi")
        await team.presses("👎", person=8)
        await team.presses("Missed the question", person=8)
        await team.presses("👍", person=9)
        await until(lambda: len(talker.judged) == 3)
        assert len(await team.pops_up(3)) == 3
    final = {judged.person.id: (judged.value, judged.reasons) for judged in talker.judged}
    assert final == {"8": (-1, ("ignored",)), "9": (1, ())}
    assert {judged.reply for judged in talker.judged} == {talker.replies[0].id}


@pytest.mark.parametrize("chat", [7, -100], ids=["private", "group"])
async def test_the_question_is_answered_again(telegram: FakeTelegram, talker: Talker, start: Start, chat: int) -> None:
    here = telegram.chat(chat, "private" if chat > 0 else "supergroup")
    async with start(ScriptedEngine("a first answer", "a second answer")):
        await here.says("@botcore_bot tell me")
        await here.hears("a first answer")
        await here.presses("🔄")
        message = await here.hears("a second answer")
        await until(lambda: len(talker.replies) == 2)
    first, second = talker.replies
    assert (second.again, message.buttons) == (first.id, ["👍", "👎", "🔄"])


class Reader:
    """Reads every document aloud, in its own time."""

    def __init__(self) -> None:
        self.rested = asyncio.Event()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        if not turn.message.attachments:
            return None
        turn.progress("Reading …")
        await self.rested.wait()
        async with turn.file(turn.message.attachments[0], limit=1000) as path:
            return say(f"{turn.message.attachments[0].name} says: {path.read_text()}")


async def test_a_document_reaches_a_plugin_as_a_file(telegram: FakeTelegram, start: Start) -> None:
    ana, reader = telegram.chat(7), Reader()
    async with start(plugins={"talker": reader}):
        await ana.uploads("notes.txt", b"The lamp is red.", "What colour is the lamp?")
        await until(lambda: "Reading …" in [text for _, text in ana.drafts])
        reader.rested.set()
        await ana.hears("notes.txt says: The lamp is red.")


async def test_no_secret_nor_half_of_one_is_logged_in_a_whole_conversation(
    telegram: FakeTelegram, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("botcore", "botcore_telegram", "telegram", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    ana = telegram.chat(7)
    telegram.fail("sendMessage", Fault.cut(executed=False))
    telegram.fail("download", Fault.broken(500))
    async with start():
        await ana.says("hi")
        await ana.hears("hi")
        await ana.uploads("notes.txt", b"x", "read this")
        await ana.hears("read this")
        await ana.presses("👎")
        await ana.pops_up()
        await ana.presses("🔄")
        await ana.pops_up(2)
    assert "telegram" in caplog.text
    for secret in (telegram.token.partition(":")[2], SECRET):
        half = len(secret) // 2
        assert secret[:half] not in caplog.text
        assert secret[half:] not in caplog.text


async def test_a_wrong_webhook_secret_is_one_line_with_the_next_step(tmp_path: Path) -> None:
    table = {"token": "123456789:" + "a" * 35, "mode": "webhook", "webhook_url": "https://bot.example.org"}
    for secret in ("", "short but wrong!"):
        with pytest.raises(SettingsError, match="openssl rand -hex 32") as caught:
            async with chatting(tmp_path, settings={"channels.telegram": {**table, "webhook_secret": secret}}):
                pass
        assert "a" * 20 not in str(caught.value)
        assert not secret or secret not in str(caught.value)


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
