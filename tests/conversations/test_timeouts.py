"""Whatever takes too long ends in words the person reads, never in silence; the wait in the line does not count."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore import Capabilities, Chunk, Draft, EngineTimeout, Part, Refusal, Retry, Turn, hookimpl
from botcore.clock import AGAIN_S
from botcore.delivery import PREVIEW_S
from botcore.dispatch import CLOSE_S
from botcore.sender import CALL_S, RESEND_AFTER_S
from botcore.testing import Chat, LoopbackChannel, ManualClock, chatting, until

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


class Silent(LoopbackChannel):
    """A platform that does not answer the calls named in ``silent``, once each."""

    def __init__(self, *silent: str, can_find: bool = False) -> None:
        progress = "anchor" if "edit" in silent else "draft"
        super().__init__(Capabilities(progress=progress, can_find=can_find, sends_per_second_per_chat=1000))
        self.silent = set(silent)
        self.called = list[str]()

    async def send(self, part: Part) -> str:
        await self._answer("send")
        return await super().send(part)

    async def edit(self, platform_id: str, part: Part) -> None:
        await self._answer("edit")
        await super().edit(platform_id, part)

    async def find(self, part: Part, since: float) -> str | None:
        await self._answer("find")
        return await super().find(part, since)

    async def show(self, draft: Draft) -> None:
        await self._answer("show")
        await super().show(draft)

    async def _answer(self, call: str) -> None:
        self.called.append(call)
        if call in self.silent:
            self.silent.remove(call)
            await asyncio.Event().wait()


@pytest.mark.parametrize("silent", [("send",), ("edit",), ("send", "find")], ids="+".join)
async def test_a_platform_that_never_answers_a_call_holds_its_conversation_for_a_while_only(
    tmp_path: Path, clock: ManualClock, silent: tuple[str, ...]
) -> None:
    channel = Silent(*silent, can_find="find" in silent)
    async with chatting(tmp_path, settings=QUICK, clock=clock, channel=channel) as chat:
        chat.engine.say("the whole reply")
        await chat.says("hi")
        for call in silent:
            await until(lambda call=call: call in channel.called)
            await clock.advance(CALL_S)
        while "the whole reply" not in channel.texts.values():
            await chat.bot.database.counts()  # its threads go on beside our clock
            await clock.advance(RESEND_AFTER_S + 1)
        assert list(channel.texts.values()) == ["the whole reply"]


async def test_a_preview_that_never_returns_does_not_keep_the_reply_back(tmp_path: Path, clock: ManualClock) -> None:
    channel = Silent("show")
    async with chatting(tmp_path, settings=QUICK, clock=clock, channel=channel) as chat:
        chat.engine.say("the whole reply")
        chat.engine.hold()
        await chat.says("hi")
        await until(lambda: chat.engine.open)
        chat.engine.step()
        await until(lambda: channel.called)
        chat.engine.release()
        await clock.advance(PREVIEW_S)
        await chat.hears("the whole reply")


@pytest.mark.parametrize("pause", [float("inf"), 1e12, float("nan"), -5])
def test_no_platform_can_ask_to_wait_for_ever(pause: float) -> None:
    assert 0 <= Retry(pause).after <= 86_400


class Clinging:
    """A plugin with a ``finally`` that never ends, where the message says."""

    def __init__(self) -> None:
        self.cleaning = asyncio.Event()

    @hookimpl
    async def admit(self, turn: Turn) -> Refusal | None:
        if turn.message.text == "admit":
            await self._wait()
        return None

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer(turn)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        yield Chunk(text="said ")
        try:
            yield Chunk(text=turn.message.text)
            if turn.message.text == "wait":
                await self._wait()
        finally:
            if turn.message.text == "end":
                await self._clean()

    async def _wait(self) -> None:
        try:
            self.cleaning.set()
            await asyncio.Event().wait()
        finally:
            await self._clean()

    async def _clean(self) -> None:
        self.cleaning.set()
        await asyncio.Event().wait()


class Hasty:
    """Reads no further than what it needs, so that the streams before it are closed in their middle."""

    @hookimpl
    def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        return self._first_two(chunks)

    async def _first_two(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        count = 0
        async for chunk in chunks:
            yield chunk
            count += 1
            if count == 2:
                return


async def test_a_stream_that_never_closes_costs_neither_its_reply_nor_the_next_one(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Clinging()
    async with chatting(tmp_path, plugins={"clinging": plugin, "hasty": Hasty()}, clock=clock) as chat:
        await chat.says("end")
        await plugin.cleaning.wait()
        await clock.advance(CLOSE_S)
        assert await chat.hears() == "said end"
        await chat.says("next")
        assert await chat.hears() == "said next"
    assert "plugin clinging: hook close took longer than 5 s" in caplog.text


@pytest.mark.parametrize("why", ["stopped", "too late"])
async def test_a_stream_that_does_not_end_when_it_is_told_to_is_told_again_and_named(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    plugin = Clinging()
    settings = {"turn": {"timeout_s": 8}}
    async with chatting(tmp_path, plugins={"clinging": plugin}, settings=settings, clock=clock) as chat:
        await chat.says("wait")
        await plugin.cleaning.wait()
        if why == "stopped":
            await chat.says("/stop")
        else:
            await clock.advance(8)
        await clock.advance(AGAIN_S)
        await chat.hears("said wait\n\n" + ("Stopped." if why == "stopped" else "This took longer than 8 s"))
        await chat.says("next")
        assert await chat.hears() == "said next"
    assert "plugin clinging: its stream did not end when it was cancelled" in caplog.text


async def test_a_hook_that_does_not_end_with_its_time_is_told_again_and_passed_over(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Clinging()
    async with chatting(tmp_path, plugins={"clinging": plugin}, clock=clock) as chat:
        await chat.says("admit")
        await plugin.cleaning.wait()
        await clock.advance(10 + AGAIN_S)
        assert await chat.hears() == "said admit"
    assert "plugin clinging: hook admit took longer than 10 s" in caplog.text


class Clumsy:
    """Errs where it is cancelled, as what tidies up a half-open connection does."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.begun = asyncio.Event()

    async def _stumble(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError("the connection is only half open") from None

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        if self.where == "recall":
            await self._stumble()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk]:
        return self._said()

    async def _said(self) -> AsyncIterator[Chunk]:
        yield Chunk(text="so far")
        await self._stumble()


@pytest.mark.parametrize(("where", "heard"), [("recall", "Stopped."), ("stream", "so far\n\nStopped.")])
async def test_what_errs_when_it_is_stopped_is_stopped_at_once(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, where: str, heard: str
) -> None:
    plugin = Clumsy(where)
    async with chatting(tmp_path, plugins={"clumsy": plugin}, clock=clock) as chat:
        await chat.says("hi")
        await plugin.begun.wait()
        await chat.says("/stop")
        assert await chat.hears() == heard
    assert "RuntimeError: the connection is only half open" in caplog.text
