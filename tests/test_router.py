"""What cannot be worked on: it is tried again, ends as a dead letter, and never stops the others."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore import Capabilities, ChannelError, Conversation, Part, Unknown
from botcore.testing import Chat, LoopbackChannel, ManualClock, chatting, until


class Moody(LoopbackChannel):
    """A channel with a bug that shows in one chat."""

    asked = 0

    def capabilities(self, conversation: Conversation) -> Capabilities:
        if conversation.chat == "poison":
            self.asked += 1
            raise RuntimeError("a bug")
        return super().capabilities(conversation)


async def dead_letters(chat: Chat) -> int:
    return (await chat.bot.database.counts())["dead"]


async def test_what_fails_three_times_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    channel = Moody()
    async with chatting(tmp_path, channel=channel) as chat:
        receipt = await chat.with_("poison").says("hi")
        while not await dead_letters(chat):
            await chat.bot.database.check()
        assert channel.asked == 3
        assert await chat.bot.outcome(receipt.id) == ("dead", None)
        await chat.says("/start")
        await chat.hears("Hello")


async def test_a_store_without_room_costs_no_attempt_and_the_message_is_answered_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(tmp_path, settings={"plugins": {"textgen": {}}}) as chat:
        chat.engine.say("x" * 100_000)
        chat.engine.hold()
        await chat.says("a long one, please")
        await until(lambda: chat.engine.open == 1)
        await chat.bot.database.write(lambda connection: pages(connection, 1))
        chat.engine.release()
        chat.engine.fallback = "short"
        await until(lambda: "the database takes nothing" in caplog.text)
        await chat.bot.database.write(lambda connection: pages(connection, 1_000_000))
        await chat.hears("short")


class Unheard(LoopbackChannel):
    """A channel during whose first send the database stops taking anything."""

    def __init__(self, *lost: ChannelError) -> None:
        super().__init__()
        self.lost_answers.extend(lost)
        self.write: Any

    async def send(self, part: Part) -> str:
        if not self.sent:
            await self.write(lambda connection: read_only(connection, True))
        return await super().send(part)


@pytest.mark.parametrize(("lost", "sends"), [((), 1), ((Unknown("no answer"),), 2)])
async def test_what_the_platform_answered_is_kept_until_it_can_be_written_down(
    lost: tuple[ChannelError, ...], sends: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Unheard(*lost)
    async with chatting(tmp_path, channel=channel) as chat:
        channel.write = chat.bot.database.write
        await chat.says("/start")
        await until(lambda: "the database takes nothing" in caplog.text)
        assert (await chat.bot.database.counts())["sending"] == 1
        await chat.bot.database.write(lambda connection: read_only(connection, False))
        await until(lambda: len(channel.sent) == sends)
        await chat.says("/start")
        await until(lambda: len(channel.sent) == sends + 1)
        assert channel.sent[-1].turn != channel.sent[0].turn
    assert caplog.text.count("nothing was stored") == 1


def read_only(connection: sa.Connection, on: bool) -> None:
    connection.exec_driver_sql(f"PRAGMA query_only = {on}")


async def test_a_turn_whose_conversation_was_taken_over_ends_with_the_next_heartbeat(tmp_path: Path) -> None:
    clock, taken = ManualClock(), "UPDATE conversation SET owner = 'another process', epoch = epoch + 1"
    async with chatting(tmp_path, settings={"plugins": {"textgen": {}}}, clock=clock) as chat:
        chat.engine.hold()
        await chat.says("tell me everything")
        await chat.with_("ben").says("me too")
        await until(lambda: chat.engine.open == 2)
        await chat.bot.database.write(lambda c: c.exec_driver_sql(f"{taken} WHERE chat = 'ana'").rowcount)
        await clock.advance(chat.bot.settings.turn.lease_s / 3)
        await until(lambda: chat.engine.open == 1)
        chat.engine.release()
        await chat.with_("ben").hears("me too")
        await chat.hears_nothing()


def pages(connection: sa.Connection, most: int) -> None:
    connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")
