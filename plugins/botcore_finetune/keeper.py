"""From a verdict to an example: the reply's trace is read, the example kept or taken back, and none is missed.

The verdict itself is the core's and is stored before this plugin hears of it; what is kept here is what training and
reports need.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from botcore import Bot, Entry, Feedback, Passage, PromptMessage, Reply
from botcore_finetune import examples
from botcore_finetune.examples import Example

__all__ = ["Keeper"]

log = logging.getLogger(__name__)

SLICE = 100
"""Examples per read and write where all are walked."""
OVERLAP_S = 86_400.0
"""How far before the newest example a start looks for verdicts: an hour's outage of the database must not lose one."""
SKEW_S = 3_600.0
"""A verdict is stored at most so long before its example, by the clocks of all processes."""
LOOK_BACK = {True: 40, False: 800}
"""Lines of a private chat and of a group that are searched for the question; in a group also for those whose words the
prompt may carry, so twice what a prompt can hold."""
UNKNOWN = "?"
"""Somebody in a group whom nobody can ask any more: the exchange is too long ago."""


class Keeper:
    """Keeps the examples of one running bot."""

    def __init__(self, bot: Bot, *, consent: bool) -> None:
        self._bot = bot
        self._consent = consent

    async def keep(self, feedback: Feedback) -> None:
        """Keep, change or remove the example of this verdict; the same verdict again changes nothing."""
        example = await self._example(feedback) if _says_something(feedback) else None
        if example:
            return await self._bot.database.write(partial(examples.put, example=example))
        return await self._take_back(feedback.reply, feedback.conversation.channel, feedback.person.id)

    async def keep_again(self, reply: Reply) -> None:
        """Note that a reply took another one's place."""
        now = self._bot.clock.now()
        note = partial(examples.answered_again, turn=reply.id, replaced=reply.again, at=now)
        await self._bot.database.write(note)

    async def catch_up(self) -> None:
        """What was said and taken back while nobody listened: in a crash, or while the plugin was off."""
        newest = await self._bot.database.read(examples.newest_at)
        since, found = max(0.0, newest - OVERLAP_S), set[tuple[str, str, str]]()
        async for feedback in self._bot.judgements(since):
            await self.keep(feedback)
            found.add((feedback.reply, feedback.conversation.channel, feedback.person.id))
        kept = await self._bot.database.read(partial(examples.kept_since, at=since + SKEW_S))
        for one in await self._gone(kept - found):
            await self._take_back(*one)

    async def _gone(self, missing: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Those no verdict is left of. One that was found late is kept under a later time than it was given."""
        if missing:
            async for feedback in self._bot.judgements():
                missing.discard((feedback.reply, feedback.conversation.channel, feedback.person.id))
        return missing

    async def drop_forgotten(self) -> None:
        """A conversation that was deleted takes its examples along."""
        bot, after = self._bot, ""
        while page := await bot.database.read(partial(examples.turns, after=after, limit=SLICE)):
            gone = [turn for turn in page if await bot.reply(turn) is None]
            if gone:
                await bot.database.write(partial(examples.drop_turns, gone=gone))
                log.info("finetune: dropped the examples of %d forgotten replies", len(gone))
            after = page[-1]

    async def _take_back(self, turn: str, channel: str, person: str) -> None:
        take_back = partial(examples.take_back, turn=turn, channel=channel, person=person)
        await self._bot.database.write(take_back)

    async def _example(self, feedback: Feedback) -> Example | None:
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
            consent=self._consent and UNKNOWN not in people,
            at=self._bot.clock.now(),
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
