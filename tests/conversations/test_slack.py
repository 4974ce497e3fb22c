"""A whole bot on Slack, as people in its channels see it: the real SDK against the fake server, a scripted engine."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from botcore import Chunk, Citation, Feedback, Reply, Sampling, Turn, hookimpl, sender
from botcore.testing import Chat, ManualClock, ScriptedEngine, chatting, until
from botcore_slack import errors
from botcore_slack.testing import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, FakeSlack, Fault

Start = Callable[..., AbstractAsyncContextManager[Chat]]
SOURCE = Citation(number=1, title="The Guide", page=12, snippet="The answer is 42.", source="guide.pdf")


class Talker:
    """Hands every message to the engine, reads files, and keeps the judgements."""

    def __init__(self) -> None:
        self.judged: list[Feedback] = []
        self.replies: list[Reply] = []

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        turn.recalled.history = await turn.history()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._read(turn) if turn.message.attachments else self._answer(turn)

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        self.replies.append(reply)

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        self.judged.append(feedback)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        async for delta in turn.generate(await turn.prompt("Be kind."), Sampling(max_tokens=20_000)):
            yield Chunk(text=delta.text)

    async def _read(self, turn: Turn) -> AsyncIterator[Chunk]:
        async with turn.file(turn.message.attachments[0], limit=1000) as path:
            yield Chunk(text=f"It says {path.read_text()} [1].", citations=(SOURCE,))


ONE_WAY_IN = pytest.mark.parametrize("slack", ["socket"], indirect=True)
"""For what is about the way out."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What got no answer, or is to wait, is tried again at once: these tests run by the real clock."""
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.01)
    monkeypatch.setattr(errors, "NOT_SENT_PAUSE_S", (0.01, 300.0))


@pytest.fixture(params=["socket", "events"])
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(mode=request.param) as server:
        yield server


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def start(slack: FakeSlack, talker: Talker, tmp_path: Path) -> Start:
    """Start the bot, connected; again after the end of the first one, it is the same bot after a restart."""

    @asynccontextmanager
    async def starting(engine: ScriptedEngine | None = None, **more: Any) -> AsyncIterator[Chat]:
        tables = {"channels.slack": slack.table(**more.pop("channel", {})), "turn": {"drain_s": 0}}
        async with chatting(
            tmp_path / "data", plugins={"talker": talker}, settings=tables, engine=engine, **more
        ) as bot:
            slack.posts_to(f"{bot.bot.address}/hooks/slack")
            await until(lambda: bot.bot.health()["slack"] == "ok")
            yield bot

    return starting


# ------------------------------------------------------------------ talking


async def test_a_direct_message_is_answered_below_it(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start(ScriptedEngine("Hello **Ana** & all")):
        await ana.says("hi")
        message = await ana.hears("Hello **Ana** & all")
    assert message.blocks[0] == {"type": "markdown", "text": "Hello **Ana** & all"}
    assert (message.thread, message.notification) == ("", "Hello **Ana** &amp; all")


async def test_a_mention_is_answered_in_a_thread_and_only_once(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start() as bot:
        await ben.says("not for the bot")
        asked = await ben.says("@botcore hi")
        message = await ben.hears("You said: hi")
        await slack.receives(*asked.deliveries)
        assert len(bot.engine.prompts) == 1
    assert (message.thread, len(ben.messages)) == (asked.ts, 1)


async def test_a_mention_that_was_forgotten_may_come_by_an_edit(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start() as bot:
        asked = await ben.says("hi")
        await slack.receives(await ben.rewrites(asked, "@botcore hi"))
        assert (await ben.hears("You said: hi")).thread == asked.ts
        assert len(bot.engine.prompts) == 1


async def test_a_mention_that_comes_by_an_edit_while_its_question_runs_is_an_edit(
    slack: FakeSlack, start: Start
) -> None:
    ben = slack.channel("C1").person("U2")
    async with start() as bot:
        asked = await ben.says("@botcore hi")
        await ben.hears("You said: hi")
        bot.engine.hold()
        more = await ben.says("and tehn?", thread=asked.ts)
        await until(lambda: bot.engine.open == 1)
        await slack.receives(await ben.rewrites(more, "@botcore and then?"))
        await until(lambda: bot.engine.open == 0)
        bot.engine.release()
        await ben.hears("and then?")
        assert len(bot.engine.prompts) == 3


async def test_in_its_thread_the_bot_needs_no_mention_and_elsewhere_it_does(slack: FakeSlack, start: Start) -> None:
    team = slack.channel("C1")
    ben, cleo = team.person("U2"), team.person("U3")
    async with start() as bot:
        asked = await ben.says("@botcore hi")
        await ben.hears("You said: hi")
        other = await cleo.says("lunch?")
        await cleo.says("pizza", thread=other.ts)
        await cleo.says("and you?", thread=asked.ts)
        assert (await cleo.hears("You said: and you?")).thread == asked.ts
    async with start():  # it is known after a restart, too
        await ben.says("still there?", thread=asked.ts)
        await ben.hears("You said: still there?")
    assert len(bot.engine.prompts) == 2
    assert len(team.messages) == 3


async def test_where_only_mentions_count_a_thread_is_left_alone(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start(channel={"thread_mode": "mentioned"}):
        asked = await ben.says("@botcore hi")
        await ben.hears("hi")
        await ben.says("thanks", thread=asked.ts)
        await ben.says("@botcore more", thread=asked.ts)
        await ben.hears("You said: more")
    assert len(ben.messages) == 2


async def test_the_bots_own_words_come_back_and_are_not_answered(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start() as bot:
        await ben.says("@botcore hi")
        await ben.hears("hi")
        await until(lambda: [one for one in slack.deliveries if one.payload.get("event", {}).get("bot_id")])
        await slack.receives(*slack.deliveries)
        assert len(bot.engine.prompts) == 1
    assert len(ben.messages) == 1


async def test_one_chat_keeps_its_order(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start():
        for number in range(3):
            await slack.receives(*(await ana.says(f"number {number}")).deliveries)
        for number in range(3):
            await ana.hears(f"number {number}")
    assert ana.texts == [f"You said: number {number}" for number in range(3)]


@ONE_WAY_IN
async def test_two_chats_do_not_wait_for_each_other(slack: FakeSlack, start: Start) -> None:
    ana, ben = slack.dm("U1"), slack.dm("U2")
    async with start(), slack.hold("chat.postMessage", "D1") as gate:
        await ana.says("from ana")
        await gate.reached()
        await ben.says("from ben")
        await ben.hears("from ben")
        assert ana.messages == []
        gate.open()
        await ana.hears("from ana")


@pytest.mark.parametrize("stop", ["!stop", " /stop"])
async def test_stop_ends_the_reply_and_frees_the_engine(slack: FakeSlack, start: Start, stop: str) -> None:
    ana = slack.dm("U1")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ana.says("count")
        await until(lambda: bot.engine.open == 1)
        await ana.says(stop)
        await until(lambda: bot.engine.open == 0)
        await ana.hears("Stopped.")
        bot.engine.release()
        await ana.says("and now")
        await ana.hears("and now")


async def test_an_edited_question_is_answered_instead(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start() as bot:
        bot.engine.hold()
        await ana.says("first")
        await until(lambda: bot.engine.open == 1)
        second, third = await ana.says("secnod"), await ana.says("third")
        # Two sockets keep no order between them; nobody edits what Slack has not delivered yet.
        await slack.receives(*second.deliveries, *third.deliveries)
        await slack.receives(await ana.rewrites(second, "second"), await ana.deletes(third))
        bot.engine.release()
        await ana.hears("You said: first")
        await ana.hears("You said: second")
    assert len(ana.messages) == 2


# ------------------------------------------------------------------ growing replies


async def test_in_a_thread_the_reply_grows(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ben.says("@botcore count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await slack.serves("chat.appendStream")
        [message] = ben.messages
        assert (message.text, message.streaming) == ("one", True)
        bot.engine.release()
        assert await ben.hears("one two three") is message
    assert message.buttons == ["botcore_thumbs", "botcore_again"]
    assert (len(ben.messages), slack.executed["chat.postMessage"]) == (1, 0)


async def test_in_direct_messages_a_placeholder_becomes_the_reply(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ana.says("count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await slack.serves("chat.update")
        assert [text.strip() for text in ana.texts] == ["one"]
        bot.engine.release()
        await ana.hears("one two three")
    assert len(ana.messages) == 1


@ONE_WAY_IN
@pytest.mark.parametrize("trouble", ["refused", "expired", "lost"])
async def test_where_a_stream_fails_the_message_is_edited(slack: FakeSlack, start: Start, trouble: str) -> None:
    ben = slack.channel("C1").person("U2")
    slack.api.streams_allowed = trouble != "refused"
    if trouble == "lost":
        slack.fail("chat.appendStream", Fault.cut(executed=True))
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ben.says("@botcore count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await until(lambda: any("one" in text for text in ben.texts))
        if trouble == "expired":
            slack.expire_streams()
        bot.engine.release()
        await ben.hears("one two three")
    assert [message.text for message in ben.messages] == ["one two three"]


@ONE_WAY_IN
async def test_a_long_reply_comes_in_parts_in_order(slack: FakeSlack, start: Start) -> None:
    ben, words = slack.channel("C1").person("U2"), " ".join(f"word{number}" for number in range(7000))
    assert len(words) > 60_000
    async with start(ScriptedEngine(words), channel={"sends_per_second_per_chat": 50}):
        await ben.says("@botcore long please")
        last = await ben.hears("word6999")
    assert " ".join(ben.texts).split() == words.split()
    assert [bool(message.buttons) for message in ben.messages] == [False] * (len(ben.messages) - 1) + [True]
    assert {message.thread for message in ben.messages} == {last.thread}


@ONE_WAY_IN
async def test_whatever_the_model_writes_nobody_is_called(slack: FakeSlack, start: Start) -> None:
    ben, evil = slack.channel("C1").person("U2"), "Hey <!channel> and <@U2>, see <#C1> <!subteam^S1>"
    async with start(ScriptedEngine(evil)) as bot:
        bot.engine.hold()
        await ben.says("@botcore call everybody")
        await until(lambda: bot.engine.open == 1)
        for _ in range(3):
            bot.engine.step()
        await slack.serves("chat.startStream")
        bot.engine.release()
        await ben.hears("Hey")
        await slack.dm("U1").says("me too")
        await slack.dm("U1").hears("")
    assert slack.api.called == []


# ------------------------------------------------------------------ verdicts


async def test_a_thumb_finds_the_reply(slack: FakeSlack, talker: Talker, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start():
        await ben.says("@botcore hi")
        await ben.thumbs_up(await ben.hears("hi"))
        await until(lambda: talker.judged)
    [judged] = talker.judged
    assert (judged.reply, judged.value, judged.person.name) == (talker.replies[0].id, 1, "person2")
    assert slack.executed["views.open"] == 0


async def test_a_thumb_down_asks_why_and_the_answers_join_it(slack: FakeSlack, talker: Talker, start: Start) -> None:
    ana = slack.dm("U1")
    async with start():
        await ana.says("hi")
        await ana.thumbs_down(await ana.hears("hi"))
        form = await ana.form()
        await ana.submits(form, reasons=("wrong", "style"), comment="It is 42.", correction="42")
        await until(lambda: len(talker.judged) == 2)
    first, second = talker.judged
    assert (first.value, first.reasons) == (-1, ())
    assert (second.value, second.reasons, second.comment, second.correction) == (
        -1,
        ("wrong", "style"),
        "It is 42.",
        "42",
    )
    assert first.reply == second.reply == talker.replies[0].id


async def test_a_form_that_does_not_open_costs_no_verdict(slack: FakeSlack, talker: Talker, start: Start) -> None:
    ana = slack.dm("U1")
    slack.fail("views.open", Fault.refused("expired_trigger_id"))
    async with start():
        await ana.says("hi")
        await ana.thumbs_down(await ana.hears("hi"))
        await until(lambda: talker.judged)
        await ana.says("next")
        await ana.hears("next")
    assert talker.judged[0].value == -1


async def test_again_answers_the_question_anew(slack: FakeSlack, talker: Talker, start: Start) -> None:
    ben = slack.channel("C1").person("U2")
    async with start(ScriptedEngine("first try", "second try")):
        await ben.says("@botcore a story")
        first = await ben.hears("first try")
        pressed = await ben.again(first)
        second = await ben.hears("second try")
        await slack.again(pressed)
        await slack.receives(pressed)
        await until(lambda: len(talker.replies) > 1)
    assert second.thread == first.thread
    assert (len(talker.replies), talker.replies[1].again) == (2, talker.replies[0].id)


async def test_a_token_that_was_revoked_is_in_the_log_when_a_reply_meets_it(
    slack: FakeSlack, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    ana = slack.dm("U1")
    async with start():
        slack.fail("chat.postMessage", Fault.refused("token_revoked"))
        await ana.says("hi")
        await until(lambda: "slack: a message waits 60 s: Slack says: token_revoked" in caplog.text)


async def test_who_is_of_another_workspace_reads_another_answer_as_it_grows(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2", team="T2")
    async with start(ScriptedEngine("first try", "second try")):
        await ben.says("@botcore a story")
        await ben.again(await ben.hears("first try"))
        second = await ben.hears("second try")
    assert [message.streamed for message in (ben.messages[0], second)] == [True, True]


# ------------------------------------------------------------------ files


async def test_a_file_from_another_workspace_is_read_as_any_other(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2", team="T2")
    async with start():
        await ben.uploads("guide.txt", b"forty-two", "@botcore What does it say?", media_type="text/plain")
        await ben.hears("It says forty-two [1].")


async def test_a_file_comes_along_where_an_edit_adds_the_mention(slack: FakeSlack, start: Start) -> None:
    ben = slack.channel("C1").person("U2", team="T2")
    async with start():
        said = await ben.uploads("guide.txt", b"forty-two", "What does it say?", media_type="text/plain")
        await ben.rewrites(said, "@botcore What does it say?")
        await ben.hears("It says forty-two [1].")


async def test_a_file_is_read_and_quoted_with_its_page(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start():
        await ana.uploads("guide.txt", b"forty-two", "What does it say?", media_type="text/plain")
        message = await ana.hears("It says forty-two [1].")
    assert message.sources == "*Sources*\n[1] The Guide, p. 12 — The answer is 42."
    assert len(slack.downloads) == 1


# ------------------------------------------------------------------ when things go wrong


async def test_a_repeated_delivery_is_answered_once(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start() as bot:
        said = await ana.says("hi")
        await ana.hears("hi")
        await slack.again(said.deliveries[0])
        await ana.says("next")
        await ana.hears("next")
        assert len(bot.engine.prompts) == 2


async def test_a_restart_loses_nothing(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    async with start() as bot:
        bot.engine.hold()
        await ana.says("running")
        await until(lambda: bot.engine.open == 1)
        await slack.receives(*(await ana.says("waiting")).deliveries)
    away = await ana.says("while away")
    async with start():
        if not away.received and slack.mode == "events":
            await slack.again(away.deliveries[0])
        for text in ("running", "waiting", "while away"):
            await ana.hears(f"You said: {text}")


@pytest.mark.parametrize("where", ["thread", "direct"])
async def test_after_a_restart_in_mid_reply_the_same_message_goes_on(
    slack: FakeSlack, start: Start, where: str
) -> None:
    ben = slack.channel("C1").person("U2") if where == "thread" else slack.dm("U2")
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ben.says("@botcore count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        await until(lambda: any("one" in text for text in ben.texts))
    async with start(ScriptedEngine("four five")):
        await ben.hears("four five")
    assert [message.text for message in ben.messages] == ["four five"]


@ONE_WAY_IN
@pytest.mark.parametrize(
    "fault",
    [
        Fault.cut(executed=True),
        Fault.broken(500, executed=True),
        Fault.refused("internal_error"),
        Fault.cut(executed=False),
        Fault.broken(502, html=True),
        Fault.flood(0.1),
    ],
)
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "chat.startStream", "chat.stopStream"])
async def test_whatever_happens_to_a_send_it_is_read_exactly_once(
    slack: FakeSlack, start: Start, fault: Fault, method: str
) -> None:
    ben = slack.channel("C1").person("U2") if "Stream" in method else slack.dm("U2")
    slack.fail(method, fault)
    async with start(ScriptedEngine("one two three")) as bot:
        bot.engine.hold()
        await ben.says("@botcore count")
        await until(lambda: bot.engine.open == 1)
        bot.engine.step()
        if method != "chat.postMessage":
            await until(lambda: ben.messages)
        bot.engine.release()
        await ben.hears("one two three")
    assert [message.text for message in ben.messages] == ["one two three"]


async def test_no_secret_nor_half_of_one_is_logged_in_a_whole_conversation(
    slack: FakeSlack, talker: Talker, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("botcore", "botcore_slack", "slack_sdk", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    ben = slack.channel("C1").person("U2")
    slack.fail("chat.stopStream", Fault.cut(executed=False))
    slack.fail("files", Fault.broken(500))
    async with start():
        asked = await ben.says("@botcore hi")
        reply = await ben.hears("hi")
        await ben.uploads("notes.txt", b"x", "@botcore read this", thread=asked.ts)
        await ben.hears("")
        await ben.thumbs_down(reply)
        await ben.submits(await ben.form(), comment="no")
        await ben.again(reply)
        await until(lambda: len(talker.judged) == 2 and len(talker.replies) >= 2)
    assert "slack" in caplog.text
    for secret in (BOT_TOKEN, APP_TOKEN, SIGNING_SECRET):
        half = len(secret) // 2
        assert secret[:half] not in caplog.text
        assert secret[half:] not in caplog.text
    assert "ticket-" not in caplog.text, "who has a socket's ticket may listen in our place"


@ONE_WAY_IN
async def test_a_flood_limit_is_waited_out(slack: FakeSlack, start: Start) -> None:
    clock = ManualClock()
    ana = slack.dm("U1")
    slack.clock = clock
    slack.flood(retry_after=30)
    async with start(clock=clock) as bot:
        await ana.says("hi")
        await until(lambda: b'result="retry"' in bot.bot.metrics.render())
        await clock.advance(29)
        assert ana.messages == []
        await clock.advance(1.5)
        await until(lambda: ana.messages)  # the placeholder
        await clock.advance(5)
        await ana.hears("You said: hi")
    refused, sent, *_ = [at for method, at in slack.received if method == "chat.postMessage"]
    assert sent - refused >= 30


@ONE_WAY_IN
async def test_a_channel_that_is_archived_costs_one_message_and_no_more(slack: FakeSlack, start: Start) -> None:
    ana = slack.dm("U1")
    gone = Fault.refused("is_archived")
    slack.fail("chat.postMessage", gone, gone)  # the placeholder, then the reply
    async with start():
        await slack.receives(*(await ana.says("one")).deliveries)
        await ana.says("two")
        await ana.hears("two")
    assert ana.texts == ["You said: two"]
