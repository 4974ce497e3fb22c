"""Whatever a channel raises while it sends, the reply goes out and the bot goes on."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from botcore import Capabilities, Draft, Part, Retry, Unknown, sender
from botcore.testing import LoopbackChannel, ManualClock, chatting, until


async def test_a_part_that_is_put_off_again_and_again_is_given_up_and_the_next_one_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "MAX_ATTEMPTS", 3)
    async with chatting(tmp_path) as chat:
        chat.channel.failures.extend([Retry(0.001)] * 3)
        for _ in range(2):
            await chat.says("/start")
        await chat.hears("Hello")
        await chat.hears_nothing()
    assert "a message could not be delivered: given up after 3 tries" in caplog.text


async def test_a_long_wait_is_a_warning_that_is_not_said_again_for_each_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with chatting(tmp_path, settings={"turn": {"drain_s": 0}}, clock=ManualClock()) as chat:
        for after in (1, 60, 61):
            chat.channel.failures.append(Retry(after, "busy"))
            await chat.with_(f"p{after}").says("/start")
            await until(lambda: not chat.channel.failures)
    waits = [(one.levelname, one.getMessage()) for one in caplog.records if "a message waits" in one.getMessage()]
    assert waits == [
        ("INFO", "loopback: a message waits 1 s: busy"),
        ("WARNING", "loopback: a message waits 60 s: busy"),
    ]


class Unwell(LoopbackChannel):
    """Its library gives up in a way of its own: whenever it is to show or to find something, and once at a send."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(Capabilities(progress="draft", can_find=True, sends_per_second_per_chat=1000))
        self.error = error
        self.failures.append(error)  # type: ignore[arg-type]

    async def show(self, draft: Draft) -> None:
        raise self.error

    async def find(self, part: Part, since: float) -> str | None:
        raise self.error


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(2), RuntimeError()], ids=repr)
async def test_whatever_a_channel_raises_counts_as_no_answer(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.0)
    async with chatting(tmp_path, channel=Unwell(error)) as chat:
        await chat.says("/start")
        await chat.hears("Hello")
    assert "outcome of a send unknown" in caplog.text


class Mute(LoopbackChannel):
    """Posts, and does not say as what."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    async def send(self, part: Part) -> str:
        await super().send(part)
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize(("answer", "told"), [(None, "NoneType"), (7, "int"), ("", "an empty text")])
async def test_a_send_that_returns_no_id_is_named_and_made_once_more(
    answer: object, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.0)
    channel = Mute(answer)
    async with chatting(tmp_path, channel=channel) as chat:
        await chat.says("/start")
        await until(lambda: "sent twice already" in caplog.text)
    assert len(channel.sent) == 2
    assert f"loopback.send returned {told}; it must return the platform's id" in caplog.text
    assert "NOT NULL" not in caplog.text


class Down(LoopbackChannel):
    """A platform that takes messages and answers no edit."""

    def __init__(self) -> None:
        super().__init__(Capabilities(progress="anchor", sends_per_second_per_chat=1000))
        self.tries = 0
        self.down = True

    async def edit(self, platform_id: str, part: Part) -> None:
        self.tries += 1
        if self.down:
            raise Unknown("502")
        await super().edit(platform_id, part)


async def test_a_restart_in_the_middle_of_an_outage_gives_up_no_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.0)
    channel, settings = Down(), {"plugins": {"textgen": {}}, "turn": {"drain_s": 0}}
    async with chatting(tmp_path, settings=settings, channel=channel) as chat:
        chat.engine.say("the whole reply")
        chat.engine.hold()
        await chat.says("hi")
        await until(lambda: chat.engine.open)
        chat.engine.step()
        await until(lambda: channel.sent)
        chat.engine.release()
        await until(lambda: channel.tries > sender.MAX_SENDS)
    channel.down = False
    async with chatting(tmp_path, settings=settings, channel=channel):
        await until(lambda: list(channel.texts.values()) == ["the whole reply"])


class Unreachable(LoopbackChannel):
    """Asks to wait a second, whatever happens."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(Capabilities(progress="draft", sends_per_second_per_chat=1000))
        self.clock = clock
        self.tried = list[float]()

    async def send(self, part: Part) -> str:
        self.tried.append(self.clock.now())
        raise Retry(1.0, "no connection")


async def test_an_outage_is_not_counted_in_a_channels_seconds(tmp_path: Path) -> None:
    clock = ManualClock()
    channel = Unreachable(clock)
    async with chatting(tmp_path, settings={"turn": {"drain_s": 0}}, clock=clock, channel=channel) as chat:
        await chat.says("/start")
        while len(channel.tried) < sender.QUICK_TRIES + 8:
            await chat.bot.database.counts()  # its threads go on beside our clock
            await clock.advance(0.5)
    pauses = [later - before for before, later in pairwise(channel.tried)]
    assert all(pause >= max(1, tries - sender.QUICK_TRIES) for tries, pause in enumerate(pauses, 1))
