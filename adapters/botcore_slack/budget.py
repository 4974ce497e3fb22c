"""A share of what a platform allows, for what may be left out."""

from botcore import Clock

__all__ = ["Budget"]


class Budget:
    """So many a minute over all chats, a few of them at once."""

    def __init__(self, clock: Clock, *, per_minute: float, at_once: float) -> None:
        self._clock = clock
        self._per_s = per_minute / 60
        self._most = self._left = at_once
        self._at = clock.monotonic()

    def take(self) -> bool:
        """True, and counted, when there is one left."""
        now = self._clock.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
