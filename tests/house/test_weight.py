"""What an idle bot weighs and what `--help` costs: measured on processes, held to what we promise."""

import asyncio
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from botcore_telegram.testing import FakeTelegram
from tests.e2e.served import Served

IDLE_MB = 100
HELP_CPU_S = 0.5


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


@pytest.mark.skipif(sys.platform != "linux", reason="counts with /proc and rusage of Linux")
def test_help_costs_less_than_half_a_second_of_processor_time() -> None:
    assert min(help_cpu_s() for _ in range(3)) <= HELP_CPU_S  # a busy machine only ever adds to it


def help_cpu_s() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "botcore", "--help"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
