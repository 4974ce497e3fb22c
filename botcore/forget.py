"""Forgetting a conversation or a person: the core first, then every plugin, then training; what fails is tried again.

It is noted in the database before anything is deleted, and stays noted until all of them have forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from botcore.clock import Clock
from botcore.dispatch import Dispatcher
from botcore.errors import StoreError
from botcore.messages import Forgotten
from botcore.ports import Bot
from botcore.store import Store

__all__ = ["TRAINING", "Forgetting"]

log: logging.Logger = logging.getLogger(__name__)

TRAINING = "training"
"""What it is called where a training run could not forget."""
BUDGET_S = 60.0
"""What one plugin may take: long documents go in slices."""
AGAIN_S = 600.0
"""Between two tries of what was not forgotten by all."""


class Forgetting:
    """Carries out what is to be forgotten."""

    def __init__(
        self, bot: Bot, store: Store, hooks: Dispatcher, in_runs: Callable[[Forgotten], Sequence[str]]
    ) -> None:
        """``in_runs`` takes it out of the files of training runs; the runs that cannot forget yet."""
        self._bot = bot
        self._store = store
        self._hooks = hooks
        self._in_runs = in_runs

    async def forget(self, whom: Forgotten) -> list[str]:
        """Delete everything; the plugins that could not, and `TRAINING`, which are asked again later."""
        return await self._carry_out(await self._store.note_forgotten(whom), whom)

    async def tend(self, clock: Clock) -> None:
        """Make up for what was not finished, now and every ten minutes, until cancelled."""
        while True:
            try:
                for number, whom in await self._store.forgotten():
                    await self._carry_out(number, whom)
            except StoreError as error:
                log.warning("cannot look for what is to be forgotten: %s", error)
            await clock.sleep(AGAIN_S)

    async def _carry_out(self, number: int, whom: Forgotten) -> list[str]:
        if whom.conversation is not None:
            await self._store.forget(whom.conversation.key)
        else:
            await self._store.forget_person(whom.channel, whom.person)
        failed = await self._hooks.every("forget", self._bot, whom, budget_s=BUDGET_S)
        failed += await self._learnt(whom)
        if failed:
            log.warning("not forgotten yet by %s; tried again in %g s", ", ".join(failed), AGAIN_S)
        else:
            await self._store.forgotten_by_all(number)
        return failed

    async def _learnt(self, whom: Forgotten) -> list[str]:
        """What runs keep of it; a thread: files are read."""
        try:
            runs = await asyncio.to_thread(self._in_runs, whom)
        except StoreError as error:
            log.warning("training: %s", error)
            return [TRAINING]
        if runs:
            log.info("%s learns from it just now, and is asked to forget it when that is over", ", ".join(runs))
        return [TRAINING] if runs else []
