"""What our way to the engine costs: `python benchmarks/engine.py [ENGINE_PYTHON]`.

Prints, for 1, 16 and 64 streams at once: tokens per second, time to the first token (median, 99th percentile) through
`Engine.generate`, and beside it the floor: the same requests on the same server by the barest reader there is, which
looks for ``data:`` and parses nothing. Rounds of the two alternate; a figure is the median of its rounds. Then the time
from a start to ready, from closing a stream to an idle engine, and of one count. Model: the one in the box, without its
end-of-text token, so that every reply has the same length.
"""

import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import aiohttp

from botcore.clock import SystemClock
from botcore.engine.environment import PROJECT
from botcore.engine.model import STARTER
from botcore.engine.vllm import VllmEngine
from botcore.engine.wire import chat_body
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Prompt
from botcore.settings import EngineSettings
from botcore.testing.checks_engine import running

TOKENS, ROUNDS = 64, 5
SAMPLING = Sampling(max_tokens=TOKENS, temperature=0)

Timed = tuple[float, int]
"""Seconds to the first token, tokens."""
One = Callable[[int], Awaitable[Timed]]


def ask(number: int) -> Prompt:
    text = f"Number {number}. " + "The harbour office opens at seven and closes at noon. " * 8
    return Prompt(messages=(PromptMessage(role="user", content=text),))


async def ours(engine: VllmEngine, number: int) -> Timed:
    begun, first, tokens = time.perf_counter(), 0.0, 0
    async with aclosing(engine.generate(ask(number), SAMPLING)) as deltas:
        async for delta in deltas:
            first = first or time.perf_counter() - begun
            tokens = delta.usage.completion_tokens if delta.usage else tokens
    return first, tokens


async def bare(session: aiohttp.ClientSession, number: int) -> Timed:
    begun, first, events = time.perf_counter(), 0.0, 0
    body = chat_body(ask(number).messages, SAMPLING, model="endless")
    async with session.post("http://e/v1/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data:"):
                events += 1
                # The first event has the role only; it comes together with the first token.
                first = first or time.perf_counter() - begun
    return first, TOKENS if events > 4 else 0


async def round_of(one: One, streams: int) -> tuple[float, list[float]]:
    """Tokens per second, and every time to the first token in ms."""
    begun = time.perf_counter()
    timed = await asyncio.gather(*(one(number) for number in range(streams)))
    took = time.perf_counter() - begun
    return sum(tokens for _, tokens in timed) / took, [first * 1e3 for first, _ in timed]


async def compare(ways: dict[str, One]) -> None:
    for streams in (1, 16, 64):
        rates: dict[str, list[float]] = {name: [] for name in ways}
        firsts: dict[str, list[float]] = {name: [] for name in ways}
        for round_number in range(ROUNDS + 1):
            for name, one in ways.items():
                rate, first = await round_of(one, streams)
                if round_number:  # the first one warms caches
                    rates[name].append(rate)
                    firsts[name] += first
        for name in ways:
            late = sorted(firsts[name])[int(len(firsts[name]) * 0.99) - 1 if len(firsts[name]) > 1 else 0]
            rate, middle = statistics.median(rates[name]), statistics.median(firsts[name])
            print(f"{streams:3d} streams  {name:5s} {rate:7.0f} tok/s   first token {middle:6.1f} / {late:6.1f} ms")


async def running_requests(session: aiohttp.ClientSession) -> int:
    async with session.get("http://e/metrics") as response:
        found = re.search(r"^vllm:num_requests_running{[^}]*} ([\d.]+)$", await response.text(), re.MULTILINE)
    return int(float(found[1])) if found else -1


async def freeing(engine: VllmEngine, session: aiohttp.ClientSession, streams: int) -> float:
    """Milliseconds from closing all streams until the engine runs none."""
    long = Sampling(max_tokens=1500, temperature=0)
    open_streams = [engine.generate(ask(number), long) for number in range(streams)]
    await asyncio.gather(*(anext(stream) for stream in open_streams))
    begun = time.perf_counter()
    await asyncio.gather(*(stream.aclose() for stream in open_streams))
    while await running_requests(session):
        pass
    return (time.perf_counter() - begun) * 1e3


async def counting(engine: VllmEngine) -> float:
    """Milliseconds of one count."""
    begun = time.perf_counter()
    await engine.count(ask(0).messages)
    return (time.perf_counter() - begun) * 1e3


def endless(directory: Path) -> Path:
    """A copy of the starter that never ends by itself."""
    path = directory / "endless"
    shutil.copytree(STARTER, path)
    for name, change in (
        ("config.json", {"eos_token_id": 0}),
        ("generation_config.json", {"eos_token_id": 0}),
        ("tokenizer_config.json", {"eos_token": "<|pad|>"}),
    ):
        (path / name).write_text(json.dumps(json.loads((path / name).read_text()) | change))
    return path


async def main(python: str, directory: Path) -> None:
    key = "benchmark"
    table = {"python": python, "model": str(endless(directory)), "api_key": key}
    engine = VllmEngine(EngineSettings.model_validate(table), data_dir=directory / "data", clock=SystemClock())
    begun = time.perf_counter()
    async with running(engine, ready_within=600):
        print(f"start to ready {time.perf_counter() - begun:.1f} s")
        connector = aiohttp.UnixConnector(str(engine.socket), limit=0)
        async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Bearer {key}"}) as session:
            await compare({"ours": lambda number: ours(engine, number), "bare": lambda number: bare(session, number)})
            for streams in (1, 8, 32):
                freed = statistics.median([await freeing(engine, session, streams) for _ in range(ROUNDS)])
                print(f"{streams:3d} streams closed: engine idle after {freed:.0f} ms")
        print(f"one count {statistics.median([await counting(engine) for _ in range(50)]):.1f} ms")


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BOTCORE_TEST_ENGINE_PYTHON", "")
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(chosen or str(PROJECT / ".venv-engine" / "bin" / "python"), Path(place)))
