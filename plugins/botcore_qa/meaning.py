"""Gives every passage a vector, behind the questions' back, and says what a question means: where there is an encoder.

Without one, while it loads, and when it fails, words alone decide, as they do for a passage that has no vector yet.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

from botcore import Bot, BotcoreError, Encoder, EngineError
from botcore_qa.score import Question
from botcore_qa.vectors import Asked, cosine, keep, nearness, unencoded

__all__ = ["Meaning"]

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Passages of one request: soon answered on a busy machine too, and larger batches gain little on a CPU."""
LOOK_EVERY_S = 30.0
"""Between two looks for passages that another process has read; of this one's own we hear at once."""
WITHIN_S = 1.0
"""A question waits no longer for its vector; alone it takes some 10 ms."""
UNRELATED = (
    "The train to the coast leaves from platform nine.",
    "Invoices are paid within thirty days.",
    "A cat was asleep on the warm engine of the car.",
    "Whisk the egg whites until they are stiff.",
    "Our password policy asks for twelve characters.",
    "The glacier has lost a third of its length.",
    "She scored twice before the referee ended the match.",
    "Choose a plug with an earth contact for the drill.",
)
"""What their vectors have in common, any two texts have."""


class Meaning:
    """The encoder, at the plugin's service."""

    def __init__(self, bot: Bot, encoder: Encoder) -> None:
        self._bot = bot
        self._encoder = encoder
        self._usual = dict[str, float]()
        self._news = asyncio.Event()

    async def weighed(self, question: Question, text: str) -> Question:
        """The question with how near each passage is to it; as it is where the encoder does not say that, soon."""
        asked = await self._of(text) if question.hits else None
        if asked is None:
            return question
        near = await self._bot.database.read(nearness, asked, [hit.id for hit in question.hits])
        return replace(question, hits=tuple(replace(hit, near=near.get(hit.id)) for hit in question.hits))

    async def _of(self, text: str) -> Asked | None:
        encoder = self._encoder
        if encoder.status.stage != "ready" or encoder.name not in self._usual:
            return None
        try:
            async with self._bot.clock.timeout(WITHIN_S):
                (vector,) = await encoder.encode([text], question=True)
                return Asked(encoder=encoder.name, vector=vector, usual=self._usual[encoder.name])
        except (EngineError, TimeoutError) as error:
            log.info("qa: words alone decide: %s", str(error) or f"no vector within {WITHIN_S:g} s")
            return None

    async def learn(self) -> None:
        """What texts that have nothing to do with each other have in common, for this encoder; before any question."""
        name = self._encoder.name
        if self._encoder.status.stage != "ready" or name in self._usual:
            return
        try:
            vectors = await self._encoder.encode(UNRELATED)
        except EngineError as error:
            log.info("qa: words alone decide: %s", error)
            return
        cosines = [cosine(one, other) for one, other in combinations(vectors, 2)]
        self._usual[name] = min(0.95, max(0.0, sum(cosines) / len(cosines)))

    def tell(self) -> None:
        """There may be passages without a vector."""
        self._news.set()

    async def tend(self) -> None:
        """Give every passage a vector, in one process at a time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_the_encoder(), name="qa follows its encoder")
            while True:
                async with self._bot.lead("qa vectors"):
                    await self._keep_up()

    async def _follow_the_encoder(self) -> None:
        """At each change of it, and from time to time: another process may have read documents."""
        while True:
            await self.learn()
            self.tell()
            with suppress(TimeoutError):
                async with self._bot.clock.timeout(LOOK_EVERY_S):
                    await self._encoder.changed()

    async def _keep_up(self) -> None:
        """Catch up whenever there is news."""
        while True:
            await self._catch_up()
            await self._news.wait()
            self._news.clear()

    async def _catch_up(self) -> None:
        """Encode what there is to encode, as far as encoder and database allow."""
        clock, encoded = self._bot.clock, 0
        started = clock.monotonic()
        try:
            while self._encoder.status.stage == "ready" and (more := await self._encode_some()):
                encoded += more
        except BotcoreError as error:
            log.warning("qa: passages wait for their vectors: %s", error)
        if encoded:
            log.info("qa: %d passages encoded in %.1f s", encoded, clock.monotonic() - started)

    async def _encode_some(self) -> int:
        name, database = self._encoder.name, self._bot.database
        passages = await database.read(unencoded, encoder=name, limit=AT_ONCE)
        if passages:
            vectors = await self._encoder.encode(list(passages.values()))
            await database.write(keep, encoder=name, vectors=dict(zip(passages, vectors, strict=True)))
        return len(passages)
