"""One bot with a real vLLM, and around it every platform that people write from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.bot import Bot
from botcore_slack.testing import FakeSlack
from botcore_telegram.testing import FakeTelegram
from tests.e2e.here import kept, ready, running

__all__ = ["CHAT_TOKENS", "STORY_TOKENS", "Town"]

CHAT_TOKENS, STORY_TOKENS = 40, 600
"""Exactly as long as replies are: the model never ends one by itself."""


@dataclass(frozen=True, slots=True)
class Town:
    """One bot and the platforms around it."""

    bot: Bot
    telegrams: dict[str, FakeTelegram]
    slacks: dict[str, FakeSlack]

    @classmethod
    @asynccontextmanager
    async def awake(cls, data_dir: Path, python: Path, endless: Path) -> AsyncIterator["Town"]:
        """While its bot is ready."""
        async with AsyncExitStack() as stack:
            telegrams = {name: await stack.enter_async_context(FakeTelegram()) for name in ("polling", "webhook")}
            slacks = {name: await stack.enter_async_context(FakeSlack(mode=name)) for name in ("socket", "events")}
            tables: dict[str, dict[str, Any]] = {
                "bot": {"data_dir": data_dir},
                "engine": {"python": str(python), "model": str(endless)},
                "plugins.qa": {"sources": []},
                "plugins.textgen": {
                    "presets": {"chat": {"max_tokens": CHAT_TOKENS}, "story": {"max_tokens": STORY_TOKENS}}
                },
                "channels.polling": {"use": "telegram", **telegrams["polling"].table("polling")},
                "channels.webhook": {"use": "telegram", **telegrams["webhook"].table("webhook")},
                "channels.socket": {"use": "slack", **slacks["socket"].table()},
                "channels.events": {"use": "slack", **slacks["events"].table()},
            }
            bot = await stack.enter_async_context(running(tables))
            telegrams["webhook"].reach(bot.address)
            slacks["events"].posts_to(f"{bot.address}/hooks/events")
            await ready(bot)
            assert bot.loaded.problems == {}
            yield cls(bot, telegrams, slacks)

    async def judged(self, channel: str, comments: int) -> list[dict[str, Any]]:
        """What the bot has kept of a channel, once so many comments are: nothing tells when one was stored."""
        while True:
            exchanges = await kept(self.bot, channel)
            if sum(bool(verdict["comment"]) for each in exchanges for verdict in each["feedback"]) >= comments:
                return exchanges
            await asyncio.sleep(0.05)
