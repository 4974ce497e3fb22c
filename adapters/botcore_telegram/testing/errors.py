"""How calls go wrong: the server's own refusals, what a test plans, and flood limits."""

import math
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Self

from botcore import Clock

__all__ = ["ApiError", "Fault", "Limits", "Odds"]


class ApiError(Exception):
    """An error answer."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one call goes wrong. ``executed``: it takes effect all the same."""

    status: int = 0
    """0 = the connection is cut instead of answered."""
    description: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)
    html: bool = False
    executed: bool = False
    location: str = ""

    @classmethod
    def redirected(cls, to: str) -> Self:
        """Somebody in between sends us elsewhere."""
        return cls(status=307, html=True, location=to)

    @classmethod
    def cut(cls, *, executed: bool) -> Self:
        """The connection breaks, before or after the call took effect."""
        return cls(executed=executed)

    @classmethod
    def flood(cls, retry_after: int) -> Self:
        """429."""
        description = f"Too Many Requests: retry after {retry_after}"
        return cls(status=429, description=description, parameters={"retry_after": retry_after})

    @classmethod
    def broken(cls, status: int = 500, *, html: bool = False, executed: bool = False) -> Self:
        """The server's own fault; ``html``: a proxy says so."""
        return cls(status=status, description="Internal Server Error", html=html, executed=executed)

    @classmethod
    def kicked(cls) -> Self:
        """The person has blocked the bot."""
        return cls(status=403, description="Forbidden: bot was blocked by the user")


class Odds:
    """What goes wrong by chance, the same for the same seed."""

    def __init__(self, odds: Sequence[tuple[float, Fault]], seed: int) -> None:
        self._odds = odds
        self._random = Random(seed)

    def draw(self) -> Fault | None:
        """What becomes of the next call, None = nothing."""
        left = self._random.random()
        for probability, fault in self._odds:
            left -= probability
            if left < 0:
                return fault
        return None


@dataclass(slots=True)
class Limits:
    """Flood limits, counted on a clock of the test's choice. Above one: 429 with the seconds to wait."""

    clock: Clock
    per_second: int = 30
    per_chat_burst: int = 3
    """In one chat: this many at once, then one a second."""
    per_group_minute: int = 20
    _calls: dict[tuple[str, int], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def count(self, chat: int, *, group: bool) -> None:
        """One more message or edit."""
        windows = [("all", 0, self.per_second, 1.0), ("chat", chat, self.per_chat_burst, float(self.per_chat_burst))]
        if group:
            windows.append(("group", chat, self.per_group_minute, 60.0))
        now = self.clock.monotonic()
        for name, key, size, seconds in windows:
            calls = self._calls[name, key]
            while calls and now - calls[0] >= seconds:
                calls.popleft()
            if len(calls) >= size:
                wait = math.ceil(seconds - (now - calls[0]))
                raise ApiError(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for name, key, _, _ in windows:
            self._calls[name, key].append(now)
