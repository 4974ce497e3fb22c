"""What is handed in together is stored together, and then worked on: messages first, whoever waits for it or not."""

import asyncio
import threading
from pathlib import Path

import pytest

from botcore import Control, Conversation, Feedback, Message, Sampling, hookimpl
from botcore.testing import ManualClock, chatting, until

TALK = {"plugins": {"textgen": {}}}


class Thoughtful:
    """Takes its time over a verdict."""

    def __init__(self) -> None:
        self.thinks = asyncio.Event()
        self.done = asyncio.Event()

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        self.thinks.set()
        await self.done.wait()


async def test_a_message_does_not_wait_for_what_plugins_do_with_the_verdict_before_it(tmp_path: Path) -> None:
    plugin, clock = Thoughtful(), ManualClock()
    async with chatting(tmp_path, settings=TALK, plugins={"thoughtful": plugin}, clock=clock) as chat:
        await chat.says("one")
        await chat.hears("You said: one")
        (reply,) = await chat.replies()
        verdict = Feedback(event_id="f", conversation=chat.conversation, person=chat.person, reply=reply.id, value=1)
        message = Message(event_id="m", conversation=chat.conversation, person=chat.person, text="two")
        async with asyncio.TaskGroup() as group:
            group.create_task(chat.channel.inbox.accept([verdict, message]))
            await plugin.thinks.wait()
            await chat.hears("You said: two")
            plugin.done.set()


async def test_a_message_whose_bringer_goes_away_while_it_is_stored_is_answered(tmp_path: Path) -> None:
    disk = threading.Event()
    async with chatting(tmp_path, settings=TALK) as chat:
        busy = asyncio.create_task(chat.bot.database.write(lambda _: disk.wait(20)))
        saying = asyncio.create_task(chat.says("hi"))
        await until(lambda: chat.bot._intake._accepting)
        saying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saying
        disk.set()
        await busy
        await chat.hears("You said: hi")


@pytest.mark.parametrize("order", ["/stop", " /Stop\n"])
async def test_an_order_does_not_wait_behind_what_it_stops(tmp_path: Path, order: str) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        chat.engine.hold()
        await chat.says("count")
        await chat.says(order)
        await chat.hears("Stopped.")


async def test_an_order_may_come_by_an_edit(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        chat.engine.hold()
        await chat.says("count")
        place, person = chat.conversation, chat.person
        now = Message(event_id="m", conversation=place, person=person, text="/stop", platform_id="p")
        edit = Control(
            event_id="c", conversation=place, person=person, kind="edit", target="p", text="/stop", message=now
        )
        await chat.channel.inbox.accept([edit])
        await chat.hears("Stopped.")


async def test_what_a_program_sends_is_no_order(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        await chat.says("/stop", sampling=Sampling())
        await chat.hears("You said: /stop")


async def test_what_would_never_be_answered_is_refused_to_the_channel(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        elsewhere = Conversation(channel="tcp", chat="ana")
        lost = Message(event_id="m", conversation=elsewhere, person=chat.person, text="hi")
        with pytest.raises(ValueError, match="no channel 'tcp', but loopback: use the channel's own `name`"):
            await chat.channel.inbox.accept([lost])
        assert (await chat.bot.database.counts())["waiting"] == 0


async def test_a_delivery_without_a_name_is_refused_rather_than_taken_for_a_repetition(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        nameless = Message(event_id="", conversation=chat.conversation, person=chat.person, text="hi")
        with pytest.raises(ValueError, match="it must name the delivery"):
            await chat.channel.inbox.accept([nameless])
