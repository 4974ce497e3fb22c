"""One message's life, as a person sees it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from botcore import (
    Capabilities,
    Chunk,
    Conversation,
    Draft,
    EngineRejected,
    EngineUnavailable,
    Message,
    Part,
    PromptMessage,
    PromptTooLong,
    Refusal,
    Rejected,
    Retry,
    Sampling,
    Turn,
    Unknown,
    hookimpl,
    say,
)
from botcore.engine.remote import Remote, RemoteEngine
from botcore.sender import RESEND_AFTER_S
from botcore.testing import Chat, LoopbackChannel, ManualClock, ScriptedEngine, chatting, until
from botcore.testing.openai_server import FakeOpenAI
from botcore.turn import LET_OTHERS


class Talker:
    """Hands every message to the engine, with the conversation so far."""

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        turn.recalled.history = await turn.history()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer(turn)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        prompt = await turn.prompt("Be kind.")
        async for delta in turn.generate(prompt, Sampling(max_tokens=100)):
            yield Chunk(text=delta.text)


@pytest.fixture
def chat_plugins() -> Mapping[str, object]:
    return {"talker": Talker()}


async def test_a_message_is_answered(chat: Chat) -> None:
    chat.engine.say("hello Ana")
    await chat.says("hi")
    assert await chat.hears() == "hello Ana"


async def test_the_prompt_carries_what_was_said_before(chat: Chat) -> None:
    chat.engine.say("hello", "Ana")
    await chat.says("I am Ana")
    await chat.hears("hello")
    await chat.says("who am I?")
    await chat.hears("Ana")
    roles = [(message.role, message.content) for message in chat.engine.prompts[-1].messages]
    assert roles == [("system", "Be kind."), ("user", "I am Ana"), ("assistant", "hello"), ("user", "who am I?")]


async def test_the_same_delivery_twice_is_one_message(chat: Chat) -> None:
    chat.engine.say("once", "twice")
    first = await chat.says("hi", event_id="e1")
    await chat.hears("once")
    again = await chat.says("hi", event_id="e1")
    assert (again.id, again.duplicate) == (first.id, True)
    await chat.says("next")
    await chat.hears("twice")


async def test_one_chat_keeps_its_order(chat: Chat) -> None:
    for text in ("1", "2", "3"):
        await chat.says(text)
    assert [await chat.hears() for _ in range(3)] == ["You said: 1", "You said: 2", "You said: 3"]


async def test_two_chats_do_not_wait_for_each_other(chat: Chat) -> None:
    ben = chat.with_("ben")
    chat.engine.hold()
    await chat.says("slow one")
    await until(lambda: chat.engine.open == 1)
    await ben.says("quick one")
    await until(lambda: chat.engine.open == 2)
    chat.engine.release()
    await ben.hears()
    await chat.hears()


async def test_stop_ends_the_reply_with_what_was_said_and_frees_the_engine(chat: Chat) -> None:
    chat.channel.can = Capabilities(progress="draft", progress_every=0.01)
    chat.engine.say("one two three four")
    chat.engine.hold()
    await chat.says("count")
    await until(lambda: chat.engine.open == 1)
    chat.engine.step(2)
    await until(lambda: any("two" in draft.text for draft in chat.channel.drafts))
    await chat.says("/stop")
    assert await chat.hears("one two") == "one two\n\nStopped."
    assert chat.engine.open == 0
    assert [(reply.outcome, reply.text) for reply in await chat.replies()] == [("stopped", "one two")]


async def test_after_a_stop_the_next_message_is_answered(chat: Chat) -> None:
    chat.engine.say("never heard", "fine")
    chat.engine.hold()
    await chat.says("first")
    await until(lambda: chat.engine.open == 1)
    await chat.says("/stop")
    await chat.hears("Stopped.")
    chat.engine.release()
    await chat.says("second")
    await chat.hears("fine")


async def test_help_lists_the_commands(chat: Chat) -> None:
    await chat.says("/help")
    await chat.hears("`/stop`")


@pytest.mark.parametrize("text", ["/tabel for two", "/tabel", "/tabel@bot for two"])
async def test_a_command_that_nobody_knows_is_told_as_that(tmp_path: Path, text: str) -> None:
    async with chatting(tmp_path) as chat:
        await chat.says(text)
        assert await chat.hears() == "There is no command /tabel; /help lists them."
        assert [reply.outcome for reply in await chat.replies()] == ["answered"]


async def test_a_plugin_that_reads_such_texts_itself_comes_first(chat: Chat) -> None:
    await chat.says("/nothing of the kind")
    await chat.hears("You said: /nothing of the kind")


async def test_a_reply_can_be_traced_to_its_prompt(chat: Chat) -> None:
    chat.engine.say("because")
    await chat.says("why?")
    await chat.hears("because")
    reply = (await chat.replies())[0]
    trace = await chat.bot.trace(reply.id)
    assert trace
    assert trace["prompt"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "why?"}]
    assert trace["plugin"] == "talker"
    assert reply.model == "scripted"


async def test_an_engine_that_refuses_is_told_to_the_person(chat: Chat) -> None:
    chat.engine.say(EngineRejected("the server says no"))
    await chat.says("hi")
    await chat.hears("the server says no")
    assert [reply.outcome for reply in await chat.replies()] == ["failed"]


async def test_an_engine_that_dies_before_the_first_word_is_tried_again(chat: Chat) -> None:
    chat.engine.say(EngineUnavailable("gone"), "here I am")
    await chat.says("hi")
    await chat.hears("here I am")


async def test_a_message_waits_for_a_server_that_is_started_again(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "e.sock"
    engine: Any = RemoteEngine(Remote(base_url=f"unix://{path}"), clock=clock)
    async with chatting(tmp_path, plugins={"talker": Talker()}, engine=engine, clock=clock) as chat:
        async with FakeOpenAI(socket=path):
            await clock.advance(1)
            await until(lambda: engine.status.stage == "ready")
        await chat.says("hi")
        await until(lambda: engine.status.stage == "model")
        async with FakeOpenAI(socket=path):
            await clock.advance(1)
            await chat.hears("one two three")


async def test_an_engine_that_dies_in_mid_reply_ends_it_as_failed_with_what_there_was(chat: Chat) -> None:
    chat.engine.die_after(2, "one two three")
    await chat.says("hi")
    heard = await chat.hears("one two")
    assert "three" not in heard
    assert [reply.outcome for reply in await chat.replies()] == ["failed"]


async def test_a_prompt_that_is_too_long_is_tried_with_less_history(chat: Chat) -> None:
    for n in range(3):
        await chat.says(f"line {n}")
        await chat.hears()
    before = len(chat.engine.prompts)
    chat.engine.say(PromptTooLong(), "short enough")
    await chat.says("and now?")
    await chat.hears("short enough")
    long, short = (len(prompt.messages) for prompt in chat.engine.prompts[before:])
    assert short < long


async def test_while_the_engine_starts_the_turn_waits_and_says_so(chat: Chat) -> None:
    chat.engine.set_status(stage="model", progress=0.5)
    await chat.says("hi")
    await until(lambda: any(draft.phase == "waiting" for draft in chat.channel.drafts))
    assert "loading its model (50%)" in chat.channel.drafts[-1].note
    chat.engine.set_status(stage="ready", progress=None)
    await chat.hears("You said: hi")


async def test_an_engine_that_cannot_come_says_why(chat: Chat) -> None:
    chat.engine.set_status(stage="failed", detail="no memory; close something")
    await chat.says("hi")
    await chat.hears("no memory; close something")


@pytest.mark.parametrize("known_before", [True, False])
async def test_people_do_not_read_where_the_engine_is_and_the_log_keeps_it(
    chat: Chat, known_before: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reason = "the engine at http://10.0.0.3:8000/v1 cannot be reached: Connection refused"
    if known_before:
        chat.engine.set_status(stage="failed", detail=f"{reason}; next look in 8 s")
    chat.engine.say(EngineUnavailable(reason), EngineUnavailable(reason))
    await chat.says("hi")
    heard = await chat.hears("the engine cannot be reached: Connection refused")
    assert "10.0.0.3" not in heard
    assert heard.endswith("Please ask again later.")
    assert reason in caplog.text


async def test_a_message_that_is_too_long_is_refused_with_the_numbers(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"talker": Talker()}, settings={"turn": {"text_limit": 10}}) as chat:
        await chat.says("x" * 11)
        await chat.hears("11 of 10 characters")


async def test_a_request_with_its_own_context_uses_no_stored_history(chat: Chat) -> None:
    await chat.says("remember the sea")
    await chat.hears()
    context = (PromptMessage(role="user", content="a"), PromptMessage(role="assistant", content="b"))
    await chat.says("c", context=context, sampling=Sampling(temperature=0))
    await chat.hears()
    assert [message.content for message in chat.engine.prompts[-1].messages] == ["Be kind.", "a", "b", "c"]
    assert chat.engine.samplings[-1].temperature == 0


class Bouncer:
    @hookimpl
    async def admit(self, turn: Turn) -> Refusal | None:
        return Refusal(notice="Not today.", reason="closed") if "party" in turn.message.text else None


async def test_a_refusal_ends_the_turn_before_the_engine_is_asked(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"bouncer": Bouncer(), "talker": Talker()}) as chat:
        await chat.says("party?")
        await chat.hears("Not today.")
        assert chat.engine.prompts == []
        assert [reply.outcome for reply in await chat.replies()] == ["refused"]


async def test_with_nobody_to_answer_the_person_is_told(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.says("anybody?")
        await chat.hears("Nothing here knows")


class Faulty:
    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer()

    async def _answer(self) -> AsyncIterator[Chunk]:
        yield Chunk(text="well")
        raise RuntimeError("secret detail")


async def test_a_plugin_that_breaks_in_mid_reply_shows_no_detail(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"faulty": Faulty()}) as chat:
        await chat.says("hi")
        heard = await chat.hears("well")
        assert "secret detail" not in heard
        assert "Something went wrong" in heard


async def test_what_was_accepted_before_a_crash_is_answered_after_it(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    engine.hold()
    plugins = {"talker": Talker()}
    async with chatting(tmp_path, plugins=plugins, engine=engine, settings={"turn": {"drain_s": 0}}) as chat:
        await chat.says("are you there?")
        await until(lambda: engine.open == 1)
    async with chatting(tmp_path, plugins=plugins) as chat:
        await chat.hears("You said: are you there?")


async def test_a_long_reply_comes_in_parts_in_order(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(40))
    channel = LoopbackChannel(Capabilities(progress="draft", text_limit=60, sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel) as chat:
        chat.engine.say(words)
        await chat.says("go on")
        heard = ""
        while len(heard.split()) < 40:
            heard += " " + await chat.hears()
        assert heard.split() == words.split()


async def test_half_a_character_does_not_cost_the_reply(tmp_path: Path) -> None:
    class Halves:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return say("cut \ud83d here")

    channel = LoopbackChannel(Capabilities(progress="draft", text_unit="utf16", sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"halves": Halves()}, channel=channel) as chat:
        await chat.says("hi")
        await chat.hears("cut \ufffd here")


async def test_a_stream_that_never_waits_lets_others_run(tmp_path: Path) -> None:
    class Restless:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self._answer()

        async def _answer(self) -> AsyncIterator[Chunk]:
            others = asyncio.Event()
            asyncio.get_running_loop().call_soon(others.set)
            for _ in range(2 * LET_OTHERS):
                yield Chunk(text="." if not others.is_set() else "others ran")

    async with chatting(tmp_path, plugins={"restless": Restless()}) as chat:
        await chat.says("hi")
        await chat.hears("others ran")


async def test_a_plugins_own_time_out_is_not_said_to_be_the_turns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Impatient:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self._answer()

        async def _answer(self) -> AsyncIterator[Chunk]:
            yield Chunk(text="The weather: ")
            raise TimeoutError("the weather service does not answer")

    async with chatting(tmp_path, plugins={"impatient": Impatient()}) as chat:
        await chat.says("hi")
        assert "longer than" not in await chat.hears("the operator's log says what")
    assert "the weather service does not answer" in caplog.text


async def test_a_stream_that_awaits_what_its_plugin_has_ended_fails_and_is_not_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Lazy:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self._answer()

        async def _answer(self) -> AsyncIterator[Chunk]:
            yield Chunk(text="so ")
            job: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            job.cancel()
            yield Chunk(text=await job)

    async with chatting(tmp_path, plugins={"lazy": Lazy()}) as chat:
        await chat.says("hi")
        await chat.hears("the operator's log says what")
        assert [reply.outcome for reply in await chat.replies()] == ["failed"]
    assert "in _answer" in caplog.text


async def test_of_a_reply_that_was_taken_away_no_preview_stays(chat: Chat) -> None:
    chat.engine.hold()
    await chat.says("hi")
    await until(lambda: chat.engine.open)
    chat.engine.step()
    await until(lambda: chat.channel.drafts)
    await chat.bot.forget(chat.conversation)
    chat.engine.release()
    await until(lambda: chat.channel.drafts[-1].phase == "final")
    await chat.hears_nothing()


async def test_in_a_group_the_placeholder_becomes_the_reply(tmp_path: Path) -> None:
    channel = LoopbackChannel(Capabilities(progress="anchor", sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel) as chat:
        chat.engine.say("the whole reply")
        await chat.says("hi")
        await chat.hears("…")
        await chat.hears("the whole reply")
        assert len(channel.sent) == 1
        assert channel.texts == {"m1": "the whole reply"}


async def test_a_reply_whose_placeholder_was_deleted_is_a_message_of_its_own(tmp_path: Path) -> None:
    channel = LoopbackChannel(Capabilities(progress="anchor", sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel) as chat:
        chat.engine.say("the whole reply")
        chat.engine.hold()
        await chat.says("hi")
        chat.engine.step()
        await chat.hears("…")
        channel.texts.clear()
        chat.engine.release()
        await chat.hears("the whole reply")
        assert channel.texts == {"m2": "the whole reply"}


async def test_a_pull_channel_gets_the_committed_reply_and_no_outbox(tmp_path: Path) -> None:
    channel = LoopbackChannel(Capabilities(progress="pull", progress_every=0))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel) as chat:
        await chat.says("hi")
        await chat.hears("You said: hi")
        assert channel.sent == []
        assert channel.drafts[-1].phase == "final"


async def test_a_send_of_unknown_outcome_is_repeated_once_and_never_twice(tmp_path: Path) -> None:
    clock = ManualClock()
    async with chatting(tmp_path, plugins={"talker": Talker()}, clock=clock) as chat:
        chat.channel.lost_answers.extend([Unknown("reset"), Unknown("reset")])
        await chat.says("hi")
        await until(lambda: len(chat.channel.sent) == 1)
        await uncertain(chat, clock)
        await until(lambda: len(chat.channel.sent) == 2)
        await chat.says("still there?")
        await chat.hears("still there?")
        assert [part.text for part in chat.channel.sent].count("You said: hi") == 2


async def uncertain(chat: Chat, clock: ManualClock) -> None:
    """Wait as long as the bot does before it tries again what got no answer."""
    database = chat.bot.database
    while not (await database.counts())["uncertain"]:
        pass  # each look takes its time
    await database.write(lambda _: None)  # the bot has heard of its own write before
    await clock.advance(RESEND_AFTER_S - 1)
    assert (await database.counts())["uncertain"]
    await clock.advance(1.1)


async def test_a_platform_in_trouble_for_some_seconds_costs_no_reply(tmp_path: Path) -> None:
    clock = ManualClock()
    async with chatting(tmp_path, plugins={"talker": Talker()}, clock=clock) as chat:
        chat.channel.failures.append(Unknown("502 Bad Gateway"))
        await chat.says("hi")
        await until(lambda: not chat.channel.failures)
        await uncertain(chat, clock)
        await chat.hears("You said: hi")


async def test_an_edit_is_made_until_the_platform_has_answered(tmp_path: Path) -> None:
    clock = ManualClock()
    channel = LoopbackChannel(Capabilities(progress="anchor", sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock) as chat:
        chat.engine.say("the whole reply")
        await chat.says("hi")
        await chat.hears("…")
        channel.failures.extend(Unknown("502 Bad Gateway") for _ in range(4))
        for left in (3, 2, 1, 0):
            await until(lambda left=left: len(channel.failures) == left)
            await uncertain(chat, clock)
        await chat.hears("the whole reply")
        assert channel.texts == {"m1": "the whole reply"}


async def test_a_channel_that_fails_to_say_what_arrived_costs_no_reply(tmp_path: Path) -> None:
    class Puzzled(LoopbackChannel):
        async def find(self, part: Part, since: float) -> str | None:
            raise Retry(1.0, "not connected")

    clock = ManualClock()
    channel = Puzzled(Capabilities(progress="draft", can_find=True, sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock) as chat:
        channel.lost_answers.append(Unknown("reset"))
        await chat.says("hi")
        await until(lambda: len(channel.sent) == 1)
        await uncertain(chat, clock)
        await chat.hears("You said: hi")
        assert len(channel.sent) == 2


async def test_where_the_platform_can_be_asked_nothing_is_sent_twice(tmp_path: Path) -> None:
    channel = LoopbackChannel(Capabilities(progress="draft", can_find=True, sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel) as chat:
        channel.lost_answers.append(Unknown("reset"))
        await chat.says("hi")
        await chat.says("again")
        await chat.hears("You said: again")
        assert [part.text for part in channel.sent] == ["You said: hi", "You said: again"]


async def test_a_refused_message_does_not_stop_the_conversation(chat: Chat) -> None:
    chat.channel.failures.append(Rejected("blocked"))
    await chat.says("hi")
    await chat.says("again")
    await chat.hears("You said: again")


async def test_the_pause_a_platform_asks_for_is_obeyed(tmp_path: Path) -> None:
    clock = ManualClock()
    async with chatting(tmp_path, plugins={"talker": Talker()}, clock=clock) as chat:
        chat.channel.failures.append(Retry(30))
        await chat.says("hi")
        await until(lambda: not chat.channel.failures)
        await clock.advance(29)
        assert chat.channel.sent == []
        await clock.advance(1.5)
        await chat.hears("You said: hi")


async def test_a_reply_that_is_complete_at_once_is_not_previewed(tmp_path: Path) -> None:
    clock = ManualClock()
    channel = LoopbackChannel(Capabilities(progress="draft", progress_after=0.05, sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock) as chat:
        await chat.says("quick one")
        await chat.hears("You said: quick one")
        assert [draft.phase for draft in channel.drafts if draft.phase != "final"] == []
        chat.engine.hold()
        await chat.says("slow one")
        await until(lambda: chat.engine.open)
        chat.engine.step()
        await clock.advance(0.06)
        await until(lambda: channel.drafts)
        assert channel.drafts[-1].text == "You "
        chat.engine.release()


class Breathless(LoopbackChannel):
    """Wants nothing more in this chat for half a minute, each time it is shown something."""

    async def show(self, draft: Draft) -> None:
        await super().show(draft)
        raise Retry(30)


async def test_a_preview_that_must_wait_does_not_hold_up_the_commit_of_the_reply(tmp_path: Path) -> None:
    clock, channel = ManualClock(), Breathless()
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock) as chat:
        chat.engine.hold()
        await chat.says("hi")
        await until(lambda: chat.engine.open)
        chat.engine.step()
        await until(lambda: channel.drafts)
        chat.engine.release()
        async with asyncio.timeout(5):
            while not await chat.replies():  # noqa: ASYNC110 - nothing tells that a turn was committed
                await asyncio.sleep(0)
        await clock.advance(29)
        assert channel.sent == [], "what is said of the chat concerns the final text, too"
        await clock.advance(1.5)
        await chat.hears("You said: hi")


async def test_a_placeholder_that_must_wait_does_not_hold_up_the_commit_of_the_reply(tmp_path: Path) -> None:
    clock, channel = ManualClock(), LoopbackChannel(Capabilities(progress="anchor", sends_per_second_per_chat=1000))
    async with chatting(tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock) as chat:
        chat.engine.hold()
        channel.failures.append(Retry(30))
        await chat.says("hi")
        await until(lambda: chat.engine.open)
        chat.engine.step()
        await until(lambda: not channel.failures)
        chat.engine.release()
        async with asyncio.timeout(5):
            while not await chat.replies():  # noqa: ASYNC110 - nothing tells that a turn was committed
                await asyncio.sleep(0)
        await clock.advance(31)
        await chat.hears("You said: hi")
        assert list(channel.texts.values()) == ["You said: hi"]


async def test_previews_in_many_topics_of_one_group_are_no_more_than_its_platform_takes(tmp_path: Path) -> None:
    clock = ManualClock()
    channel = LoopbackChannel(
        Capabilities(progress="anchor", progress_every=4, progress_counts=True, sends_per_second_per_chat=20 / 60)
    )
    settings = {"turn": {"drain_s": 0}}
    async with chatting(
        tmp_path, plugins={"talker": Talker()}, channel=channel, clock=clock, settings=settings
    ) as chat:
        chat.engine.hold()
        for topic in ("1", "2", "3"):
            place = Conversation(channel="loopback", chat="team", thread=topic, private=False)
            asked = Message(event_id=topic, conversation=place, person=chat.person, text=f"{'count ' * 100}")
            await channel.inbox.accept([asked])
        await until(lambda: chat.engine.open == 3)
        for _ in range(60):
            chat.engine.step(3)
            await clock.advance(1)
            await chat.bot.database.write(lambda _: None)  # what was noted before it is noted
        shown = [draft.conversation.thread for draft in channel.drafts]
        assert 15 <= len(channel.sent) + len(shown) <= 3 + 60 * 20 / 60
        assert set(shown) == {"1", "2", "3"}


async def test_starting_over_forgets_what_was_said_before(tmp_path: Path) -> None:
    class Forgetful(Talker):
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            if turn.message.text != "forget":
                return self._answer(turn)
            await turn.start_over()
            return say("Forgotten.")

    async with chatting(tmp_path, plugins={"talker": Forgetful()}) as chat:
        for text in ("I am Ana", "forget", "who am I?"):
            await chat.says(text)
            await chat.hears()
        assert [message.content for message in chat.engine.prompts[-1].messages] == ["Be kind.", "who am I?"]


async def test_feedback_reaches_the_plugins_with_the_exact_reply(tmp_path: Path) -> None:
    heard = list[tuple[str, int]]()

    class Listener(Talker):
        @hookimpl
        async def feedback(self, feedback: object) -> None:
            heard.append((feedback.reply, feedback.value))  # type: ignore[attr-defined]

    async with chatting(tmp_path, plugins={"talker": Listener()}) as chat:
        await chat.says("hi")
        await chat.hears()
        reply = (await chat.replies())[0]
        await chat.judges(reply.id, 1)
        assert heard == [(reply.id, 1)]
        entries = await chat.bot.history(chat.conversation, reader="ana")
        assert entries[-1].feedback == 1


async def test_forgetting_a_conversation_leaves_no_line_of_it(chat: Chat) -> None:
    await chat.says("my secret")
    await chat.hears()
    await chat.bot.forget(chat.conversation)
    assert await chat.bot.history(chat.conversation) == []
