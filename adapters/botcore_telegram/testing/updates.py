"""The queue behind getUpdates, with the real server's rules for offsets, conflicts and repeats."""

import asyncio
import math
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from botcore import Clock
from botcore_telegram.testing.errors import ApiError

__all__ = ["Updates"]

POLL_LIMIT_S = 50
TWO_POLLS = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
WEBHOOK_SET = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class Updates:
    """The queue behind getUpdates: kept until confirmed by a higher offset."""

    def __init__(self, clock: Clock, *, penalties: bool = False) -> None:
        self._clock = clock
        self._penalties = penalties
        self._ids = count(1000)
        self._waiting: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self.polls = 0
        """How often updates were asked for; the newest of them may wait."""
        self._last_offset: int | None = None
        self._last_start = -math.inf
        self._next_conflict = -math.inf
        self.webhook = ""
        """Where a webhook is set; nobody may ask then."""
        self.allowed: tuple[str, ...] = ()
        """Kinds the bot wants; () = the usual ones."""
        self.added: Callable[[], None] = lambda: None
        """Called when an update came in."""
        self.asked: Callable[[], None] = lambda: None
        """Called when a poll came in: what it confirmed is gone, and it may be waiting."""
        self.confirmed: list[int] = []
        """Update ids the bot will not get again, in order."""

    @property
    def waiting(self) -> list[int]:
        """Update ids not yet confirmed."""
        return [update["update_id"] for update in self._waiting]

    def add(self, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """A new update, kept if the bot wants such."""
        update = {"update_id": next(self._ids), kind: content}
        if not self.allowed or kind in self.allowed:
            self.put(update)
        return update

    def allow(self, kinds: Sequence[str] | None) -> None:
        """From now on keep only these kinds; None changes nothing."""
        if kinds is not None:
            self.allowed = tuple(kinds)

    def fronts(self) -> Sequence[dict[str, Any]]:
        """What waits, oldest first."""
        return tuple(self._waiting)

    def taken(self, update: Mapping[str, Any]) -> None:
        """A webhook has taken this update."""
        self._waiting = [waiting for waiting in self._waiting if waiting is not update]
        self.confirmed.append(update["update_id"])

    def drop(self) -> None:
        """Forget everything that waits."""
        self._waiting = []

    def put(self, update: dict[str, Any]) -> None:
        """Deliver this update, whatever it is, at its place in the order of ids."""
        insort(self._waiting, update, key=_id)
        self.wake()
        self.added()

    def wake(self) -> None:
        """Something changed for whoever polls."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def get(self, *, offset: int = 0, limit: int = 100, timeout: float = 0) -> list[dict[str, Any]]:  # noqa: ASYNC109
        """Updates from ``offset`` on; one poll at a time, the older one is ended with 409."""
        if self.webhook:
            raise ApiError(409, WEBHOOK_SET)
        self.polls += 1
        mine = self.polls
        self.wake()
        limit, wait = self._repeated(offset, min(max(limit, 1), 100), min(max(timeout, 0), POLL_LIMIT_S))
        self._confirm(offset)
        self.asked()
        if not self._waiting and wait:
            await self._until(mine, wait)
        return self._waiting[:limit]

    async def _until(self, mine: int, seconds: float) -> None:
        try:
            async with self._clock.timeout(seconds):
                while not self._waiting:
                    await self._changed.wait()
                    if mine != self.polls:
                        await self._conflict(TWO_POLLS)
                    if self.webhook:
                        await self._conflict("Conflict: terminated by setWebhook request")
        except TimeoutError:
            pass

    async def _conflict(self, description: str) -> None:
        now = self._clock.monotonic()
        if self._penalties and now < self._next_conflict:
            await self._clock.sleep(3)
        self._next_conflict = self._clock.monotonic() + 3
        raise ApiError(409, description)

    def _repeated(self, offset: int, limit: int, timeout: float) -> tuple[int, float]:
        now, last, start = self._clock.monotonic(), self._last_offset, self._last_start
        self._last_offset, self._last_start = offset, now
        if self._penalties and offset == last:
            timeout = max(timeout, 3) if now < start + 3 else timeout
            limit = 1 if now < start + 0.5 else limit
        return limit, timeout

    def _confirm(self, offset: int) -> None:
        """Everything below a positive offset; with a negative one all but the newest ones."""
        if not offset:
            return
        if offset > 0:
            gone = sum(_id(update) < offset for update in self._waiting)
        else:
            gone = max(len(self._waiting) + offset, 0)
        self.confirmed += [update["update_id"] for update in self._waiting[:gone]]
        self._waiting = self._waiting[gone:]


def _id(update: Mapping[str, Any]) -> int:
    return int(update.get("update_id", 0))
