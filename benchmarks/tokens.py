"""The two figures of the model in the box: `python benchmarks/tokens.py [ENGINE_PYTHON]`, two minutes on two cores.

Tokens per second through vLLM and `Engine.generate`, of one chat alone and of sixteen at once, beside the marks they
are to reach; the median of five rounds after a first one. Ends with 1 where one is missed. The prompt, the replies of
one length and the rounds are those of `engine.py`, which shows far more.
"""

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from engine import ROUNDS, endless, ours, round_of

from botcore.clock import SystemClock
from botcore.engine.environment import PROJECT
from botcore.engine.vllm import VllmEngine
from botcore.settings import EngineSettings
from botcore.testing.checks_engine import running

MARKS = {1: 150, 16: 1_500}
"""Tokens per second, by chats at once, on two cores."""


async def main(python: str, directory: Path) -> bool:
    settings = EngineSettings.model_validate({"python": python, "model": str(endless(directory))})
    engine = VllmEngine(settings, data_dir=directory / "data", clock=SystemClock())
    async with running(engine, ready_within=600):
        rates = {chats: await rate(engine, chats) for chats in MARKS}
    for chats, found in rates.items():
        verdict = "reached" if found >= MARKS[chats] else "MISSED"
        print(f"{chats:3d} at once {found:7.0f} tokens/s   mark {MARKS[chats]:,} {verdict}")
    return all(found >= MARKS[chats] for chats, found in rates.items())


async def rate(engine: VllmEngine, chats: int) -> float:
    """The median of the rounds; the first one warms caches."""
    rounds = [await round_of(partial(ours, engine), chats) for _ in range(ROUNDS + 1)]
    return statistics.median(tokens for tokens, _ in rounds[1:])


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BOTCORE_TEST_ENGINE_PYTHON", "")
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory() as place:
        good = asyncio.run(main(chosen or str(PROJECT / ".venv-engine" / "bin" / "python"), Path(place)))
    sys.exit(not good)
