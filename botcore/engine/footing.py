"""What servers of our own stand on: a home, our plugin inside of vLLM, and the Python that has vLLM."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from botcore.clock import Clock
from botcore.engine.board import Board
from botcore.engine.environment import EnginePython, find_engine
from botcore.engine.home import Which, home_of
from botcore.engine.inside import install_inside
from botcore.engine.install import ensure_engine_environment
from botcore.errors import EngineUnavailable
from botcore.settings import EngineSettings

__all__ = ["Footing"]

logger: logging.Logger = logging.getLogger(__name__)

LOOK_AGAIN = 30.0
"""Seconds between two looks for what was not there, or not free: somebody may have installed the engine by hand."""


class Footing:
    """Made in `run`; what is in the way stands on the board."""

    def __init__(self, which: Which, settings: EngineSettings, board: Board, *, data_dir: Path, clock: Clock) -> None:
        self.data_dir: Path = data_dir.resolve()
        self.home: Path = Path()
        """For sockets; for this user only."""
        self.inside: Path = Path()
        """See `ServerPlan.inside`."""
        self.python: EnginePython = EnginePython(path=Path(), build="cpu", version="")
        self._which: Which = which
        self._settings = settings
        self._board = board
        self._clock = clock

    async def run(self, serve: Callable[[], Awaitable[None]]) -> None:
        """Install where needed, then ``serve`` until cancelled. Where that cannot be, wait without a server."""
        try:
            with contextlib.ExitStack() as stack:
                self.home = await self._moved_in(stack)
                self.inside = install_inside(self.home / "inside")
                self.python = await self._install()
                await serve()
        except (EngineUnavailable, OSError) as error:  # a full disk, say: the bot goes on without it
            self._fail(error)
            await asyncio.Event().wait()
        finally:
            self._board.show(stage="off", detail="", progress=None)

    async def _moved_in(self, stack: contextlib.ExitStack) -> Path:
        """The home; where another process has it, from when that one has left: it may be about to."""
        while True:
            try:
                return stack.enter_context(home_of(self._which, self.data_dir))
            except EngineUnavailable as error:
                if self._board.status.detail != str(error):
                    self._fail(error)
            await self._clock.sleep(LOOK_AGAIN)

    async def _install(self) -> EnginePython:
        """The Python that has vLLM; where it cannot be installed, wait until somebody has."""
        try:
            path = await ensure_engine_environment(
                self._settings, self.data_dir, self._board_install, clock=self._clock
            )
        except EngineUnavailable as error:
            self._fail(error)
        else:
            return await find_engine(self._settings, self.data_dir, python=path)
        while True:
            await self._clock.sleep(LOOK_AGAIN)
            with contextlib.suppress(EngineUnavailable):
                return await find_engine(self._settings, self.data_dir)

    def _board_install(self, detail: str, progress: float | None) -> None:
        self._board.show(stage="install", detail=detail, progress=progress)

    def _fail(self, error: Exception) -> None:
        logger.error("%s: %s", self._which, error)
        self._board.show(stage="failed", detail=str(error), progress=None)
