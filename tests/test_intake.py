"""What is handed in together is stored together, and then worked on: messages first."""

import asyncio
from pathlib import Path

from botcore import Feedback, Message, hookimpl
from botcore.testing import ManualClock, chatting


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
    settings = {"plugins": {"textgen": {}}}
    async with chatting(tmp_path, settings=settings, plugins={"thoughtful": plugin}, clock=clock) as chat:
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
