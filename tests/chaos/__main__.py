"""The long form: ``python -m tests.chaos [scenario…]`` runs them and prints one table; exit status 1 if a line failed.

Without names all of them run, at full length; those on PostgreSQL only where BOTCORE_TEST_POSTGRES names a server.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from tests.chaos.report import SCENARIOS, Counts, Line, Scenario, as_json, progress, table

MODULES = ("updates", "places", "stops", "faults", "fairness", "disk", "interleavings", "workers", "outages")
"""Where scenarios are, in the order they run."""


def main() -> int:
    for module in MODULES:
        import_module(f"tests.chaos.{module}")
    asked = _arguments()
    server = bool(os.environ.get("BOTCORE_TEST_POSTGRES"))
    names = asked.scenario or [one.name for one in SCENARIOS.values() if server or not one.postgres]
    lines = asyncio.run(_run([SCENARIOS[name] for name in names], asked))
    sys.stdout.write(f"{table(lines)}\n")
    if asked.json:
        asked.json.write_text(as_json(lines))
    return int(any(line.counts.faults for line in lines))


def _arguments() -> argparse.Namespace:
    known = "\n".join(f"  {one.name:24} {one.about} ({one.size})" for one in SCENARIOS.values())
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=f"{(__doc__ or '').partition(chr(10))[0]}\n\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*", help="all, if none is named")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="decides what chance decides")
    parser.add_argument("--size", type=float, default=1.0, help="0.1 = a tenth of the full length")
    parser.add_argument("--jobs", type=int, default=1, help="scenarios side by side, those that measure times excepted")
    parser.add_argument("--keep", type=Path, help="leave logs and databases in this folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    asked = parser.parse_args()
    if unknown := [name for name in asked.scenario if name not in SCENARIOS]:
        parser.error(f"there is no scenario {unknown[0]!r}; there are: {', '.join(SCENARIOS)}")
    return asked


async def _run(scenarios: list[Scenario], asked: argparse.Namespace) -> list[Line]:
    lines = dict[str, Line]()
    slots = asyncio.Semaphore(max(1, asked.jobs))

    async def one(scenario: Scenario) -> None:
        async with slots:
            lines[scenario.name] = await _one(scenario, asked)

    for scenario in scenarios:
        if scenario.alone:
            await one(scenario)
    async with asyncio.TaskGroup() as tasks:
        for scenario in scenarios:
            if not scenario.alone:
                tasks.create_task(one(scenario), name=scenario.name)
    return [lines[scenario.name] for scenario in scenarios]


async def _one(scenario: Scenario, asked: argparse.Namespace) -> Line:
    size = max(1, round(scenario.size * asked.size))
    progress(f"{scenario.name}: begins, seed {asked.seed}, size {size}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="botcore-chaos-", ignore_cleanup_errors=True) as scratch:
        folder = (asked.keep or Path(scratch)) / scenario.name
        folder.mkdir(parents=True)
        try:
            counts = await scenario.run(folder, asked.seed, size)
        except Exception as error:  # the others still have something to say
            counts = Counts(sent=0, wrong=(f"broke off: {type(error).__name__}: {error}",))
    line = Line(scenario=scenario.name, seed=asked.seed, size=size, seconds=time.monotonic() - began, counts=counts)
    progress(f"{scenario.name}: {', '.join(counts.faults) or 'ok'} after {line.seconds:.0f} s")
    return line


if __name__ == "__main__":
    sys.exit(main())
