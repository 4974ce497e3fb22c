"""How fast we send: buckets per chat and account, pauses where the platform asks."""

import asyncio

import pytest

from botcore.messages import Conversation
from botcore.pace import Pace, Seldom
from botcore.ports import Capabilities
from botcore.testing import LoopbackChannel, ManualClock

ANA = Conversation(channel="loopback", chat="ana")
BEN = Conversation(channel="loopback", chat="ben")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def channel(**can: float) -> LoopbackChannel:
    limits = {"sends_per_second": 30, "sends_per_second_per_chat": 1, "burst_per_chat": 2} | can
    return LoopbackChannel(Capabilities(progress="draft", **limits))  # type: ignore[arg-type]


def test_a_burst_passes_and_then_the_chat_waits(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel()
    assert [pace.take(there, ANA) for _ in range(3)] == [True, True, False]


def test_what_can_wait_leaves_room_for_what_cannot_where_the_bucket_has_it(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(burst_per_chat=3)
    assert [pace.take(there, ANA, leaves=1) for _ in range(3)] == [True, True, False]
    assert pace.take(there, ANA)
    pace, there = Pace(clock), channel(burst_per_chat=1)
    assert [pace.take(there, ANA, leaves=1) for _ in range(2)] == [True, False]


async def test_the_bucket_fills_again_with_time(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(burst_per_chat=1)
    pace.take(there, ANA)
    await clock.advance(0.5)
    assert not pace.take(there, ANA)
    await clock.advance(0.5)
    assert pace.take(there, ANA)


def test_one_chat_does_not_use_up_anothers_pace(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(burst_per_chat=1)
    assert pace.take(there, ANA)
    assert pace.take(there, BEN)


def test_the_account_has_a_limit_of_its_own(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(sends_per_second=1)
    assert pace.take(there, ANA)
    assert not pace.take(there, BEN)


async def test_an_account_may_send_less_than_once_a_second(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(sends_per_second=0.5)
    assert pace.take(there, ANA)
    await clock.advance(1.9)
    assert not pace.take(there, BEN)
    await clock.advance(0.2)
    assert pace.take(there, BEN)


async def test_a_pause_the_platform_asks_for_is_kept_to_the_second(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel()
    pace.hold(there, ANA, 30)
    waiting = asyncio.create_task(pace.wait(there, ANA))
    await clock.advance(29.9)
    assert not waiting.done()
    assert pace.take(there, BEN)
    await clock.advance(0.2)
    assert waiting.done()


async def test_after_a_pause_a_chat_has_no_burst_left(clock: ManualClock) -> None:
    pace, there = Pace(clock), channel(burst_per_chat=3)
    pace.hold(there, ANA, 30)
    await clock.advance(30)
    assert [pace.take(there, ANA) for _ in range(2)] == [True, False]


def test_of_many_chats_those_that_were_quiet_longest_are_forgotten(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botcore.pace.REMEMBERED", 3)  # the account, and two chats
    pace, there = Pace(clock), channel(burst_per_chat=1)
    for chat in ("ana", "ben", "ana", "cid"):
        pace.take(there, Conversation(channel="loopback", chat=chat))
    assert not pace.take(there, ANA)
    assert ("loopback", "ben") not in pace._buckets
    assert len(pace._buckets) == 3


def test_a_key_passes_once_in_a_while() -> None:
    clock = ManualClock()
    seldom = Seldom(clock, 60)
    assert [seldom.passes(key) for key in ("a", "b", "a", "b")] == [True, True, False, False]


async def test_a_key_passes_again_when_its_time_is_over_and_is_forgotten() -> None:
    clock = ManualClock()
    seldom = Seldom(clock, 60)
    assert seldom.passes("a")
    await clock.advance(30)
    assert seldom.passes("b")
    await clock.advance(30)
    assert [seldom.passes(key) for key in ("a", "b")] == [True, False]
    assert list(seldom._passed) == ["b", "a"]
