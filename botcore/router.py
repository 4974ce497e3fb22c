"""Who works on which conversation: in order within one, many at once, fair between people.

Messages this process accepted arrive with their claim. Everything else, a backlog after a restart, the next message
of a busy conversation, what a dead process left, is claimed here. A conversation goes back after each message with
``next_at = now``, which is round robin: nobody who writes much holds up the others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from botcore.errors import LeaseLost, StoreError, StoreUnavailable
from botcore.failpoints import failpoint
from botcore.live import House
from botcore.store import Claim, Who, who
from botcore.turn import TurnRun

__all__ = ["Router"]

log: logging.Logger = logging.getLogger(__name__)

POLL_S = 1.0
"""The safety net for what no event tells: retries that became due, work of other processes."""


class Router:
    """Runs turns until it is drained."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._running: set[TurnRun] = set()
        self._newest: dict[str, TurnRun] = {}
        self.held: dict[Who, int] = {}
        """How many conversations are worked on for whom."""
        self._slots = asyncio.Semaphore(house.settings.concurrent)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self.started: asyncio.Event = asyncio.Event()
        """Set once `submit` may be called."""
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Work until cancelled; turns that still run then go back to the inbox."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.started.set()
            group.create_task(self._heartbeat(), name="lease heartbeat")
            await self._backlog()

    def submit(self, claim: Claim) -> None:
        """Work on a conversation that was claimed while its message was accepted."""
        if self._group is None:
            raise RuntimeError("the router is not running")
        self._idle.clear()
        run = TurnRun(self._house, claim)
        self._running.add(run)
        self._newest[claim.conversation.key] = run  # an earlier one may still be telling its plugins
        self._hold(claim, 1)
        self._group.create_task(self._work(run), name=f"conversation {claim.conversation.key}")

    def stop(self, conversation: str) -> None:
        """End the running turn of this conversation as stopped, if it runs here."""
        run = self._newest.get(conversation)
        if run:
            run.stop()

    def heard(self, conversation: str) -> None:
        """Another process may have stopped what runs in this conversation."""
        if conversation in self._newest:
            self._wake.set()

    def wake(self) -> None:
        """There may be something to claim."""
        self._wake.set()

    async def drain(self, seconds: float) -> None:
        """Claim nothing more, and return when the running turns have ended or ``seconds`` have passed."""
        self._draining = True
        try:
            async with self._house.clock.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d turns did not end within %g s; they go back to the inbox", len(self._running), seconds)

    async def _work(self, run: TurnRun) -> None:
        claim = run.claim
        try:
            async with self._slots:
                self._house.metrics.running.inc()
                try:
                    await run.run()
                finally:
                    self._house.metrics.running.dec()
        except LeaseLost:
            log.warning("%s: another process took this conversation over", claim.conversation.key)
        except asyncio.CancelledError:
            await asyncio.shield(self._requeue_once(claim))
            raise
        except StoreError as error:
            log.log(_level(error), "%s: tried again when the store is back: %s", claim.conversation.key, error)
            await self._give_back(partial(self._house.store.requeue, claim, delay_s=POLL_S))
        except Exception:  # this attempt counts: the third one makes it a dead letter
            log.exception("%s: could not be worked on", claim.conversation.key)
            await self._give_back(partial(self._house.store.release, claim))
        finally:
            self._done(run)

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
                return await how()
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
        self._hold(run.claim, -1)
        if self._newest.get(run.claim.conversation.key) is run:
            del self._newest[run.claim.conversation.key]
        if not self._running:
            self._idle.set()
        self._wake.set()

    async def _backlog(self) -> None:
        while True:
            self._wake.clear()
            while not self._draining and len(self._running) < self._house.settings.concurrent:
                claim = await self._claim()
                if claim is None:
                    break
                failpoint("claim.committed")
                self.submit(claim)
            await self._hear_stops()
            await self._sleep()

    async def _claim(self) -> Claim | None:
        try:
            return await self._house.store.claim_next(lease_s=self._house.settings.lease_s)
        except StoreError as error:
            log.log(_level(error), "cannot look for work: %s", error)
            return None

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
            pass

    async def _heartbeat(self) -> None:
        while True:
            await self._house.clock.sleep(self._house.settings.lease_s / 3)
            if self._running:
                await self._extend()

    async def _extend(self) -> None:
        """Extend the leases. A turn whose lease was taken, while we were frozen or cut off, frees its engine slot."""
        known = list(self._running)  # one that is claimed meanwhile may be missing in the answer
        try:
            held = await self._house.store.heartbeat(lease_s=self._house.settings.lease_s)
        except StoreError as error:
            log.log(_level(error), "leases could not be extended: %s", error)
            return
        for run in known:
            if (run.claim.conversation.key, run.claim.epoch) not in held:
                run.overtaken()


def _level(error: StoreError) -> int:
    """What the store says for everybody, in one line, is not said again by each who meets it."""
    return logging.DEBUG if isinstance(error, StoreUnavailable) else logging.WARNING
