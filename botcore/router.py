"""Who works on which conversation: in order within one, many at once, fair between people.

Messages this process accepted arrive with their claim. Everything else, a backlog after a restart, the next message
of a busy conversation, what a dead process left, is claimed here. A conversation goes back after each message with
``next_at = now``, which is round robin: nobody who writes much holds up the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from traceback import format_exception

from botcore.errors import LeaseLost, StoreError, StoreUnavailable
from botcore.failpoints import failpoint
from botcore.line import Line
from botcore.live import House
from botcore.store import Claim, Who, who
from botcore.trial import Trials
from botcore.turn import TurnRun

__all__ = ["Router"]

log: logging.Logger = logging.getLogger(__name__)

POLL_S = 1.0
"""The safety net for what no event tells: retries that became due, work of other processes."""
TRACE_LIMIT = 4_000
"""Characters of a traceback that a dead letter keeps."""
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
        self._newest: dict[str, TurnRun] = {}
        self.held: dict[Who, int] = {}
        """How many conversations are worked on for whom."""
        self._claiming = asyncio.Lock()
        self._fetched: set[TurnRun] = set()
        self._wake = asyncio.Event()
        self._trials = Trials(house.store, house.clock, over=self._wake.set)
        self._line = Line(house.settings.concurrent, freed=self._wake.set)
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._extended = house.clock.monotonic()
        """When the leases were last extended."""
        self._doubt = False
        self._unknown = set[tuple[str, int]]()
        self.started: asyncio.Event = asyncio.Event()
        """Set once `submit` may be called."""
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled; turns that still run then go back to the inbox."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.started.set()
            group.create_task(self._heartbeat(), name="lease heartbeat")
            group.create_task(self._line.announce(self._house.clock), name="places in the line")
            await self._backlog()

    def submit(self, claim: Claim) -> TurnRun:
        """Work on a conversation that was claimed, as while its message was accepted."""
        self._idle.clear()
        run = TurnRun(self._house, claim, self._line)
        self._running.add(run)
        self._newest[claim.conversation.key] = run  # an earlier one may still be telling its plugins
        self._hold(claim, 1)
        self._start(self._work(run), f"conversation {claim.conversation.key}")
        if claim.suspect:
            self._trials.open(run)
            self._start(self._trials.watch(run), f"trial of {claim.turn}")
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

    def doubt(self) -> None:
        """An accept or a claim failed: the database may hold it all the same, if only its COMMIT got no answer."""
        self._doubt = True

    def wake(self) -> None:
        """There may be something to claim."""
        self._wake.set()

    async def drain(self, seconds: float) -> None:
        """Claim nothing more, and return when the running turns have ended or ``seconds`` have passed."""
        self._draining = True
        try:
            async with self._house.clock.timeout(seconds):
                async with self._claiming:  # what is being claimed is submitted first: it must not look like a death
                    pass
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d turns did not end within %g s; they go back to the inbox", len(self._running), seconds)

    async def _work(self, run: TurnRun) -> None:
        claim = run.claim
        try:
            await run.run()
        except LeaseLost:
            await self._lost(claim)
        except asyncio.CancelledError:
            await asyncio.shield(self._requeue_once(claim))
            raise
        except StoreError as error:
            log.log(_level(error), "%s: tried again when the store is back: %s", claim.conversation.key, error)
            await self._give_back(partial(self._house.store.requeue, claim, delay_s=POLL_S))
        except Exception as error:
            await self._failed(claim, error)
        finally:
            self._done(run)

    async def _failed(self, claim: Claim, error: Exception) -> None:
        """Give the message back; the attempt counts: the third one makes it a dead letter."""
        if isinstance(error, ExceptionGroup) and error.subgroup(LeaseLost):  # it came through a task's group
            await self._lost(claim)
            return
        log.error("%s: could not be worked on", claim.conversation.key, exc_info=error)
        await self._give_back(partial(self._house.store.failed_run, claim, self._trace(claim, error)))

    def _trace(self, claim: Claim, error: Exception) -> str:
        at = datetime.fromtimestamp(self._house.clock.now(), UTC)
        told = "".join(format_exception(error)).strip()[-TRACE_LIMIT:]
        return f"{at:%Y-%m-%d %H:%M:%SZ} attempt {claim.attempts}:\n{told}\n"

    async def _lost(self, claim: Claim) -> None:
        """Say that no process died here: whoever took over has counted a death. Where nobody did, give it back."""
        try:
            await self._house.store.requeue(claim)
            return
        except LeaseLost:
            log.warning("%s: another process took this conversation over", claim.conversation.key)
        except StoreError as error:
            log.log(_level(error), "%s: its lease must run out first: %s", claim.conversation.key, error)
        try:
            await self._house.store.absolve(claim)
        except StoreError as error:
            log.warning("%s: a death that was none stays counted: %s", claim.conversation.key, error)

    async def _requeue_once(self, claim: Claim) -> None:
        failpoint("requeue.begin")
        try:
            await self._house.store.requeue(claim)
        except StoreError as error:
            log.log(_level(error), "%s: its lease must run out first: %s", claim.conversation.key, error)

    async def _give_back(self, how: Callable[[], Awaitable[None]]) -> None:
        """Give a conversation back, however long it takes: a lease we go on extending would hold it for ever."""
        while True:
            try:
                await how()
                return
            except LeaseLost:
                return  # somebody else has it, which is as good
            except StoreError as error:
                log.log(_level(error), "a conversation cannot be given back yet: %s", error)
            await self._house.clock.sleep(POLL_S)

    def _hold(self, claim: Claim, change: int) -> None:
        whose = who(claim.message) if claim.message else None
        if whose:
            self.held[whose] = self.held.get(whose, 0) + change
            if not self.held[whose]:
                del self.held[whose]

    def _done(self, run: TurnRun) -> None:
        self._running.discard(run)
        self._fetched.discard(run)
        self._hold(run.claim, -1)
        run.begun.set()
        run.proven.set()
        self._trials.close(run)
        if self._newest.get(run.claim.conversation.key) is run:
            del self._newest[run.claim.conversation.key]
        if not self._running:
            self._idle.set()
        self._wake.set()

    async def _backlog(self) -> None:
        while True:
            self._wake.clear()
            while await self._take():
                pass
            await self._hear_stops()
            await self._find_unknown()
            await self._sleep()

    async def _take(self) -> bool:
        """Whether there was something to claim; it is worked on now."""
        async with self._claiming:
            claims = [] if self._draining else await self._claims()
            if claims:
                failpoint("claim.committed")
            self._fetched |= {self.submit(claim) for claim in claims}
            return bool(claims)

    def _room(self) -> int:
        """How many to fetch: for the free slots, else a few into the line, beside what is claimed while it is accepted.

        More would be kept from other processes; none would let new conversations pass by all that wait here.
        """
        wanted = self._line.free or AHEAD - sum(run.in_line for run in self._fetched)
        return min(CLAIMS, wanted, FETCHED - len(self._fetched))

    async def _claims(self) -> list[Claim]:
        room = self._room()
        if room <= 0:
            return []
        late = self._house.clock.monotonic() - self._extended > self._house.settings.lease_s / 2
        if late and not await self._extend():
            return []  # the store was away, and what has run out meanwhile may be our own
        try:
            return await self._trials.claim(room, lease_s=self._house.settings.lease_s)
        except StoreError as error:
            log.log(_level(error), "cannot look for work: %s", error)
            self.doubt()
            return []

    async def _find_unknown(self) -> None:
        """Give back what is claimed in our name and nobody here works on: the heartbeat would hold it for ever."""
        if not self._doubt or self._house.store.dialect == "sqlite":
            return
        try:
            held = await self._house.store.held()
            unknown = held - {(run.claim.conversation.key, run.claim.epoch) for run in self._running}
            for key, epoch in unknown & self._unknown:  # the second time: one may just have been on its way here
                log.warning("%s: claimed by a COMMIT that got no answer; given back", key)
                await self._house.store.let_go(key, epoch)
        except StoreError as error:
            log.log(_level(error), "cannot look for claims without an owner: %s", error)
        else:
            self._unknown, self._doubt = unknown, bool(unknown)

    async def _hear_stops(self) -> None:
        """Stop what was stopped through another process; one process alone is told directly."""
        if self._running and self._house.store.dialect == "postgresql":
            try:
                for conversation in await self._house.store.stopped():
                    self.stop(conversation)
            except StoreError as error:
                log.log(_level(error), "cannot look for stops: %s", error)

    async def _sleep(self) -> None:
        try:
            async with self._house.clock.timeout(POLL_S):
                await self._wake.wait()
        except TimeoutError:
            self._trials.look()

    async def _heartbeat(self) -> None:
        clock, lease_s = self._house.clock, self._house.settings.lease_s
        while True:
            slept = clock.monotonic()
            await clock.sleep(lease_s / 3)
            if clock.monotonic() - slept > lease_s and self._house.store.dialect == "postgresql":
                # The whole process was frozen. Asking who has taken what would let its turns go on meanwhile.
                for run in self._running:
                    run.overtaken()
            self._trials.look()  # where work never pauses, too
            await self._extend()

    async def _extend(self) -> bool:
        """Extend the leases. A turn whose lease was taken, while we were frozen or cut off, frees its engine slot."""
        known, now = (
            list(self._running),
            self._house.clock.monotonic(),
        )  # one that is claimed meanwhile may be missing in the answer
        try:
            held = await self._house.store.heartbeat(lease_s=self._house.settings.lease_s)
        except StoreError as error:
            log.log(_level(error), "leases could not be extended: %s", error)
            return False
        self._extended = now
        for run in known:
            if (run.claim.conversation.key, run.claim.epoch) not in held:
                run.overtaken()
        return True


def _level(error: StoreError) -> int:
    """What the store says for everybody, in one line, is not said again by each who meets it."""
    return logging.DEBUG if isinstance(error, StoreUnavailable) else logging.WARNING
