"""Where an engine stands, and who waits to hear of it. No engine lives here: each owns a `Board` and writes on it."""

import asyncio
from dataclasses import replace
from typing import Any

from botcore.ports import EngineStatus

__all__ = ["Board"]


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
