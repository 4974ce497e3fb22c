"""The `finetune` plugin's hooks: a verdict comes in, the reply's trace is read, an example is kept or taken back.

The verdict itself is the core's and is stored before this plugin hears of it; what is kept here is what training needs.
Replies no model wrote (extracts, commands) are no examples.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from botcore import Bot, Chunk, Feedback, PromptMessage, Registry, Turn, hookimpl, say
from botcore_finetune import examples
from botcore_finetune.examples import Example

__all__ = ["FineTune", "FineTuneSettings"]

log = logging.getLogger(__name__)

SLICE = 100
"""Examples per read and write where all are walked."""


class FineTuneSettings(BaseModel):
    """``[plugins.finetune]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consent: bool = False
    """Whether judging a reply also means that training may use the exchange. Say so to people before it is true."""


class FineTune:
    """Keeps judged replies as examples for training."""

    Settings = FineTuneSettings

    def __init__(self, settings: FineTuneSettings) -> None:
        self._settings = settings
        self._bot: Bot | None = None

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds /feedback."""
        registry.command("feedback", "How many of my replies you have judged", self._count)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Creates the table, and lets go of what was forgotten while the plugin was not looking."""
        await bot.migrate("ft", examples.MIGRATIONS)
        await self._drop_forgotten(bot)
        self._bot = bot
        yield

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        """Keeps the example; the same verdict again changes nothing, a verdict taken back removes it."""
        if self._bot is None or not feedback.reply:
            return
        example = await self._example(self._bot, feedback) if feedback.value or feedback.correction else None
        if example:
            await self._bot.database.write(partial(examples.put, example=example))
        else:
            who = (feedback.conversation.channel, feedback.person.id)
            await self._bot.database.write(lambda connection: examples.take_back(connection, feedback.reply, *who))

    async def _example(self, bot: Bot, feedback: Feedback) -> Example | None:
        reply, trace = await bot.reply(feedback.reply), await bot.trace(feedback.reply)
        prompt = _prompt(trace or {})
        if reply is None or not prompt or not reply.text:
            log.debug("reply %s is no example: no model wrote it", feedback.reply)
            return None
        return Example(
            turn=feedback.reply,
            channel=feedback.conversation.channel,
            person=feedback.person.id,
            conversation=reply.conversation.key,
            prompt=prompt,
            reply=reply.text,
            model=reply.model,
            plugin=reply.plugin,
            verdict=feedback.value,
            reasons=feedback.reasons,
            comment=feedback.comment,
            correction=feedback.correction,
            consent=self._settings.consent,
            at=bot.clock.now(),
        )

    async def _drop_forgotten(self, bot: Bot) -> None:
        """A conversation that was deleted takes its examples along."""
        after = ""
        while page := await bot.database.read(partial(examples.turns, after=after, limit=SLICE)):
            gone = [turn for turn in page if await bot.reply(turn) is None]
            if gone:
                await bot.database.write(partial(examples.drop_turns, gone=gone))
                log.info("finetune: dropped the examples of %d forgotten replies", len(gone))
            after = page[-1]

    async def _count(self, turn: Turn) -> AsyncIterator[Chunk]:
        if self._bot is None:
            return say("The examples are not open yet.")
        channel, person = turn.conversation.channel, turn.message.person.id
        tally = await self._bot.database.read(partial(examples.tally, channel=channel, person=person))
        if not (tally.good or tally.bad or tally.corrected):
            return say("You have not judged any of my written replies yet. A thumb up or down is enough.")
        used = "Training may use them." if self._settings.consent else "Training does not use them."
        return say(f"You judged my replies: {tally.good} good, {tally.bad} bad, {tally.corrected} corrected. {used}")


def _prompt(trace: Mapping[str, Any]) -> tuple[PromptMessage, ...]:
    """The messages as they were sent; empty where nothing was."""
    lines = trace.get("prompt") or ()
    return tuple(PromptMessage(role=line["role"], content=line["content"]) for line in lines)
