"""Suspects: messages whose process died while it worked on them. One at a time is on trial, beside everybody else.

A trial lasts until the suspect has written something, has ended, or has run for two seconds: what kills a process
mostly does so at once, and waiting for the end of each of sixty-four long replies would take half an hour. The second
death then accuses one message only; the others are acquitted.
"""

import logging
from collections.abc import Callable

from botcore.clock import Clock
from botcore.errors import LeaseLost, StoreError
from botcore.store import Claim, Store
from botcore.turn import TurnRun

__all__ = ["Trials"]

log: logging.Logger = logging.getLogger(__name__)

TRIAL_S = 2.0
"""How long a suspect runs as the only one."""
LOOK_EVERY_S = 1.0
"""Another process may have put somebody into the suspects' line."""


class Trials:
    """Claims for one process, so that two suspects never run at once in it."""

    def __init__(self, store: Store, clock: Clock, *, over: Callable[[], None]) -> None:
        """``over`` is called when a trial is: there may be somebody to claim."""
        self._store = store
        self._clock = clock
        self._over = over
        self._accused: TurnRun | None = None
        self._suspected = True
        self._looked = clock.monotonic()

    async def claim(self, most: int, *, lease_s: float) -> list[Claim]:
        """Up to ``most`` conversations to work on, empty where none waits. Raises `StoreUnavailable`."""
        if self._accused is None and (self._suspected or self._clock.monotonic() - self._looked >= LOOK_EVERY_S):
            self._looked = self._clock.monotonic()
            suspect = await self._store.claim_suspect(lease_s=lease_s)
            if suspect is not None:
                return [suspect]
            self._suspected = False
        while found := await self._store.claim_some(most, lease_s=lease_s, aside=self._accused is not None):
            begun = [claim for claim in found if not claim.aside]
            self._suspected |= len(begun) < len(found)
            if begun:
                return begun
        return []

    def open(self, run: TurnRun) -> None:
        """This suspect is on trial from now on; `watch` says until when."""
        self._accused = run

    async def watch(self, run: TurnRun) -> None:
        """Return when the trial is over, the suspect acquitted where it lives."""
        try:
            await run.begun.wait()
            async with self._clock.timeout(TRIAL_S):
                await run.proven.wait()
        except TimeoutError:
            pass
        try:
            if self._accused is run:
                await self._store.acquit(run.claim)
        except (LeaseLost, StoreError) as error:
            log.warning("%s: a suspect could not be acquitted: %s", run.claim.conversation.key, error)
        finally:
            self.close(run)

    def close(self, run: TurnRun) -> None:
        """The next suspect may come, if this one was on trial."""
        if self._accused is run:
            self._accused, self._suspected = None, True
            self._over()
