"""What this process holds: extended while it works, given back when it ends, found again where nobody knows of it.

heartbeat    extends every lease; a turn whose lease was taken over, while we were frozen or cut off, is ended
put back     an aborted message, as if it had not been begun
failed       by an error of ours: the attempt counts, the third one makes it a dead letter
lost         somebody else has it: no process has died here, and that is said
in doubt     a COMMIT that got no answer may hold a conversation nobody works on, now or when it takes effect at last
"""

import logging
from collections.abc import Awaitable, Callable, Set
from datetime import UTC, datetime
from functools import partial
from traceback import format_exception
from typing import NoReturn

from botcore.errors import LeaseLost, StoreError, StoreUnavailable
from botcore.failpoints import failpoint
from botcore.house import House
from botcore.store import Claim
from botcore.turn import TurnRun

__all__ = ["Leases", "level"]

log: logging.Logger = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Between two tries of what the store could not take."""
STEP_S = 1.0
"""By so much less than it should the wall time has gone on where it was set back; NTP's own pace loses 5 ms in 10 s."""
TRACE_LIMIT = 4_000
"""Characters of a traceback that a dead letter keeps."""


class Leases:
    """The leases of one process. ``running`` is the router's own set of what is worked on."""

    def __init__(self, house: House, running: Set[TurnRun]) -> None:
        self._store = house.store
        self._clock = house.clock
        self._lease_s = house.settings.lease_s
        self._running = running
        self._extended = house.clock.monotonic(), house.clock.now()
        self._doubt = False
        self._unknown = set[tuple[str, int]]()
        self._extra = set[tuple[str, int]]()

    async def keep(self) -> NoReturn:
        """Extend until cancelled."""
        while True:
            slept = self._clock.monotonic()
            await self._clock.sleep(self._lease_s / 3)
            if self._clock.monotonic() - slept > self._lease_s and self._store.dialect == "postgresql":
                # The whole process was frozen. Asking who has taken what would let its turns go on meanwhile.
                for run in self._running:
                    run.overtaken()
            await self._extend()

    async def fresh(self) -> bool:
        """Whether what has run out is surely not our own: where the store was away for long, after extending."""
        monotonic, wall = self._extended
        passed = max(self._clock.monotonic() - monotonic, self._clock.now() - wall)  # it may have been set forward
        return passed <= self._lease_s / 2 or await self._extend()

    async def _extend(self) -> bool:
        # What is claimed meanwhile may not be in the answer.
        known = {(run.claim.conversation.key, run.claim.epoch): run for run in self._running}
        monotonic, wall = now = self._clock.monotonic(), self._clock.now()
        set_back = wall - self._extended[1] < monotonic - self._extended[0] - STEP_S
        try:
            held = await self._store.heartbeat(lease_s=self._lease_s)
            if set_back:
                await self._store.time_went_back(lease_s=self._lease_s)
        except StoreError as error:
            log.log(level(error), "leases could not be extended: %s", error)
            return False
        self._extended = now
        for claim in known.keys() - held:
            known[claim].overtaken()
        unknown = held - known.keys()
        self._doubt |= not unknown.isdisjoint(self._extra)  # the first time: mostly on its way here
        self._extra = unknown
        return True

    # ------------------------------------------------------------------ giving back

    async def put_back(self, claim: Claim) -> None:
        """Let an aborted message wait as if it had not been begun."""
        failpoint("requeue.begin")
        try:
            await self._store.requeue(claim)
        except LeaseLost:
            pass  # somebody else has it, which is as good
        except StoreError as error:
            log.log(level(error), "%s: its lease must run out first: %s", claim.conversation.key, error)

    async def failed(self, claim: Claim, error: Exception) -> None:
        """Give back what ended with ``error``."""
        match error:
            case LeaseLost():
                await self._lost(claim)
            case ExceptionGroup() if stores := error.subgroup(StoreError):  # it came through a task's group
                await self.failed(claim, stores.exceptions[0])
            case StoreError():
                log.log(level(error), "%s: tried again when the store is back: %s", claim.conversation.key, error)
                await self._give_back(partial(self._store.requeue, claim, delay_s=AGAIN_S))
            case _:
                log.error("%s: could not be worked on", claim.conversation.key, exc_info=error)
                await self._give_back(partial(self._store.failed_run, claim, self._trace(claim, error)))

    def _trace(self, claim: Claim, error: Exception) -> str:
        at = datetime.fromtimestamp(self._clock.now(), UTC)
        told = "".join(format_exception(error)).strip()[-TRACE_LIMIT:]
        return f"{at:%Y-%m-%d %H:%M:%SZ} attempt {claim.attempts}:\n{told}\n"

    async def _lost(self, claim: Claim) -> None:
        """Say that no process died here: whoever took over has counted a death. Where nobody did, give it back."""
        try:
            await self._store.requeue(claim)
            return
        except LeaseLost:
            log.warning("%s: another process took this conversation over", claim.conversation.key)
        except StoreError as error:
            log.log(level(error), "%s: its lease must run out first: %s", claim.conversation.key, error)
        try:
            await self._store.absolve(claim)
        except StoreError as error:
            log.warning("%s: a death that was none stays counted: %s", claim.conversation.key, error)

    async def _give_back(self, how: Callable[[], Awaitable[None]]) -> None:
        """However long it takes: a lease we go on extending would hold the conversation for ever."""
        while True:
            try:
                await how()
                return
            except LeaseLost:
                return  # somebody else has it, which is as good
            except StoreError as error:
                log.log(level(error), "a conversation cannot be given back yet: %s", error)
            await self._clock.sleep(AGAIN_S)

    # ------------------------------------------------------------------ doubt

    def doubt(self) -> None:
        """An accept or a claim failed: the database may hold it all the same, if only its COMMIT got no answer."""
        self._doubt = True

    async def find(self) -> None:
        """After doubt, give back what is claimed in our name and nobody here works on: we would extend it for ever."""
        if not self._doubt or self._store.dialect == "sqlite":
            return
        try:
            held = await self._store.held()
            unknown = held - {(run.claim.conversation.key, run.claim.epoch) for run in self._running}
            for key, epoch in unknown & self._unknown:  # the second time: one may just have been on its way here
                log.warning("%s: claimed by a COMMIT that got no answer; given back", key)
                await self._store.let_go(key, epoch)
        except StoreError as error:
            log.log(level(error), "cannot look for claims without an owner: %s", error)
        else:
            self._unknown, self._doubt = unknown, bool(unknown)


def level(error: StoreError) -> int:
    """What the store says for everybody, in one line, is not said again by each who meets it."""
    return logging.DEBUG if isinstance(error, StoreUnavailable) else logging.WARNING
