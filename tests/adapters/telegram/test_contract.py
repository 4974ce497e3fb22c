"""The contract every channel keeps, in a private chat and in a group."""

from collections.abc import Sequence
from typing import Any

import pytest

from botcore import Conversation
from botcore.testing import check_channel
from botcore.testing.checks_channel import Trouble
from botcore_telegram import Telegram
from botcore_telegram.testing import FakeTelegram, Fault
from tests.adapters.telegram.conftest import HurriedClock, listening

TROUBLES = {"limit": Fault.flood(3), "refuse": Fault.kicked(), "vanish": Fault.cut(executed=True)}


class FarEnd:
    """Telegram, as the check needs it: "received" is an update that was confirmed."""

    def __init__(self, telegram: FakeTelegram, chat: int) -> None:
        self.telegram = telegram
        self.chat = telegram.chat(chat, "private" if chat > 0 else "supergroup")
        self.conversation = Conversation(channel="telegram", account="123456789", chat=str(chat), private=chat > 0)
        self._said: dict[str, dict[str, Any]] = {}

    async def delivers(self, event: str, text: str) -> bool:
        before = self.telegram.updates.polls
        update = self._said.get(event)
        if update is None:
            words = text if self.conversation.private else f"@botcore_bot {text}"
            update = self._said[event] = await self.chat.says(words)
        elif update["update_id"] in self.telegram.updates.confirmed:
            self.telegram.updates.confirmed.remove(update["update_id"])
            self.telegram.updates.put(update)
        while update["update_id"] not in self.telegram.updates.confirmed:
            if self.telegram.updates.polls >= before + 4:
                return False
            await self.telegram.until(f"{text!r} to be confirmed")
        return True

    def shows(self) -> Sequence[str]:
        return self.chat.texts

    def prepares(self, trouble: Trouble) -> None:
        self.telegram.fail("*", TROUBLES[trouble])


class CallingFarEnd(FarEnd):
    """Telegram as it calls: "received" is a 2xx."""

    async def delivers(self, event: str, text: str) -> bool:
        await self.telegram.serves("getWebhookInfo", 2)  # registered
        known, before = self._said.get(event), len(self.telegram.webhook.deliveries)
        if known is None:
            words = text if self.conversation.private else f"@botcore_bot {text}"
            known = self._said[event] = await self.chat.says(words)
        elif known["update_id"] in self.telegram.updates.confirmed:
            self.telegram.updates.put(known)
        else:
            self.telegram.webhook.hurry()
        while len(self.telegram.webhook.deliveries) == before:
            await self.telegram.until(f"{text!r} to be delivered")
        return self.telegram.webhook.deliveries[-1].status == 200


@pytest.mark.parametrize("chat", [7, -100], ids=["private", "group"])
async def test_telegram_keeps_the_contract_when_it_is_called(server: FakeTelegram, chat: int) -> None:
    channel = Telegram(server.settings(**server.table("webhook")), HurriedClock())
    async with channel.lifespan(None), listening(channel) as address:  # type: ignore[arg-type]
        server.reach(address)
        await check_channel(channel, CallingFarEnd(server, chat))


@pytest.mark.parametrize("chat", [7, -100], ids=["private", "group"])
async def test_telegram_keeps_the_contract(server: FakeTelegram, chat: int) -> None:
    channel = Telegram(server.settings(), HurriedClock())
    async with channel.lifespan(None):  # type: ignore[arg-type]
        await check_channel(channel, FarEnd(server, chat))
