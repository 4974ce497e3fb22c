"""The operator's panels as JSON: ``/api/panels`` lists them, ``/api/panels/{id}`` reads one.

However many pages look, a panel is read once a second at most; one that fails or is slow says so in its own answer.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web

from botcore.clock import Clock
from botcore.dispatch import blocked, stepped
from botcore.errors import BotcoreError
from botcore.http.answers import failure
from botcore.panels import as_json
from botcore.registry import Panel, Route

__all__ = ["Board"]

log: logging.Logger = logging.getLogger(__name__)

KEPT_S = 1.0
DEADLINE_S = 5.0


class Board:
    """Reads the panels for whoever may see them."""

    def __init__(self, panels: Mapping[str, Panel], clock: Clock) -> None:
        self._readings = {id: _Reading(panel, clock) for id, panel in panels.items()}

    def routes(self) -> Sequence[Route]:
        """For `Http`."""
        return (
            Route(method="GET", path="/api/panels", handler=self._list, access="admin", owner="panels"),
            Route(method="GET", path="/api/panels/{id}", handler=self._one, access="admin", owner="panels"),
        )

    async def _list(self, _request: web.Request) -> web.Response:
        panels = [reading.panel for reading in self._readings.values()]
        listed = [{"id": panel.id, "title": panel.title, "owner": panel.owner} for panel in panels]
        return web.json_response({"panels": listed})

    async def _one(self, request: web.Request) -> web.Response:
        reading = self._readings.get(request.match_info["id"])
        if reading is None:
            return failure(request.path, 404, "not_found", "there is no such panel; /api/panels lists them")
        body, wrong = await reading.newest()
        if wrong:
            return failure(request.path, 503, "panel", wrong)
        return web.Response(body=body, content_type="application/json")


class _Reading:
    """A panel and what it said last."""

    def __init__(self, panel: Panel, clock: Clock) -> None:
        self.panel = panel
        self._clock = clock
        self._lock = asyncio.Lock()
        self._at = -KEPT_S
        self._body = b""
        self._wrong = ""

    async def newest(self) -> tuple[bytes, str]:
        """The answer and "", or what is wrong; a second old at most. Who comes while it is read waits for the same."""
        async with self._lock:
            if self._clock.monotonic() - self._at >= KEPT_S:
                before, self._wrong = self._wrong, ""
                try:
                    self._body = await self._read()
                except (Exception, SystemExit) as error:
                    self._wrong = self._told(error, before)
                self._at = self._clock.monotonic()
            return self._body, self._wrong

    async def _read(self) -> bytes:
        async with self._clock.timeout(DEADLINE_S):
            told = partial(blocked, f"{self.panel.owner}: the panel {self.panel.id}")
            widgets = await stepped(self.panel.read(), self._clock, told)
        return json.dumps({"widgets": as_json(widgets)}, separators=(",", ":"), allow_nan=False).encode()

    def _told(self, error: BaseException, before: str) -> str:
        """One line for the operator; the log has the rest, once for as long as it stays the same."""
        if isinstance(error, BotcoreError):
            return str(error)
        if isinstance(error, TimeoutError):
            wrong = f"{self.panel.owner} did not answer within {DEADLINE_S:g} s"
        else:
            wrong = f"{self.panel.owner} made a mistake here: {type(error).__name__}; the bot's log says more"
        if wrong != before:
            log.warning("panel %s: %s", self.panel.id, wrong, exc_info=error)
        return wrong
