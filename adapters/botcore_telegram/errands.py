"""Small calls nobody waits for: answers to pressed buttons, notices. Best effort: what fails, fails quietly."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from botcore import Clock, Rejected, Retry, Unknown

__all__ = ["Errands"]

log = logging.getLogger(__name__)

LANES = 4
WAITING = 64
"""Errands that may wait in one lane; a further one is dropped."""
TOO_OLD_S = 120.0
"""A press cannot be answered after 150 s, and a notice that late would puzzle."""

Errand = Callable[[], Awaitable[object]]


class Errands:
    """Runs errands while `run` does; anybody may add one at any time. Those of one chat keep their order."""

    def __init__(self, clock: Clock, channel: str) -> None:
        self._clock = clock
        self._channel = channel
        self._lanes = [asyncio.Queue[tuple[float, Errand]](WAITING) for _ in range(LANES)]

    def add(self, chat: int, errand: Errand) -> None:
        """Do this soon, or never: where too many wait, or nobody runs them."""
        try:
            self._lanes[chat % LANES].put_nowait((self._clock.monotonic(), errand))
        except asyncio.QueueFull:
            log.warning("%s: too busy for a notice or the answer to a button", self._channel)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for number, lane in enumerate(self._lanes):
                workers.create_task(self._work(lane), name=f"{self._channel}: errands {number}")

    async def _work(self, lane: "asyncio.Queue[tuple[float, Errand]]") -> NoReturn:
        while True:
            added, errand = await lane.get()
            if self._clock.monotonic() - added < TOO_OLD_S:
                await self._do(errand)

    async def _do(self, errand: Errand) -> None:
        try:
            await errand()
        except (Retry, Rejected, Unknown) as error:
            log.info("%s: a notice or the answer to a button was not taken: %s", self._channel, error)
        except Exception:
            log.exception("%s: a notice or the answer to a button failed: a bug", self._channel)
