"""A bot in the test's own process, with a real vLLM behind it: what it keeps can be asked directly."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from botcore.bot import Bot
from botcore.settings import load_settings
from botcore.store.export import Wanted, records

__all__ = ["kept", "made", "metric", "ready", "running"]

CONFIG = Path(__file__).parents[2] / "config" / "bot.toml"
READY_WITHIN_S = 240
"""18 s on a quiet machine, 75 s seen on a busy one."""


@asynccontextmanager
async def running(tables: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Bot]:
    """The default bot with these settings on top; it listens before its engine is ready: `ready`."""
    flags = {f"{table}.{key}": value for table, keys in tables.items() for key, value in keys.items()}
    bot = Bot(load_settings([CONFIG], environ={}, flags={"http.port": 0, **flags}, local=None))
    async with asyncio.TaskGroup() as group:
        group.create_task(bot.run(), name="bot")
        try:
            await bot.started.wait()
            yield bot
        finally:
            bot.stop()


async def ready(bot: Bot) -> None:
    """Return once the engine answers."""
    async with asyncio.timeout(READY_WITHIN_S):
        while bot.engine.stage != "ready":
            await bot.engine_changed()


async def kept(bot: Bot, channel: str) -> list[dict[str, Any]]:
    """What the bot has kept of the exchanges in a channel, oldest first, as `botcore export` hands it out."""
    found = [record async for record in records(bot.database, Wanted(channel=channel))]
    return [record for record in found if record["record"] == "exchange"]


async def made(bot: Bot, exchange: Mapping[str, Any]) -> dict[str, Any]:
    """What its reply was made from."""
    trace = await bot.trace(exchange["reply_id"])
    assert trace
    return dict(trace)


async def metric(address: str, name: str) -> float:
    """The sum of one of a bot's numbers."""
    async with ClientSession() as session, session.get(f"{address}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))
