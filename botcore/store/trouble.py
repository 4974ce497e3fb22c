"""What the log says while the database takes nothing: one line when that begins and one when it is over.

Everybody who writes meets the same trouble, once a second each: a line from each would fill what room the disk has.
"""

import logging

from botcore.clock import Clock
from botcore.errors import StoreUnavailable

__all__ = ["Trouble"]

log: logging.Logger = logging.getLogger(__name__)

CALM_S = 5.0
"""Without a failure, until it counts as over: on a full disk small writes still pass between others that fail."""


class Trouble:
    """Of one database. Called on the loop's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = 0.0
        self._newest = 0.0
        self.now: bool = False
        """Whether there is any."""

    def met(self, error: StoreUnavailable) -> None:
        """A write failed."""
        self._newest = self._clock.monotonic()
        if not self.now:
            self.now, self._began = True, self._newest
            log.warning("the database takes nothing, and what was not stored is tried again until it does: %s", error)

    def passed(self) -> None:
        """A write succeeded."""
        if self.now and self._clock.monotonic() - self._newest >= CALM_S:
            self.now = False
            log.warning("the database takes everything again, after %.0f s", self._newest - self._began)
