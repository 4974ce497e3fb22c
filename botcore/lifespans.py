"""Plugins' lifespans: entered before anything runs, left when all has ended. What fails or hangs costs itself alone."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from botcore.clock import Clock
from botcore.dispatch import FAILURES, Bound, travels_on
from botcore.errors import in_a_line
from botcore.ports import Bot

__all__ = ["Lifespans", "exits_contained"]

log: logging.Logger = logging.getLogger(__name__)

BEGIN_S = 30.0
"""A plugin's start may take this long before the others go on without waiting for it."""
END_S = 5.0
"""A plugin's lifespan may take this long to end, after the replies have; then it is cancelled."""

OWNER: ContextVar[str] = ContextVar("plugin whose lifespan started this task", default="")


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
        with suppress(TimeoutError):
            async with self._clock.timeout(END_S):
                await self._ended()
        told = "%s did not end within %g s and is cancelled; it must cancel its tasks"
        for late in (task for task in self._tasks if not task.done()):
            log.warning(told, late.get_name(), END_S)
            late.cancel()
        await self._ended()

    async def _ended(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _life(self, bound: Bound, entered: asyncio.Event) -> None:
        OWNER.set(bound.plugin)
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


@contextmanager
def exits_contained() -> Iterator[None]:
    """Inside, ``sys.exit`` in a task that a plugin's lifespan started is an error of that task alone.

    asyncio lets `SystemExit` out of any task end the loop at once, and with it the bot, whoever awaits that task.
    """
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()

    def make(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> "asyncio.Future[Any]":
        plugin = OWNER.get()
        work = _Contained(plugin, work) if plugin else work
        return before(loop, work, **more) if before else asyncio.Task(work, loop=loop, **more)

    loop.set_task_factory(make)
    try:
        yield
    finally:
        if loop.get_task_factory() is make:  # else another bot in this loop has begun since, and builds on it
            loop.set_task_factory(before)


class _Contained(Coroutine[Any, Any, Any]):
    """A plugin's coroutine. Not an ``async def`` around it: cancelled before it began, that would never await it."""

    def __init__(self, plugin: str, work: Coroutine[Any, Any, Any]) -> None:
        self._plugin = plugin
        self._work = work

    def send(self, value: Any) -> Any:
        try:
            return self._work.send(value)
        except SystemExit as error:
            raise self._told(error) from error

    def throw(self, *raised: Any) -> Any:
        try:
            return self._work.throw(*raised)
        except SystemExit as error:
            raise self._told(error) from error

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Any:
        return self._work.__await__()

    def __getattr__(self, name: str) -> Any:
        """What debuggers and asyncio's own messages ask for: name, code, frame."""
        return getattr(self._work, name)

    def _told(self, error: SystemExit) -> RuntimeError:
        called, task = f"called sys.exit({error.code!r})", asyncio.current_task()
        name = task.get_name() if task else ""
        log.warning("plugin %s: its task %r %s; the task has failed, the bot goes on", self._plugin, name, called)
        return RuntimeError(f"it {called}")
