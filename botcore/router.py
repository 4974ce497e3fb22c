"""Who works on which conversation: in order within one, many at once, fair between people.

Messages this process accepted arrive with their claim. Everything else, a backlog after a restart, the next message
of a busy conversation, what a dead process left, is claimed here. A conversation goes back after each message with
``next_at = now``, which is round robin: nobody who writes much holds up the others. Where nobody waits it goes on with
its next message at once, which is claimed in the commit that ends the one before.
"""

import asyncio
import logging
from collections.abc import Coroutine

from botcore.clock import wait_at_most
from botcore.errors import StoreError
from botcore.failpoints import failpoint
from botcore.house import House
from botcore.leases import Leases, level
from botcore.line import Line
from botcore.store import Claim, Handover, Who, who
from botcore.trial import Trials
from botcore.turn import TurnRun

__all__ = ["Router"]

log: logging.Logger = logging.getLogger(__name__)

POLL_S = 1.0
"""The safety net for what no event tells: retries that became due, work of other processes."""
AHEAD = 8
"""Fetched conversations that may stand in the line at once."""
FETCHED = 1_000
"""Fetched conversations at once, those included that only send or wait for a platform: each is a task and a lease."""
CLAIMS = 16
"""Conversations claimed in one transaction: 2 ms on the writer's thread, which everybody waits for."""


class Router:
    """Runs turns until it is drained."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._running: set[TurnRun] = set()
        self.leases: Leases = Leases(house, self._running)
        self._newest: dict[str, TurnRun] = {}
        self.held: dict[Who, int] = {}
        """How many conversations are worked on for whom."""
        self._claiming = asyncio.Lock()
        self._fetched: set[TurnRun] = set()
        self._wake = asyncio.Event()
        self._channels = tuple(house.channels)
        self._trials = Trials(house.store, house.clock)
        self._line = Line(house.settings.concurrent, freed=self._room_made)
        self._drained = False
        """At the last look there was room for more than there was to claim."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self.started: asyncio.Event = asyncio.Event()
        """Set once `submit` may be called."""
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled; turns that still run then go back to the inbox."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.started.set()
                group.create_task(self.leases.keep(), name="lease heartbeat")
                group.create_task(self._line.announce(self._house.clock), name="places in the line")
                try:
                    await self._backlog()
                finally:
                    self._group = None
        finally:
            await self._pass_on()

    @property
    def running(self) -> bool:
        """Whether `submit` may be called."""
        return self._group is not None

    def submit(self, claim: Claim) -> TurnRun:
        """Work on a conversation that was claimed, as while its message was accepted."""
        self._idle.clear()
        release = Handover(lease_s=self._goes_on)
        run = TurnRun(self._house, claim, self._line, release=release, released=self._released)
        self._running.add(run)
        self._newest[claim.conversation.key] = run  # an earlier one may still be telling its plugins
        self._hold(claim, 1)
        self._start(self._work(run), f"conversation {claim.conversation.key}")
        if claim.suspect:
            self._start(self._trials.hold(run), f"trial of {claim.turn}")
        return run

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        if self._group is None:
            raise RuntimeError("the router is not running")
        self._group.create_task(work, name=name)

    @property
    def load(self) -> int:
        """How many conversations this process works on."""
        return len(self._running)

    def stop(self, conversation: str) -> None:
        """End the running turn of this conversation as stopped, if it runs here."""
        run = self._newest.get(conversation)
        if run:
            run.stop()

    def heard(self, conversation: str) -> None:
        """Another process may have stopped what runs in this conversation."""
        if conversation in self._newest:
            self._wake.set()

    def waits(self, conversation: str) -> None:
        """Something of this conversation was stored behind others: whoever works there now finds it at its end."""
        if conversation not in self._newest:
            self._look()

    def left(self) -> None:
        """Another process may have left something to claim as it stopped, or stopped what runs here."""
        if not self._draining:  # who stops leaves it to a third
            self._drained = False
        self._wake.set()

    async def drained(self) -> None:
        """Claim nothing more, and return when the running turns have ended."""
        self._draining = True
        async with self._claiming:  # what is being claimed is submitted first: it must not look like a death
            pass
        await self._idle.wait()

    def cut(self) -> None:
        """The time to end is over: what is cancelled now and has a ``finally`` that never ends is told again."""
        for run in self._running:
            run.overtaken()

    async def _work(self, run: TurnRun) -> None:
        try:
            await self._tried(run)
        except asyncio.CancelledError:
            # Also where it was giving back already: that write must be over before the others are told to look.
            await asyncio.shield(self._put_back(run))
            raise
        finally:
            self._done(run)

    async def _tried(self, run: TurnRun) -> None:
        try:
            await run.run()
        except Exception as error:
            await self.leases.failed(run.claim, error)

    def _hold(self, claim: Claim, change: int) -> None:
        whose = who(claim.message) if claim.message else None
        if whose:
            self.held[whose] = self.held.get(whose, 0) + change
            if not self.held[whose]:
                del self.held[whose]

    def _done(self, run: TurnRun) -> None:
        self._released(run)
        self._running.discard(run)
        self._fetched.discard(run)
        self._hold(run.claim, -1)
        run.end()
        if self._newest.get(run.claim.conversation.key) is run:
            del self._newest[run.claim.conversation.key]
        if not self._running:
            self._idle.set()
        self._room_made()

    # ------------------------------------------------------------------ what is given back

    def _goes_on(self) -> float:
        """For how long a conversation is claimed again as its message ends; 0: it goes to the end of the line.

        Only where nobody else waits for a worker, and with SQLite: there the outcome of a commit is always known.
        """
        alone = self._drained and self._line.free > 0 and not self._draining
        return self._house.settings.lease_s if alone and self._house.store.dialect == "sqlite" else 0.0

    def _released(self, run: TurnRun) -> None:
        """The conversation was given back, or goes on; told again at the end of the run, where it may not have been."""
        following, run.release.claim = run.release.claim, None
        if following:
            failpoint("claim.committed")
            after = self.submit(following)
            self._fetched |= {after} if run in self._fetched else set()
        elif not run.release.idle:
            self._look()
        run.release.idle = True

    async def _put_back(self, run: TurnRun) -> None:
        await self.leases.put_back(run.claim)
        if run.release.claim:  # the write that was not waited for has come before
            await self.leases.put_back(run.release.claim)
        run.release.claim = None

    async def _pass_on(self) -> None:
        """Tell the other processes that something is left to them, where it may be; they look once a second anyway."""
        left, self._drained = not self._drained, True
        if left and self._house.store.dialect == "postgresql":
            try:
                await self._house.store.leave()
            except StoreError as error:
                log.log(level(error), "the others find what is left within a second: %s", error)

    def _look(self) -> None:
        """There may be something to claim."""
        self._drained = False
        self._wake.set()

    def _room_made(self) -> None:
        if not self._drained:
            self._wake.set()

    # ------------------------------------------------------------------ what waits

    async def _backlog(self) -> None:
        while True:
            self._wake.clear()
            while await self._take():
                pass
            await self._hear_stops()
            await self.leases.find()
            await wait_at_most(POLL_S, self._wake, self._house.clock)

    async def _take(self) -> bool:
        """Whether there may be more to claim than was; that is worked on now."""
        async with self._claiming:
            if self._draining:
                await self._pass_on()
                return False
            room = self._room()
            claims = await self._claims(room) if room > 0 else None
            if claims:
                failpoint("claim.committed")
            self._fetched |= {self.submit(claim) for claim in claims or ()}
            self._drained = claims is not None and len(claims) < room
            return bool(claims) and not self._drained

    def _room(self) -> int:
        """How many to fetch: for the free slots, else a few into the line, beside what is claimed while it is accepted.

        More would be kept from other processes; none would let new conversations pass by all that wait here.
        """
        wanted = self._line.free or AHEAD - sum(run.in_line for run in self._fetched)
        return min(CLAIMS, wanted, FETCHED - len(self._fetched))

    async def _claims(self, room: int) -> list[Claim] | None:
        """None where nobody could look."""
        if not await self.leases.fresh():
            return None
        lease_s = self._house.settings.lease_s
        try:
            return await self._house.store.claim_some(room, lease_s=lease_s, channels=self._channels)
        except StoreError as error:
            log.log(level(error), "cannot look for work: %s", error)
            self.leases.doubt()
            return None

    async def _hear_stops(self) -> None:
        """Stop what was stopped through another process; one process alone is told directly."""
        if self._running and self._house.store.dialect == "postgresql":
            try:
                for conversation in await self._house.store.stopped():
                    self.stop(conversation)
            except StoreError as error:
                log.log(level(error), "cannot look for stops: %s", error)
