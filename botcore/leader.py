"""Leading: what only one process may do at a time, such as asking Telegram for messages.

The leader extends its term every few seconds and gives it up when it is done; one that died, or lost its database, is
replaced when its term has run out, and the body of one that still runs is cancelled by then. With SQLite there is one
process, which always leads.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from botcore.clock import Clock, Deadline, wait_at_most
from botcore.errors import StoreError
from botcore.store import Store

__all__ = ["Leadership"]

log: logging.Logger = logging.getLogger(__name__)

TERM_S = 10.0
"""Nobody is let in for as long after a leader has died: short, since a term costs one small write in three seconds."""
POLL_S = 1.0
"""Between two looks of those who wait; a leader that gives up is heard at once."""


@dataclass(slots=True)
class _Term:
    name: str
    ends: float
    """By the monotonic clock, counted from before the database was asked: never later than what the others see."""


class Leadership:
    """What this process leads, or waits to lead."""

    def __init__(self, store: Store, *, clock: Clock, group: asyncio.TaskGroup) -> None:
        self._store = store
        self._clock = clock
        self._group = group
        self._changed = asyncio.Event()

    def heard(self) -> None:
        """Somebody may have given something up."""
        self._changed.set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[None]:
        """See `ports.Inbox.lead`."""
        if self._store.dialect == "sqlite":  # whoever holds the lock on data_dir leads in everything
            yield
            return
        term = await self._won(name)
        try:
            async with self._clock.timeout(term.ends - self._clock.monotonic()) as deadline:
                keeper = self._group.create_task(self._keep(term, deadline), name=f"leading {name}")
                try:
                    yield
                finally:
                    keeper.cancel()
        except TimeoutError:
            if self._clock.monotonic() < term.ends:  # the body's own
                raise
            log.warning("%s: another process may lead now", name)
        finally:
            await self._give_up(name)

    async def _won(self, name: str) -> _Term:
        told = False
        while True:
            changed = self._changed
            asked = self._clock.monotonic()
            if await self._take(name):
                log.info("%s: this process leads", name)
                return _Term(name, asked + TERM_S)
            if not told:
                log.info("%s: another process leads; standing by", name)
                told = True
            await wait_at_most(POLL_S, changed, self._clock)

    async def _take(self, name: str) -> bool:
        try:
            return await self._store.take_lead(name, lease_s=TERM_S)
        except StoreError as error:
            log.warning("%s: cannot ask who leads: %s", name, error)
            return False

    async def _keep(self, term: _Term, deadline: Deadline) -> None:
        """Extend the term until cancelled. While the database does not answer, the deadline comes nearer."""
        while True:
            await self._clock.sleep(TERM_S / 3)
            asked = self._clock.monotonic()
            try:
                kept = await self._store.keep_lead(term.name, lease_s=TERM_S)
            except StoreError as error:
                log.warning("%s: the lead could not be extended: %s", term.name, error)
                continue
            term.ends = asked + TERM_S if kept else asked
            deadline.reset(term.ends - self._clock.monotonic())

    async def _give_up(self, name: str) -> None:
        try:
            await self._store.give_up_lead(name)
        except StoreError as error:
            log.warning("%s: the next one leads in %g s: %s", name, TERM_S, error)
