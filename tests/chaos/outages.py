"""PostgreSQL goes away under the bots: restarted, crashed, every connection cut. Nobody lends a hand."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import sqlalchemy as sa

from tests.chaos.report import Counts, scenario
from tests.chaos.server import Server
from tests.chaos.workers import Paced, checked, counted, crowded

__all__ = ["postgres_cut", "postgres_restarted"]

PAUSE_S = (5.0, 40.0)
RECOVERY_S = 5.0
"""From the moment the server takes connections again to the next answer."""
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@scenario(size=300, postgres=True, alone=True)
async def postgres_restarted(folder: Path, seed: int, size: int) -> Counts:
    """Seconds: PostgreSQL is restarted every 5 to 40 s, half of the times by a crash, under four workers."""

    async def restart(server: Server, chance: Random) -> None:
        await server.stop(chance.choice(["fast", "immediate"]))
        await asyncio.sleep(chance.uniform(0, 2))
        await server.start()

    return await _run(folder, seed, size, restart)


@scenario(size=120, postgres=True, alone=True)
async def postgres_cut(folder: Path, seed: int, size: int) -> Counts:
    """Seconds: every connection to PostgreSQL is terminated every 5 to 40 s, under four workers."""

    async def cut(server: Server, chance: Random) -> None:
        await asyncio.to_thread(_cut, server.url)

    return await _run(folder, seed, size, cut)


def _cut(url: str) -> None:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(CUT).all()


async def _run(folder: Path, seed: int, seconds: int, disturb: Callable[[Server, Random], Awaitable[None]]) -> Counts:
    chance, recoveries = Random(seed), list[float]()
    async with Server() as server, crowded(folder, seed, seconds, server.url) as (workers, crowd, engine):
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(crowd.talk(), name="crowd")
            while not talking.done() and time.monotonic() - began < seconds:
                pause = chance.uniform(*PAUSE_S) if seconds > PAUSE_S[1] else PAUSE_S[0]
                await asyncio.wait([talking], timeout=pause)
                if not talking.done():
                    await disturb(server, chance)
                    recoveries.append(await _answered_again(crowd, talking))
                    workers.kills += 1
        slow = [f"{one:.1f} s until the next answer" for one in recoveries if one > RECOVERY_S]
        counts = counted(workers, crowd, engine, (*await workers.stop(), *checked(server.url), *slow))
        return counts + Counts(sent=0, note=f"slowest recovery {max(recoveries, default=0):.1f} s")


async def _answered_again(crowd: Paced, talking: "asyncio.Task[None]") -> float:
    """Seconds from now to the next answer."""
    began, before = time.monotonic(), crowd.answered
    while crowd.answered == before and not talking.done():
        await asyncio.wait([talking], timeout=0.05)
    return time.monotonic() - began
