"""Where an engine or encoder stands, and who waits to hear of it: each owns a `Board`, and writes on it."""

import asyncio
from dataclasses import replace
from typing import Any

from botcore.errors import EngineUnavailable
from botcore.ports import EngineStatus

__all__ = ["Board", "OnBoard"]


class Board:
    """An `EngineStatus` that can be read at any time and waited on."""

    def __init__(self, status: EngineStatus) -> None:
        self.status: EngineStatus = status
        self._next = asyncio.Event()

    def show(self, **changes: Any) -> None:
        """Change fields of the status and wake everybody who waits; the same status again wakes nobody."""
        status = replace(self.status, **changes)
        if status == self.status:
            return
        self.status = status
        event, self._next = self._next, asyncio.Event()
        event.set()

    async def changed(self) -> None:
        """Return at the next change."""
        await self._next.wait()


class OnBoard:
    """What all engines and encoders have in common: where they stand is on a board of their own."""

    def __init__(self, status: EngineStatus) -> None:
        self._board = Board(status)

    @property
    def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return self._board.status

    async def changed(self) -> None:
        """See `Engine.changed`."""
        await self._board.changed()

    def _not_ready(self, who: str) -> EngineUnavailable:
        return EngineUnavailable(f"the {who} is not ready: {self.status.detail or self.status.stage}")
