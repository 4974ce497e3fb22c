"""The `finetune` plugin's hooks.

What is kept of a verdict is in `keeper`, what people may say about it in `chat`, the operator's commands in `command`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from botcore import Bot, Feedback, Forgotten, Registry, Reply, StoreUnavailable, hookimpl
from botcore_finetune import board, examples
from botcore_finetune.chat import Commands
from botcore_finetune.command import feedback_commands
from botcore_finetune.keeper import Keeper, drop_forgotten
from botcore_finetune.lessons import write_lessons
from botcore_finetune.settings import FineTuneSettings

__all__ = ["FineTune"]

log = logging.getLogger(__name__)

WAITING = 1_000
"""Verdicts that wait while a start catches up or the database cannot write; should there be more, the next start finds
them."""


FORGETS_EVERY_S = 3_600.0
"""How long an example may outlive its conversation; the commands look before they read."""


class FineTune:
    """Keeps judged replies as examples for training."""

    Settings = FineTuneSettings

    def __init__(self, settings: FineTuneSettings) -> None:
        self._settings = settings
        self._commands = Commands(settings)
        self._keeper: Keeper | None = None
        self._waiting = deque[Feedback](maxlen=WAITING)
        self._in_order = asyncio.Lock()

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds chat commands, ``botcore feedback``, the operator's panel, and what `train feedback` learns from."""
        self._commands.register(registry)
        registry.panel("feedback", "Feedback", lambda: board.read(self._commands.bot))
        registry.cli("feedback", feedback_commands(partial(registry.visit, existing=True), self._settings))
        registry.lessons(partial(write_lessons, visit=registry.visit, settings=self._settings))

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Brings the tables up to date, finds what was said meanwhile, and forgets with the core, every hour."""
        await bot.migrate("ft", examples.MIGRATIONS)
        keeper = Keeper(bot, consent=self._settings.consent)
        self._commands.bot = bot
        await drop_forgotten(bot)
        await keeper.catch_up()
        self._keeper = keeper
        await self._keep_waiting()  # last: what catching up has read may be older
        async with asyncio.TaskGroup() as group:
            forgetting = group.create_task(_forget(bot), name="finetune forgets")
            try:
                yield
            finally:
                forgetting.cancel()

    @hookimpl
    async def remember(self, reply: Reply) -> None:
        """Notes that a person asked again; without a verdict that is a weak sign, and may be missed in a crash."""
        if self._keeper is not None and reply.again:
            await self._keeper.keep_again(reply)

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        """Keeps the example, changes it, or removes it with a verdict that was taken back."""
        if feedback.reply:
            self._waiting.append(feedback)
            await self._keep_waiting()

    @hookimpl
    async def forget(self, bot: Bot, forgotten: Forgotten) -> None:
        """Drops the examples of the conversation, or with a word of the person's in them, and the person's choice."""
        await bot.migrate("ft", examples.MIGRATIONS)
        if forgotten.conversation:
            await bot.database.write(examples.drop_conversation, forgotten.conversation.key)
        else:
            await bot.database.write(examples.drop_person, forgotten.channel, forgotten.person)
        await drop_forgotten(bot)

    async def _keep_waiting(self) -> None:
        async with self._in_order:
            while self._keeper and self._waiting:
                try:
                    await self._keeper.keep(self._waiting[0])
                except (StoreUnavailable, asyncio.CancelledError):
                    raise  # it stays the first, and is tried again with the next verdict
                except Exception:
                    log.exception("finetune: the verdict on reply %s cannot be kept", self._waiting[0].reply)
                self._waiting.popleft()


async def _forget(bot: Bot) -> None:
    while True:
        await bot.clock.sleep(FORGETS_EVERY_S)
        try:
            await drop_forgotten(bot)
        except Exception:
            log.exception("finetune: could not look for conversations that were deleted")
