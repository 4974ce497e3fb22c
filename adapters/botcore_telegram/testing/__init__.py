"""A protocol-true Telegram on loopback that the real SDK runs against, and chats a test can hold with the bot.

    async with FakeTelegram() as telegram:
        ana = telegram.chat(7)
        await ana.says("hi")
        await ana.hears("hello")

Faults are queued per method (`FakeTelegram.fail`), calls are held at a gate (`FakeTelegram.hold`): nothing here sleeps.
"""

from botcore_telegram.testing.chat import FakeChat
from botcore_telegram.testing.errors import Fault, Limits
from botcore_telegram.testing.methods import SentMessage
from botcore_telegram.testing.server import TOKEN, Call, FakeTelegram, Gate

__all__ = ["TOKEN", "Call", "FakeChat", "FakeTelegram", "Fault", "Gate", "Limits", "SentMessage"]
