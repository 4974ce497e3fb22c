"""What `/readyz` finds out by a write: once a second at most, and in bounded time, however many strangers ask."""

import asyncio
from collections.abc import Awaitable, Callable

from botcore.clock import Clock

__all__ = ["Probe"]

KEPT_S = 1.0
"""Balancers ask every few seconds; a second more until they hear of it is within what they allow for."""
DEADLINE_S = 5.0
"""Before it counts as an answer that nothing is answered: what balancers wait themselves, or more."""


class Probe:
    """Asks for everybody."""

    def __init__(self, check: Callable[[], Awaitable[str]], clock: Clock) -> None:
        """``check`` says the word ok, or what is wrong."""
        self._check = check
        self._clock = clock
        self._lock = asyncio.Lock()
        self._at = -KEPT_S
        self._said = ""

    async def newest(self) -> str:
        """What the check said, a second ago at most; who comes while it is asked waits for the same answer."""
        async with self._lock:
            if self._clock.monotonic() - self._at >= KEPT_S:
                self._said = await self._ask()
                self._at = self._clock.monotonic()
            return self._said

    async def _ask(self) -> str:
        try:
            async with self._clock.timeout(DEADLINE_S):
                return await self._check()
        except TimeoutError:
            return f"no answer within {DEADLINE_S:g} s"
