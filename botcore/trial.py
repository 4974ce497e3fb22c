"""Suspects: messages whose process died while it worked on them. One at a time is on trial, beside everybody else.

A trial begins when the suspect does and lasts until it has written something, has ended, or has run for two seconds:
what kills a process mostly does so at once, and waiting for the end of each of sixty-four long replies would take half
an hour. So the second death accuses one message only, and the others are acquitted.
"""

import asyncio
import logging

from botcore.clock import Clock, wait_at_most
from botcore.errors import StoreError
from botcore.store import Store
from botcore.turn import TurnRun

__all__ = ["Trials"]

log: logging.Logger = logging.getLogger(__name__)

TRIAL_S = 2.0
"""How long a suspect runs as the only one."""


class Trials:
    """The suspects of one process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seat = asyncio.Lock()

    async def hold(self, run: TurnRun) -> None:
        """Let this suspect begin when its turn has come; returns when its trial is over, acquitted where it lives."""
        await run.asking.wait()
        async with self._seat:
            run.admitted.set()
            await run.begun.wait()
            await wait_at_most(TRIAL_S, run.proven, self._clock)
            if not run.ended:
                await self._acquit(run)

    async def _acquit(self, run: TurnRun) -> None:
        try:
            await self._store.acquit(run.claim)
        except StoreError as error:
            log.warning("%s: a suspect could not be acquitted: %s", run.claim.conversation.key, error)
