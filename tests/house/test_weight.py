"""What an idle bot weighs: measured on its process, held to what we promise."""

import asyncio
from pathlib import Path

from botcore_telegram.testing import FakeTelegram
from tests.e2e.served import Served

IDLE_MB = 110
"""It is 98 to 100 here; allocators move it by some MB from machine to machine."""


async def test_an_idle_bot_with_page_and_telegram_stays_light(tmp_path: Path) -> None:
    async with FakeTelegram() as telegram:
        bot = Served(
            tmp_path,
            BOTCORE_ENGINE__PYTHON="/nowhere/python",  # the engine is a process of its own and does not count
            BOTCORE_CHANNELS__TELEGRAM__TOKEN=telegram.token,
            BOTCORE_CHANNELS__TELEGRAM__BASE_URL=telegram.base_url,
        )
        try:
            await bot.start(ready=False)
            await bot.engine("failed")
            async with asyncio.timeout(20):
                await telegram.polled()
            resident = rss_mb(bot.pid)
        finally:
            await bot.stop()
    assert resident <= IDLE_MB


def rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
