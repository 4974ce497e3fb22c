"""Asks Telegram for updates, for ever. The offset moves only past what the inbox has committed: a crash loses nothing.

stored                     offset moves on
store unavailable          same offset again: the same updates come again
ends with an album         the offset stays before it, once, for a moment: the rest of it may be on its way
too many wait              nothing is asked for until many of them are gone; Telegram keeps updates for a day
409                        somebody else asks with this token (or a webhook is set): pause, say so
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from botcore import Clock
from botcore_telegram import rounds
from botcore_telegram.albums import album, before_album
from botcore_telegram.hearing import Identity, Json
from botcore_telegram.intake import Intake
from botcore_telegram.request import Refused
from botcore_telegram.rounds import FIRST_PAUSE_S, Rounds

__all__ = ["Poll", "Server"]

log = logging.getLogger(__name__)

ALBUM_PAUSE_S = 0.6
"""For the rest of an album; the server answers with one update where an offset comes again within half a second."""
CONFLICT_PAUSE_S = 3.0
"""The server delays repeated conflicts by as much."""


class Server(rounds.Server, Protocol):
    """What is asked; `line.Line` is one."""

    async def updates(self, offset: int, *, wait: bool) -> Sequence[Json]:
        """Updates from ``offset`` on; ``wait`` for one where there is none."""
        ...

    async def drop_webhook(self) -> None:
        """Let updates be asked for."""
        ...


class Poll(Rounds):
    """One account's way in by asking."""

    def __init__(
        self, server: Server, intake: Intake, clock: Clock, *, channel: str, report: Callable[[str], None]
    ) -> None:
        super().__init__(server, clock, channel=channel, report=report)
        self._server = server
        self._intake = intake
        self._offset = 0
        self._album = ""
        """The rest of this one was waited for."""
        self._may_drop_webhook = True
        self._webhook_in_the_way = False

    async def _ask(self, me: Identity) -> float:
        if self._webhook_in_the_way:
            await self._server.drop_webhook()
            self._webhook_in_the_way = False
        if await self._intake.room(self._report):
            self._fine()
        asked = self._clock.monotonic()
        # Right after trouble without waiting: whether it is over should be known now, not in half a minute.
        updates = await self._server.updates(self._offset, wait=not self._troubled)
        complete = self._complete(updates)
        if complete:
            await self._intake.take(complete, me)
            self._offset = max(update["update_id"] for update in complete) + 1
        self._fine()
        if len(complete) < len(updates):
            return ALBUM_PAUSE_S
        too_fast = not updates and self._clock.monotonic() - asked < FIRST_PAUSE_S
        return FIRST_PAUSE_S if too_fast else 0

    def _complete(self, updates: Sequence[Json]) -> Sequence[Json]:
        last = album(updates[-1]) if updates else ""
        if not last or last == self._album:
            return updates
        self._album = last
        return before_album(updates, last)

    def _refused(self, refused: Refused) -> float:
        return self._conflict(refused) if refused.status == 409 else super()._refused(refused)

    def _conflict(self, refused: Refused) -> float:
        webhook = "webhook" in refused.description.lower()
        if webhook and self._may_drop_webhook:
            self._may_drop_webhook, self._webhook_in_the_way = False, True
            log.warning("%s: a webhook was set for this bot; removing it, because mode is polling", self._channel)
            return FIRST_PAUSE_S
        why = "a webhook is set again" if webhook else "another program asks for this bot's updates"
        return self._trouble(
            f"{why}; stop the other one, or give each its own token", max(self._longer(), CONFLICT_PAUSE_S)
        )
