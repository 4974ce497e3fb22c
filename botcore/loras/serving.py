"""Brings about which LoRA version is wanted: looks once a second, lets the engine serve it, and says how it went.

Every process of a bot looks; only one whose engine is its own writes down what came of it. Nothing is remembered but
the last thing said: what is wanted and what the engine has are compared anew at each look, so that a wish made while
the bot was away, an engine that came back without its version and a database that was gone all end in the same way.
"""

import asyncio
import logging
from contextlib import suppress

from botcore.clock import Clock, wait_at_most
from botcore.dispatch import FAILURES, travels_on
from botcore.errors import EngineRejected, ModelError, StoreError, in_a_line
from botcore.loras.book import LoraBook
from botcore.observe import Metrics
from botcore.ports import Engine, LoraEngine
from botcore.store import Store, loras
from botcore.versions import Lora

__all__ = ["Serving"]

log: logging.Logger = logging.getLogger(__name__)

LOOK_S = 1.0
NEWS_S = 10.0
"""Between two times that the same progress is written down."""
LONGEST_PAUSE_S = 60.0
"""Between two tries to serve what the engine could not just now, after 2, 4, 8 … seconds."""


class Serving:
    """The LoRA version in service of one bot."""

    def __init__(self, book: LoraBook, engine: Engine, store: Store, *, clock: Clock, metrics: Metrics) -> None:
        self._book = book
        self._engine = engine
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._heard = asyncio.Event()
        self._said: str | None = None
        self._pause = 0.0
        self._not_before = 0.0
        self._put_off = ""
        """What is not tried again before then."""
        self.problem: str = ""
        """What keeps the wanted version from being served, or kept the last one."""

    def heard(self) -> None:
        """Another version is wanted: look at once."""
        self._not_before = 0.0
        self._heard.set()

    async def prepare(self) -> None:
        """Before the engine starts: let its start begin with what is wanted. What cannot be is settled by `tend`."""
        try:
            wanted, _ = await self._wish()
            if wanted and isinstance(self._engine, LoraEngine):
                await self._engine.serve(await self._book.for_engine(wanted))
        except FAILURES as error:
            if travels_on(error):
                raise
            log.warning("LoRA: the engine starts without a version: %s", in_a_line(error))

    async def tend(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    await self._look(group)
                except StoreError as error:
                    log.debug("LoRA: %s", error)
                await self._wait()

    async def _wait(self) -> None:
        """Until the next look is due, or something is heard."""
        await wait_at_most(LOOK_S, self._heard, self._clock)
        self._heard.clear()

    async def _wish(self) -> tuple[Lora | None, str]:
        """What is wanted; where nothing is, why what was wanted last could not be."""
        return await self._store.read(loras.wish)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        wanted, trouble = await self._wish()
        name = wanted.name if wanted else ""
        engine = self._engine
        if not isinstance(engine, LoraEngine):
            self.problem = trouble
            if wanted:
                await self._set_aside(wanted, "this engine cannot serve LoRA versions")
        elif engine.settled(name) and engine.status.stage == "ready":
            self.problem = trouble
            await self._settled(name, unsaid=bool(wanted and not wanted.live))
        elif engine.status.stage != "ready":
            self._said = None
            if wanted and self._owns:
                await self._note(wanted, engine.status.detail or "the engine starts")
            if engine.status.stage == "failed" and not engine.settled("") and self._due(""):
                await self._fall_back(engine)
        elif self._due(name):
            await self._bring(group, engine, wanted)

    def _due(self, name: str) -> bool:
        """Whether it may be tried, or tried again."""
        return self._clock.monotonic() >= self._not_before or name != self._put_off

    async def _settled(self, name: str, *, unsaid: bool) -> None:
        """Say it once; again where the row knows nothing of it, as after an off and a use between two looks."""
        if self._said == name and not (unsaid and self._owns):
            return
        if self._owns:
            await self._store.write(loras.settle, name=name, now=self._clock.now())
        self._metrics.lora.clear()
        self._metrics.lora.labels(name or "base").set(1)
        if self._said != name and (name or self._said):
            log.info("LoRA: new turns get %s", name or "the base")
        self._said, self._pause = name, 0.0

    async def _bring(self, group: asyncio.TaskGroup, engine: LoraEngine, wanted: Lora | None) -> None:
        """Let the engine serve it, which may take as long as a server's start; another wish meanwhile ends that."""
        self._said, name = None, wanted.name if wanted else ""
        serving = group.create_task(self._serve(engine, wanted), name=f"to serve {name or 'the base'}")
        serving.add_done_callback(lambda _: self._heard.set())
        while not serving.done():
            with suppress(StoreError):
                if not await self._is_wanted(name):
                    serving.cancel()
                elif engine.status.lora == name:
                    await self._settled(name, unsaid=False)  # new turns get it; the old ones end in their time
                elif wanted and self._owns:
                    await self._note(wanted, engine.status.detail or "changing over")
            await self._wait()
        self._heard.set()  # what came of it is looked at without a pause

    async def _serve(self, engine: LoraEngine, wanted: Lora | None) -> None:
        try:
            await engine.serve(await self._book.for_engine(wanted) if wanted else None)
        except (ModelError, EngineRejected) as error:
            if wanted:
                with suppress(StoreError):
                    await self._set_aside(wanted, str(error))
        except FAILURES as error:  # a load that takes too long, a disk, whatever an engine of a plugin raises
            if travels_on(error):
                raise
            await self._again_later(wanted, in_a_line(error))

    async def _fall_back(self, engine: LoraEngine) -> None:
        """It does not come up with a version: the base may, and what is wanted can then be tried beside it."""
        log.error("LoRA: %s; the base is tried alone", engine.status.detail)
        try:
            await engine.serve(None)
        except FAILURES as error:
            if travels_on(error):
                raise
            await self._again_later(None, in_a_line(error))

    async def _is_wanted(self, name: str) -> bool:
        wanted, _ = await self._wish()
        return name == (wanted.name if wanted else "")

    async def _note(self, wanted: Lora, progress: str) -> None:
        """Write it down where it is news, and else now and then, so that whoever waits knows of a bot at work."""
        now = self._clock.now()
        if wanted.progress == progress and 0 <= now - wanted.told_at < NEWS_S:  # else the clock was set back
            return
        try:
            await self._store.write(loras.tell, name=wanted.name, progress=progress, now=now)
        except StoreError as error:
            log.debug("LoRA: %s", error)

    async def _again_later(self, wanted: Lora | None, why: str) -> None:
        self._pause = min(2 * self._pause or 2.0, LONGEST_PAUSE_S)
        self._not_before = self._clock.monotonic() + self._pause
        self._put_off = wanted.name if wanted else ""
        what = wanted.name if wanted else "the base alone"
        self.problem = f"{what} cannot be served now: {why}"
        log.warning("LoRA: %s; next try in %g s", self.problem, self._pause)
        if wanted and self._owns:
            await self._note(wanted, f"{why}; next try in {self._pause:g} s")

    async def _set_aside(self, wanted: Lora, reason: str) -> None:
        """It cannot be served: the base answers, and the row says why. Whoever runs the engine decides that."""
        if not self._owns:
            await self._again_later(wanted, reason)
            return
        self.problem = reason
        log.error("LoRA: %s; the base answers", reason)
        await self._store.write(loras.set_aside, version=wanted, reason=reason, now=self._clock.now())

    @property
    def _owns(self) -> bool:
        return not isinstance(self._engine, LoraEngine) or self._engine.owns
