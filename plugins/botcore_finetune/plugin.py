"""The `finetune` plugin's hooks.

What is kept of a verdict is in `keeper`, what people may say about it in `chat`, the operator's commands in `command`.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from botcore import Bot, Feedback, Registry, Reply, hookimpl
from botcore_finetune import examples
from botcore_finetune.chat import Commands
from botcore_finetune.command import feedback_commands
from botcore_finetune.keeper import Keeper
from botcore_finetune.settings import FineTuneSettings

__all__ = ["FineTune"]

EARLY = 1_000
"""Verdicts that wait while a start catches up; should there be more, the next start finds them."""


class FineTune:
    """Keeps judged replies as examples for training."""

    Settings = FineTuneSettings

    def __init__(self, settings: FineTuneSettings) -> None:
        self._settings = settings
        self._commands = Commands(settings)
        self._keeper: Keeper | None = None
        self._early = deque[Feedback](maxlen=EARLY)

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds /good, /bad, /correct and /feedback, and ``botcore feedback``."""
        self._commands.register(registry)
        registry.cli("feedback", feedback_commands(registry.visit, self._settings))

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Brings the tables up to date, lets go of what was forgotten, and finds what was said meanwhile."""
        await bot.migrate("ft", examples.MIGRATIONS)
        keeper = Keeper(bot, consent=self._settings.consent)
        self._commands.bot = bot
        await keeper.drop_forgotten()
        await keeper.catch_up()
        while self._early:  # a verdict that is older than what catching up has read must not be written over it
            await keeper.keep(self._early.popleft())
        self._keeper = keeper
        yield

    @hookimpl
    async def remember(self, reply: Reply) -> None:
        """Notes that a person asked again; without a verdict that is a weak sign, and may be missed in a crash."""
        if self._keeper is not None and reply.again:
            await self._keeper.keep_again(reply)

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        """Keeps the example, changes it, or removes it with a verdict that was taken back."""
        if not feedback.reply:
            return
        if self._keeper is None:
            self._early.append(feedback)
        else:
            await self._keeper.keep(feedback)
