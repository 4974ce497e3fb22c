"""A server of somebody else: looked at now and then, and at once where a request found nobody. We do not run it."""

import asyncio
import logging
from abc import ABC, abstractmethod

from botcore.clock import Clock, wait_at_most
from botcore.engine.board import OnBoard
from botcore.engine.client import OpenAIClient
from botcore.engine.home import Which
from botcore.engine.transport import shown
from botcore.errors import EngineError
from botcore.ports import EngineStatus, Stage

__all__ = ["Watched"]

logger: logging.Logger = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0


class Watched(OnBoard, ABC):
    """What a remote engine and a remote encoder have in common."""

    def __init__(
        self, which: Which, base_url: str, client: OpenAIClient, *, model: str, look_every: float, clock: Clock
    ) -> None:
        """``look_every``: seconds between two looks at a server that is well."""
        super().__init__(EngineStatus(stage="off", model=model))
        self._which = which
        self._shown = shown(base_url)
        self._who = f"the {which} at {self._shown}"
        self._client = client
        self._look_every = look_every
        self._clock = clock
        self._doubt = asyncio.Event()

    async def run(self) -> None:
        """Look at the server until cancelled: seldom while it is well, after 1, 2, 4 … 60 s while it is not."""
        async with self._client:
            self._board.show(stage="model", detail=f"connecting to {self._shown}")
            pause = 1.0
            try:
                while True:
                    pause = await self._look(pause)
            finally:
                self._board.show(stage="off", detail="")

    async def _look(self, pause: float) -> float:
        """One look and the wait after it; the pause to take after the next failure."""
        try:
            await self._check()
        except EngineError as error:
            self._board.show(stage=self._stage_after(error), detail=f"{error}; next look in {pause:g} s")
            logger.warning("%s: %s; next look in %g s", self._which, error, pause)
            await self._clock.sleep(pause)
            return min(pause * 2, LONGEST_PAUSE)
        await wait_at_most(self._look_every, self._doubt, self._clock)  # or until a request fails
        return 1.0

    @abstractmethod
    async def _check(self) -> None:
        """Look, and show that it is ready. Raises what is wrong."""

    def _stage_after(self, error: EngineError) -> Stage:
        return "failed"

    def _suspect(self) -> None:
        """A request found nobody. At once, so that whoever comes next waits for the look, or asks nobody."""
        self._doubt.set()
        if self.status.stage == "ready":
            self._board.show(stage="warmup", detail="looking whether the server still answers")
