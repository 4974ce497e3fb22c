"""Above a cap: kept, counted, told at most once a minute. Above the mark: not taken, and the platform keeps it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore import StoreUnavailable
from botcore.admission import Admission
from botcore.observe import Metrics
from botcore.testing import Chat, ManualClock, chatting, until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def held(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Chat]:
    """A bot that answers nobody while the test looks on, and lets two messages of one person wait."""
    tables = {"plugins": {"textgen": {}}, "turn": {"waiting_per_person": 2, "waiting_per_chat": 3}}
    async with chatting(tmp_path, settings=tables, clock=clock) as chat:
        chat.engine.hold()
        yield chat
        chat.engine.release()


async def test_who_writes_too_much_is_told_once_a_minute(held: Chat, clock: ManualClock) -> None:
    receipts = [await held.says(f"m{n}") for n in range(5)]
    assert [receipt.state for receipt in receipts] == ["accepted"] * 3 + ["rejected"] * 2
    assert [receipt.notice[:14] for receipt in receipts] == ["", "", "", "I am still bus", ""]
    await clock.advance(60)
    assert "your earlier messages" in (await held.says("again")).notice


async def test_a_person_is_one_person_in_all_their_chats_and_told_once(held: Chat) -> None:
    for _ in range(3):
        await held.says("here")
    elsewhere = held.with_("ana")
    elsewhere.conversation = held.with_("other chat").conversation
    told = [(await chat.says("more", event_id=f"x{place}")).notice for place, chat in enumerate((elsewhere, held))]
    assert [bool(notice) for notice in told] == [True, False]
    assert (await held.with_("ben").says("and I?")).state == "accepted"


async def test_rejected_messages_are_counted_by_channel_and_reason(held: Chat) -> None:
    for number in range(5):
        await held.says(f"m{number}")
    group = [held.with_(name) for name in ("ben", "cid", "dan", "eve", "fay", "gil")]
    for chat in group:
        chat.conversation = held.with_("group").conversation
    notices = [(await chat.says("hi")).notice for chat in group]
    assert notices[:4] == [""] * 4
    assert "earlier messages here" in notices[4]
    assert notices[5] == ""  # those who read along have seen it
    text = held.bot.metrics.render().decode()
    assert 'botcore_rejected_total{channel="loopback",reason="person"} 2.0' in text
    assert 'botcore_rejected_total{channel="loopback",reason="chat"} 2.0' in text


async def test_what_was_answered_makes_room(tmp_path: Path) -> None:
    tables = {"plugins": {"textgen": {}}, "turn": {"waiting_per_person": 1}}
    async with chatting(tmp_path, settings=tables) as chat:
        chat.engine.hold()
        assert [(await chat.says(text)).state for text in "abc"] == ["accepted", "accepted", "rejected"]
        chat.engine.release()
        await chat.hears()
        await chat.hears()
        await until(lambda: not chat.bot._router.held)
        assert (await chat.says("c", event_id="ana-3")).state == "accepted"
        await chat.hears()


@pytest.fixture
async def small(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Chat]:
    """A bot that answers nobody while the test looks on, and has room for ten messages."""
    tables = {"plugins": {"textgen": {}}, "turn": {"waiting_total": 10}}
    async with chatting(tmp_path, settings=tables, clock=clock) as chat:
        chat.engine.hold()
        yield chat
        chat.engine.release()


async def filled(chat: Chat) -> list[Chat]:
    """Eleven messages: six run, five wait behind them."""
    people = [chat.with_(f"p{number}") for number in range(6)]
    for person in people:
        await person.says("one")
    for person in people[1:]:
        await person.says("two")
    return people


async def test_a_bot_that_begins_with_a_long_line_takes_messages_up_to_the_mark() -> None:
    running = 9
    admission = Admission(10, running=lambda: running, clock=ManualClock(), metrics=Metrics())
    assert admission.full == ""
    running = 11
    assert admission.full


async def test_above_the_mark_nothing_is_taken_but_orders_and_verdicts(small: Chat) -> None:
    people = await filled(small)
    with pytest.raises(StoreUnavailable, match="more than 10 messages wait already"):
        await small.says("hi")
    assert small.bot.health()["inbox"] == "more than 10 messages wait already"
    assert (await people[0].judges("no such reply", 1)).state == "accepted"
    assert (await people[0].says("/stop")).state == "accepted"
    await people[0].hears("Stopped.")


async def test_messages_are_taken_again_when_a_good_part_is_gone(small: Chat, clock: ManualClock) -> None:
    people = await filled(small)
    assert small.channel.inbox.full
    waiting = asyncio.create_task(small.channel.inbox.room())
    for person in people[:2]:
        await person.says("/stop")
        await person.hears("Stopped.")
    await people[1].hears("Stopped.")
    await until(lambda: small.bot._router.load == 4)
    await looked(small, clock)
    assert not small.channel.inbox.full  # four run, four wait: 8 of 10
    await waiting
    assert (await small.says("hi")).state == "accepted"


async def test_one_message_less_makes_no_room_yet(small: Chat, clock: ManualClock) -> None:
    people = await filled(small)
    assert small.channel.inbox.full
    await people[0].says("/stop")
    await people[0].hears("Stopped.")
    await until(lambda: small.bot._router.load == 5)
    await looked(small, clock)
    assert small.channel.inbox.full


async def looked(chat: Chat, clock: ManualClock) -> None:
    """The bot has counted once more."""
    counted, room = asyncio.Event(), chat.bot._admission._counted
    chat.bot._admission._counted = lambda waiting: (room(waiting), counted.set())  # type: ignore[method-assign,assignment]
    await clock.advance(1)
    await counted.wait()
