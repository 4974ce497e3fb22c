"""What operators ask of the store, and what is done once in a while: dead letters, forgetting, retention, checks."""

from functools import partial
from typing import Any

from botcore.messages import Forgotten
from botcore.store import letters, people, retention, upkeep
from botcore.store.database import Database
from botcore.store.records import DeadLetter

__all__ = ["Housekeeping"]


class Housekeeping(Database):
    """The part of `Store` that is on no message's path."""

    # -------------------------------------------------------------- dead letters

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """What could not be used or failed too often, newest first."""
        return await self.read(letters.newest, limit)

    async def count_dead(self, most: int) -> int:
        """How many dead letters there are; counts no further than ``most``."""
        return await self.read(letters.count, most)

    async def dead_letter_of(self, letter: int) -> DeadLetter | None:
        """One dead letter by its number."""
        return await self.read(letters.one, letter)

    async def retry_dead(self, letter: int) -> bool:
        """Let a dead message wait for another run; False where there is no such message (a raw delivery cannot run)."""
        return await self.write(letters.retry, letter, now=self._clock.now(), unstopped=True)

    async def drop_dead(self, letter: int) -> bool:
        """Empty a dead letter; its id stays known, so that the same delivery is not taken again."""
        return await self.write(letters.drop, letter)

    # -------------------------------------------------------------- forgetting

    async def forget(self, conversation: str) -> None:
        """Delete everything of a conversation. A turn that is running there ends with `LeaseLost`."""
        through = await self.write(upkeep.forget, conversation)
        while await self.write(upkeep.forget_some, conversation, through):
            pass

    async def forget_person(self, channel: str, person: str) -> None:
        """Delete a person's private conversations and feedback, and their words and the replies to them in groups.

        A message of theirs that is running ends with `LeaseLost`, one that waits as stopped.
        """
        while keys := await self.read(people.private, channel, person):
            for key in keys:
                await self.forget(key)
        for find in (people.messages, people.raw):
            while ids := await self.read(find, channel, person):
                await self.write(people.blank_messages, found=ids)
        for key, first in await self.read(people.traces, channel, person):
            after: int | None = first
            while after is not None:
                after = await self.write(people.blank_traces, key=key, after=after)
        for look in (people.repeats, people.turns):
            while found := await self.read(look, channel, person):
                await self.write(people.blank_turns, found=found)
        while rows := await self.read(people.judgements, channel, person):
            await self.write(people.drop_judgements, found=rows)
        await self.write(people.blank_places, channel, person)

    async def channels(self) -> list[str]:
        """The channels of which anything is kept."""
        return await self.read(people.channels)

    async def kept_of(self, channel: str, person: str) -> dict[str, int]:
        """How much there is of a person, by kind."""
        return await self.read(people.counts, channel=channel, person=person)

    async def note_forgotten(self, whom: Forgotten) -> int:
        """Put it on the list of what is to be forgotten; returns its number there."""
        return await self.write(people.note, whom=whom, now=self._clock.now())

    async def forgotten(self) -> list[tuple[int, Forgotten]]:
        """What is on that list, oldest first, at most 200."""
        return await self.read(people.noted)

    async def forgotten_by_all(self, number: int) -> None:
        """Take it off the list."""
        await self.write(people.done, number=number)

    # -------------------------------------------------------------- retention

    async def drop_ended(self, before: float) -> int:
        """Delete deliveries that ended and came before that moment (Unix s); how many. They would be taken again."""
        return await self._drop(retention.ended, retention.drop_messages, before, 0)

    async def drop_old_letters(self, before: float) -> int:
        """Delete dead letters of before that moment; how many."""
        return await self._drop(retention.dead, retention.drop_messages, before, 0)

    async def drop_history(self, before: float) -> int:
        """Delete exchanges of before that moment with their feedback; how many. What is being delivered stays."""
        await self._drop(retention.feedback_alone, retention.drop_feedback, before, 0)
        return await self._drop(retention.turns, retention.drop_turns, before, 0)

    async def drop_silent(self, before: float) -> int:
        """Delete conversations of which nothing is left and in which nothing happened since; how many."""
        drop = partial(retention.drop_conversations, before=before)
        return await self._drop(retention.silent, drop, before, "")

    async def _drop(self, find: Any, drop: Any, before: float, after: Any) -> int:
        """Page by page: what ``find`` reads behind ``after``, ``drop`` deletes."""
        gone = 0
        while after is not None:
            found, after = await self.read(find, before=before, after=after)
            if found:
                gone += await self.write(drop, found=found)
        return gone

    # -------------------------------------------------------------- checks

    async def counts(self) -> dict[str, int]:
        """How many messages are waiting, running, dead, and parts pending, sending, uncertain."""
        return await self.read(upkeep.counts)

    async def open_by_channel(self) -> dict[str, int]:
        """In how many conversations of each channel something is to be answered or sent."""
        return await self.read(upkeep.open_by_channel)

    async def check(self, *, deep: bool = False) -> str:
        """The word ok, or what is wrong: can it be written; ``deep`` reads the whole of an SQLite file for damage."""
        try:
            await self.write(upkeep.touch, self._clock.now())
            return await self.read(upkeep.integrity) if deep else "ok"
        except Exception as error:
            return str(error)
