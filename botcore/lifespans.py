"""Plugins' lifespans: entered before anything runs, left when all has ended. What fails or hangs costs itself alone."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from botcore.clock import Clock
from botcore.dispatch import FAILURES, Bound, travels_on
from botcore.errors import in_a_line
from botcore.ports import Bot

__all__ = ["Lifespans", "ended"]

log: logging.Logger = logging.getLogger(__name__)

BEGIN_S = 30.0
"""A plugin's start may take this long before the others go on without waiting for it."""
END_S = 5.0
"""A plugin's lifespan may take this long to end, after the replies have; then it is cancelled."""


async def ended(tasks: Iterable[asyncio.Task[Any]], *, clock: Clock, within_s: float) -> None:
    """Return when all have ended; what takes longer is named and cancelled, again and again."""
    while late := [task for task in tasks if not task.done()]:
        with suppress(TimeoutError):
            async with clock.timeout(within_s):
                await asyncio.wait(late)
        for task in late:
            if not task.done():
                told = "%s did not end within %g s and is cancelled; it must cancel its tasks"
                log.warning(told, task.get_name(), within_s)
                task.cancel()


class Lifespans:
    """Those of one bot, each a task of its own."""

    def __init__(self, bot: Bot, *, clock: Clock, group: asyncio.TaskGroup, failed: Callable[[str, str], None]) -> None:
        """``failed`` is told a plugin's name and what went wrong with its lifespan."""
        self._bot = bot
        self._clock = clock
        self._group = group
        self._failed = failed
        self._over = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def enter(self, plugins: Iterable[Bound]) -> None:
        """Return when every one has begun or failed, or was waited for long enough."""
        entered = dict[str, asyncio.Event]()
        for bound in plugins:
            entered[bound.plugin] = asyncio.Event()
            life = self._life(bound, entered[bound.plugin])
            self._tasks.append(self._group.create_task(life, name=f"lifespan of {bound.plugin}"))
        try:
            async with self._clock.timeout(BEGIN_S):
                for event in entered.values():
                    await event.wait()
        except TimeoutError:
            late = ", ".join(plugin for plugin, event in entered.items() if not event.is_set())
            log.warning("still starting after %g s: %s; the bot goes on", BEGIN_S, late)

    async def leave(self) -> None:
        """Wait for each to end; what hangs is cancelled, so that the bot ends in the time it has."""
        self._over.set()
        await ended(self._tasks, clock=self._clock, within_s=END_S)

    async def _life(self, bound: Bound, entered: asyncio.Event) -> None:
        try:
            async with bound.call(self._bot):
                entered.set()
                await self._over.wait()
        except FAILURES as error:
            if travels_on(error):
                raise
            self._failed(bound.plugin, in_a_line(error))
            log.exception("plugin %s: its lifespan failed; the bot goes on", bound.plugin)
        finally:
            entered.set()
