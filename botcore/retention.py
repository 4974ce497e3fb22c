"""What is kept how long (``[store]``), seen to once an hour by one process."""

import logging
from dataclasses import dataclass

from botcore.clock import Clock
from botcore.errors import StoreError
from botcore.settings import StoreSettings
from botcore.store import Store

__all__ = ["Retention"]

log: logging.Logger = logging.getLogger(__name__)

DAY_S = 86_400.0
EVERY_S = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Lets go of what is old."""

    store: Store
    settings: StoreSettings
    clock: Clock

    async def tend(self) -> None:
        """Now and every hour, until cancelled."""
        while True:
            try:
                gone = await self.once()
                if any(gone.values()):
                    log.info("let go: %s", ", ".join(f"{number} {what}" for what, number in gone.items() if number))
            except StoreError as error:
                log.warning("what is old stays for now: %s", error)
            await self.clock.sleep(EVERY_S)

    async def once(self) -> dict[str, int]:
        """How much went, by kind."""
        now, days = self.clock.now(), self.settings
        gone = {"deliveries": await self.store.drop_ended(now - days.dedupe_days * DAY_S)}
        if days.keep_dead_days:
            gone["dead letters"] = await self.store.drop_old_letters(now - days.keep_dead_days * DAY_S)
        if days.keep_days:
            before = now - days.keep_days * DAY_S
            gone["exchanges"] = await self.store.drop_history(before)
            gone["conversations"] = await self.store.drop_silent(before)
        return gone
