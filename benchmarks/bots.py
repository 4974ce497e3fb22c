"""Our bot beside other frameworks' echo bots and a floor: `python benchmarks/bots.py [--rounds N] [--json]`.

Every bot is a process of its own against a fake platform in this process, on loopback; only the bot's processor time
(user + system, all its threads) is counted. In each round every bot is started twice, answers a first message, rests,
is asked 1,000 times at 100 a second, then 10,000 times with 256 unanswered at any time, always from 100 chats. Rounds
alternate between the bots, so that what disturbs the machine disturbs all; a figure is the median of its rounds, with
the range behind it. Ratios are to python-telegram-bot by polling in the same run.

botcore runs as `botcore run` with the five plugins in `ours/`, the scripted engine, SQLite at FULL and logging at
WARNING, its own limits on sends raised; the others (`peers/`) run from an environment of their own, `.venv-peers`,
which is made on the first run. All rows: about 4 minutes a round.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from load.bots import BOTS, Bot, clean_environ, free_port
from load.http import serve
from load.process import Process
from load.slack import Slack
from load.talk import Talk

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers"
REQUIREMENTS = HERE / "peers" / "requirements.txt"
BASE = "ptb polling"
REST_S, WARM_UP = 1.5, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is asked."""

    saturated: int = 10_000
    outstanding: int = 256
    steady: int = 1_000
    per_second: float = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One bot in one round; `_COLUMNS` says what is shown of it."""

    saturated_cpu_us: float
    """Processor time a message."""
    saturated_per_s: float
    steady_cpu_us: float
    p50_ms: float
    p99_ms: float
    start_s: float
    """From exec to the first answer."""
    start_cpu_s: float
    idle_mb: float
    peak_mb: float
    calls: float
    """Requests the bot made for each message, polls included, at saturation."""
    lost: int
    doubled: int
    disordered: int


_COLUMNS = {
    "saturated_cpu_us": ("CPU µs a message", 0, True),
    "steady_cpu_us": ("at 100/s", 0, True),
    "p50_ms": ("p50 ms", 1, False),
    "p99_ms": ("p99 ms", 1, True),
    "start_s": ("start s", 2, True),
    "start_cpu_s": ("CPU s", 2, True),
    "idle_mb": ("idle MB", 0, True),
    "peak_mb": ("peak MB", 0, False),
    "saturated_per_s": ("msgs/s", 0, False),
    "calls": ("calls", 2, False),
}
"""Field → heading, digits, and whether its ratio to `BASE` is shown."""


# ------------------------------------------------------------------ measuring


async def measure(bot: Bot, python: str, load: Load) -> Figures:
    """One bot's round."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bots-") as name:
        service, process = bot.platform(port), Process(Path(name))
        server, api = await serve(service)
        if isinstance(service, Slack):
            service.port = api
        try:
            # The first start makes databases and compiles; the second one is what a restart costs.
            for _ in range(2):
                await process.stop()
                begun = time.perf_counter()
                await process.start(bot.command(python), clean_environ() | bot.environ(api, port))
                service.talk.say()
                if await service.talk.answered():
                    raise SystemExit(f"{bot.name} did not answer its first message")
            return await _figures(process, service.talk, load, time.perf_counter() - begun)
        except BaseException:
            print(process.last_words(), file=sys.stderr)
            raise
        finally:
            await process.stop()
            await service.close()
            server.close()


async def _figures(process: Process, talk: Talk, load: Load, start: float) -> Figures:
    start_cpu = process.cpu_s()
    await asyncio.sleep(REST_S)
    idle = process.rss_mb()
    lost = await talk.steady(WARM_UP, load.per_second)

    first, cpu = len(talk.said), process.cpu_s()
    lost += await talk.steady(load.steady, load.per_second)
    steady_cpu = process.cpu_s() - cpu
    took = sorted(1000 * talk.took[n] for n in range(first, len(talk.said)) if n in talk.took)

    calls, cpu, at = talk.calls, process.cpu_s(), time.perf_counter()
    lost = await talk.saturated(load.saturated, load.outstanding)
    return Figures(
        saturated_cpu_us=1e6 * (process.cpu_s() - cpu) / load.saturated,
        saturated_per_s=load.saturated / (time.perf_counter() - at),
        steady_cpu_us=1e6 * steady_cpu / load.steady,
        p50_ms=took[len(took) // 2],
        p99_ms=took[len(took) * 99 // 100],
        start_s=start,
        start_cpu_s=start_cpu,
        idle_mb=idle,
        peak_mb=process.rss_mb(peak=True),
        calls=(talk.calls - calls) / load.saturated,
        lost=lost,
        doubled=talk.doubled,
        disordered=talk.disordered,
    )


def peers_python() -> str:
    """The Python of the peers' environment, which is made, or made anew, where it is not what is written down."""
    python, stamp = PEERS / "bin" / "python", PEERS / "requirements.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print(f"installing the other frameworks into {PEERS.name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", PEERS], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return str(python)


# ------------------------------------------------------------------ showing


def table(rounds: dict[str, list[Figures]]) -> str:
    """Medians, ranges and ratios in Markdown."""
    head = ["", *(heading for heading, _, _ in _COLUMNS.values()), "lost, doubled, out of order"]
    base = rounds.get(BASE)
    rows = [
        [name, *(_cell(figures, base, field) for field in _COLUMNS), _faults(figures)]
        for name, figures in rounds.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _cell(figures: list[Figures], base: list[Figures] | None, field: str) -> str:
    _, digits, compared = _COLUMNS[field]
    values = [getattr(one, field) for one in figures]
    shown = f"{statistics.median(values):.{digits}f}"
    if len(values) > 1:
        shown += f" ({min(values):.{digits}f}-{max(values):.{digits}f})"
    if compared and base:
        shown += f" **{statistics.median(values) / statistics.median(getattr(one, field) for one in base):.2f}x**"
    return shown


def _faults(figures: list[Figures]) -> str:
    return ", ".join(str(sum(getattr(one, name) for one in figures)) for name in ("lost", "doubled", "disordered"))


def machine() -> str:
    """Where and when."""
    python = f"Python {platform.python_version()}"
    return f"{python}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our bot beside other frameworks' echo bots.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=BOTS, default=list(BOTS), metavar="BOT", help="rows to measure")
    parser.add_argument("--json", action="store_true", help="every figure of every round")
    for field in fields(Load):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    given = parser.parse_args()
    load = Load(**{field.name: getattr(given, field.name) for field in fields(Load)})
    python, rounds, where = peers_python(), dict[str, list[Figures]](), machine()
    for number in range(given.rounds):
        for name in given.only:
            print(f"round {number + 1}: {name}", file=sys.stderr)
            rounds.setdefault(name, []).append(asyncio.run(measure(BOTS[name], python, load)))
    if given.json:
        found = {name: [asdict(one) for one in figures] for name, figures in rounds.items()}
        print(json.dumps({"machine": where, "load": asdict(load), "bots": found}, indent=1))
    else:
        print(f"{where}\n\n{table(rounds)}")


if __name__ == "__main__":
    main()
