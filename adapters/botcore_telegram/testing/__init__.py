"""A protocol-true Telegram on loopback that the real SDK runs against, and chats a test can hold with the bot.

    async with FakeTelegram() as telegram:
        ana = telegram.chat(7)
        await ana.says("hi")
        await ana.hears("hello")

The same test in both modes: the bot gets ``telegram.table("polling")`` or ``telegram.table("webhook")`` as its
``[channels.telegram]``, and for webhook, once it listens, ``telegram.reach(bot.address)``. People do

    await ana.says("hi")                            a message
    await ana.uploads("notes.pdf", content, "…")    a document, with a caption or without
    await ana.presses("👍")                         a button below the bot's newest message that has it
    await ana.hears("hello")                        the next message that says so, after edits too
    ana.popups                                      what the bot made pop up for those who pressed

Faults are queued per method (`FakeTelegram.fail`), calls are held at a gate (`FakeTelegram.hold`): nothing here sleeps.
"""

from botcore_telegram.testing.chat import FakeChat
from botcore_telegram.testing.errors import Fault, Limits
from botcore_telegram.testing.methods import SentMessage
from botcore_telegram.testing.server import PUBLIC, SECRET, TOKEN, Call, FakeTelegram, Gate
from botcore_telegram.testing.webhook import Delivery

__all__ = [
    "PUBLIC",
    "SECRET",
    "TOKEN",
    "Call",
    "Delivery",
    "FakeChat",
    "FakeTelegram",
    "Fault",
    "Gate",
    "Limits",
    "SentMessage",
]
