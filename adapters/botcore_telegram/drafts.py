"""Keeps previews in private chats on the screen: Telegram drops a draft 30 s after it was last sent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NoReturn

from botcore import Clock, Draft, Retry

__all__ = ["Drafts"]

LIFE_S = 20.0
"""One that has not changed for this long is sent again: a call may take its time, and 30 s is the end."""
ROUND_S = 5.0
END_S = 300.0
"""Nobody waits longer for one reply; a draft whose end was never told is forgotten."""


@dataclass(slots=True)
class _Shown:
    draft: Draft
    changed: float
    sent: float
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Drafts:
    """The drafts that are visible now, by turn."""

    def __init__(self, clock: Clock, show: Callable[[Draft], Awaitable[None]]) -> None:
        self._clock = clock
        self._show = show
        self._shown: dict[str, _Shown] = {}

    def note(self, draft: Draft) -> None:
        """This draft is being shown now."""
        now = self._clock.monotonic()
        known = self._shown.setdefault(draft.turn, _Shown(draft, now, now))
        known.draft, known.changed, known.sent = draft, now, now

    async def end(self, turn: str) -> None:
        """From here on nothing of this turn is shown again: a draft behind the real message would haunt the chat."""
        shown = self._shown.pop(turn, None)
        if shown:
            async with shown.renewing:
                pass

    async def run(self) -> NoReturn:
        """Renew what grows old, until cancelled."""
        while True:
            await self._clock.sleep(ROUND_S)
            now = self._clock.monotonic()
            self._shown = {turn: shown for turn, shown in self._shown.items() if now - shown.changed < END_S}
            for shown in [shown for shown in self._shown.values() if now - shown.sent >= LIFE_S]:
                await self._renew(shown, now)

    async def _renew(self, shown: _Shown, now: float) -> None:
        async with shown.renewing:
            if shown.draft.turn not in self._shown:
                return
            shown.sent = now
            try:
                await self._show(shown.draft)
            except Retry as retry:
                shown.sent = now + retry.after
