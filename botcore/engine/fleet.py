"""The servers of one engine: which one serves, and how another takes over without a stream that breaks off.

Beside the one that serves there is at most one more, which comes or leaves: there is room for two, in memory as in LoRA
slots. So every change waits until the one before it has ended.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.engine.board import Board
from botcore.engine.command import ServerPlan
from botcore.engine.lane import Lane
from botcore.engine.lending import Lending
from botcore.errors import EngineUnavailable

__all__ = ["Fleet"]

DRAIN = 300.0
"""Seconds a change waits for streams on the old server: as long as a turn may take."""


class Fleet:
    """Lanes, and the board that shows the serving one."""

    def __init__(self, board: Board, *, clock: Clock, point_at: Callable[[Path], None]) -> None:
        """``point_at`` is told the socket of every lane that begins to serve."""
        self.serving: Lane | None = None
        self.lending: Lending = Lending()
        self.wish: str = ""
        """The LoRA version that new turns are to get from the serving lane, where that has it."""
        self._board = board
        self._clock = clock
        self._point_at = point_at
        self._keepers: dict[Lane, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def run(self, lane: Lane) -> None:
        """Serve with this lane, and with those that take over, until cancelled."""
        self.serving = lane
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._keep(lane)
                await asyncio.Event().wait()
        finally:
            self._tasks = self.serving = None

    @property
    def running(self) -> Lane:
        """The serving lane. Raises `EngineUnavailable` where there is none."""
        if self.serving is None or self._tasks is None:
            status = self._board.status
            raise EngineUnavailable(f"the engine is not running: {status.detail or status.stage}")
        return self.serving

    def hear(self, plan: ServerPlan, changes: dict[str, Any]) -> None:
        """A lane's news: the serving lane's is the engine's, the next one's is a remark."""
        if self.serving and self.serving.plan is plan:
            self._board.show(**changes, lora=self.served_by(self.serving))
            if changes.get("stage") == "ready":
                self._point_at(plan.socket)
        elif self._board.status.stage == "ready":
            what = f"next model {plan.model.name}" + (" with LoRA" if plan.lora_rank else "")
            self._board.show(detail=f"{what}: {changes.get('detail', '')}")

    # ------------------------------------------------------------------ who has what

    def served_by(self, lane: Lane) -> str:
        """The LoRA version that new turns get of this lane, "" = the base."""
        return self.wish if self.wish in lane.adapters else ""

    def lane_with(self, name: str) -> Lane | None:
        """The serving lane where it has this version, else one that is leaving and still does."""
        first = [self.serving] if self.serving else []
        return next((lane for lane in (*first, *self._keepers) if name in lane.adapters), None)

    def show_wish(self, name: str) -> None:
        """New turns get this version of the serving lane, from now on."""
        self.wish = name
        self._board.show(lora=self.served_by(self.running))

    @asynccontextmanager
    async def wishing(self, name: str) -> AsyncIterator[None]:
        """Let the lane that takes over inside serve this version; nothing was wished where it does not."""
        before, self.wish = self.wish, name
        try:
            yield
        except BaseException:
            self.wish = before
            raise

    # ------------------------------------------------------------------ from one to the next

    async def take_over(self, new: Lane, *, beside: bool, again: Callable[[Lane], Lane]) -> None:
        """Return when the new lane serves; the old one goes when it has drained.

        Raises `EngineUnavailable` with the reason where the new one does not come up: the old one then serves on, or
        without ``beside``, ``again`` makes one like it.
        """
        await self.left()
        old = self.running
        await (self._beside(old, new) if beside else self._with_a_pause(old, new, again))

    async def _beside(self, old: Lane, new: Lane) -> None:
        await self._start(new)
        self._serve_with(new)
        self.leave(self._drain(old), f"engine {old.plan.model.name} leaves")

    async def _with_a_pause(self, old: Lane, new: Lane, again: Callable[[Lane], Lane]) -> None:
        self.serving = new
        why = ": not enough memory for two engines, so there is a pause" if old.client else ""
        detail = f"changing to {new.plan.model.name}{why}"
        self._board.show(stage="model", detail=detail, progress=None)
        try:
            await self._quiet(old)
        except BaseException:  # called off while nothing has happened yet
            self.serving = old
            if old.client:
                self._serve_with(old)
            raise
        try:
            await self._retire(old)
            await self._start(new)
        except BaseException:
            self.serving = lane = again(old)
            self._keep(lane)
            raise

    async def _start(self, lane: Lane) -> None:
        """Return when it is ready. Raises `EngineUnavailable` with why it is not, and stops it."""
        self._keep(lane)
        try:
            await lane.settled.wait()
            if lane.failure:
                raise EngineUnavailable(f"{lane.plan.model.name} does not start: {lane.failure}")
        except BaseException:
            await self._retire(lane)
            if self.serving is not lane and self.serving and self.serving.client:
                self._serve_with(self.serving)
            raise

    def _serve_with(self, lane: Lane) -> None:
        self.serving = lane
        name, shape = lane.plan.model.name, lane.shape
        lora = self.served_by(lane)
        self._board.show(stage="ready", detail=shape, progress=None, model=name, window=lane.window, lora=lora)
        self._point_at(lane.plan.socket)

    def leave(self, leaving: Coroutine[Any, Any, None], name: str) -> None:
        """What ends in its own time, such as the last streams of what was replaced; `left` waits for it."""
        assert self._tasks is not None
        self._leaving = self._tasks.create_task(leaving, name=name)

    async def left(self) -> None:
        """Return when what was changed last has ended."""
        if self._leaving:
            await asyncio.wait([self._leaving])

    async def unload(self, lane: Lane, name: str) -> None:
        """Let a lane forget a version when nobody works with it any more."""
        await self._idle(self.lending.free([name]))
        await lane.drop(name)

    async def _drain(self, lane: Lane) -> None:
        """Stop a lane when nobody works with it any more."""
        try:
            await self._quiet(lane)
        finally:
            await self._retire(lane)

    async def _quiet(self, lane: Lane) -> None:
        """Return when nobody works with it; nobody can where its server does not live."""
        if lane.client:
            await self._idle(self.lending.free(lane.adapters))
            await self._idle(lane.drained())

    async def _idle(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait, but no longer than a turn can take."""
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(DRAIN):
                await waiting

    def _keep(self, lane: Lane) -> None:
        assert self._tasks is not None
        self._keepers[lane] = self._tasks.create_task(lane.keep(), name=f"engine {lane.plan.model.name}")

    async def _retire(self, lane: Lane) -> None:
        """Stop a lane's server and wait until it is gone."""
        keeper = self._keepers.pop(lane)
        keeper.cancel()
        await asyncio.wait([keeper])
