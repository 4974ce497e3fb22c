"""From a verdict to an example: the reply's trace is read, the example kept or taken back, and none is missed.

The verdict itself is the core's and is stored before this plugin hears of it; what is kept here is what training and
reports need.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from botcore import Bot, Entry, Feedback, Passage, PromptMessage, Reply
from botcore_finetune import examples
from botcore_finetune.examples import UNKNOWN, Example, Key

__all__ = ["Keeper", "bring_up_to_date", "drop_forgotten"]

log = logging.getLogger(__name__)

SLICE = 100
"""Examples and verdicts per read and write where all are walked."""
LOOK_BACK = {True: 40, False: 800}
"""Lines of a private chat and of a group that are searched for the question; in a group also for those whose words the
prompt may carry, so twice what a prompt can hold."""


class Keeper:
    """Keeps the examples of one running bot."""

    def __init__(self, bot: Bot, *, consent: bool) -> None:
        self._bot = bot
        self._consent = consent

    async def keep(self, feedback: Feedback) -> None:
        """Keep, change or remove the example of this verdict."""
        if not (_says_something(feedback) and await self._put(feedback, consent=self._consent)):
            await self._bot.database.write(examples.take_back, key=_key(feedback))

    async def keep_again(self, reply: Reply) -> None:
        """Note that a reply took another one's place."""
        now = self._bot.clock.now()
        await self._bot.database.write(examples.answered_again, turn=reply.id, replaced=reply.again, at=now)

    async def catch_up(self) -> None:
        """What was said and taken back while nobody listened: in a crash, or while the plugin was off.

        Whether training might use it then, nobody can tell: the setting of now does not count for it. The core's
        verdicts and the examples are walked side by side, in the order of the verdicts' times.
        """
        after, said = -math.inf, list[Feedback]()
        async for feedback in self._bot.judgements():
            if len(said) >= SLICE and feedback.at > said[-1].at:  # those of one moment stay together
                await self._settle(said, after, said[-1].at)
                after, said = said[-1].at, []
            said.append(feedback)
        await self._settle(said, after, math.inf)

    async def _settle(self, said: Sequence[Feedback], after: float, until: float) -> None:
        """Make the examples of this time what people have said in it, and no more than that."""
        kept = await self._bot.database.read(examples.kept, after=after, until=until)
        for feedback in said:
            if kept.pop(_key(feedback), None) != feedback.at:
                await self._put(feedback, consent=False)
        if kept:
            await self._take_back(kept)

    async def _take_back(self, kept: Mapping[Key, float]) -> None:
        """Unless it has been said since: another process may keep what came after this one had read what was said."""
        since = min(kept.values())
        said = {_key(feedback) async for feedback in self._bot.judgements(since)}
        for key, at in kept.items():
            if key not in said:
                await self._bot.database.write(examples.take_back, key=key, at=at)

    async def _put(self, feedback: Feedback, *, consent: bool) -> bool:
        """Whether there is an example in it."""
        example = await self._example(feedback, consent=consent)
        if example:
            await self._bot.database.write(examples.put, example=example)
        return example is not None

    async def _example(self, feedback: Feedback, *, consent: bool) -> Example | None:
        reply = await self._bot.reply(feedback.reply)
        if reply is None or not reply.judgeable or not reply.text:
            log.debug("reply %s is no example: neither a model nor documents wrote it", feedback.reply)
            return None
        trace = await self._bot.trace(feedback.reply) or {}
        prompt, said = _prompt(trace), await self._said_before(reply)
        people = _people(reply, said, feedback)
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
            consent=consent and UNKNOWN not in people,
            at=feedback.at,
            again=reply.again,
            question=_question(reply, said, prompt),
            people=people,
            sampling=_table(trace, "sampling"),
            citations=reply.citations,
            passages=tuple(Passage(**one) for one in _rows(trace, "passages")),
            verbatim=bool(trace.get("verbatim", True)),
        )

    async def _said_before(self, reply: Reply) -> list[Entry]:
        """People's lines up to the one that was answered, where they are near enough to matter."""
        lines = await self._bot.history(reply.conversation, limit=LOOK_BACK[reply.conversation.private])
        until = next((line.id for line in lines if line.reply == reply.id and line.role == "user"), 0)
        return [line for line in lines if line.role == "user" and line.id <= until]


async def bring_up_to_date(bot: Bot) -> None:
    """For commands: the tables of this version, without what was deleted since the bot last looked."""
    await bot.migrate("ft", examples.MIGRATIONS)
    await drop_forgotten(bot)


async def drop_forgotten(bot: Bot) -> None:
    """A conversation that was deleted takes its examples along."""
    after = ""
    while page := await bot.database.read(examples.turns, after=after, limit=SLICE):
        gone = [turn for turn in page if await bot.reply(turn) is None]
        if gone:
            await bot.database.write(examples.drop_turns, gone=gone)
            log.info("finetune: dropped the examples of %d forgotten replies", len(gone))
        after = page[-1]


def _key(feedback: Feedback) -> Key:
    return feedback.reply, feedback.conversation.channel, feedback.person.id


def _says_something(feedback: Feedback) -> bool:
    return bool(feedback.value or feedback.correction or feedback.reasons or feedback.comment)


def _question(reply: Reply, said: Sequence[Entry], prompt: Sequence[PromptMessage]) -> str:
    if said and said[-1].reply == reply.id:
        return said[-1].text
    return next((line.content for line in reversed(prompt) if line.role == "user"), "")


def _people(reply: Reply, said: Sequence[Entry], feedback: Feedback) -> tuple[str, ...]:
    """Whose words the prompt may carry."""
    if said:
        return tuple(sorted({line.person.id for line in said if line.person}))
    return (feedback.person.id,) if reply.conversation.private else (UNKNOWN,)


def _prompt(trace: Mapping[str, Any]) -> tuple[PromptMessage, ...]:
    """The messages as they were sent; empty where nothing was."""
    return tuple(PromptMessage(role=line["role"], content=line["content"]) for line in _rows(trace, "prompt"))


def _rows(trace: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return trace.get(name) or ()


def _table(trace: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {key: value for key, value in (trace.get(name) or {}).items() if value not in (None, "", [], 0, False)}
