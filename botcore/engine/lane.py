"""One model's server, kept up: started, warmed up, watched, restarted. A change of model runs two lanes for a while.

An encoder's is kept up the same way; what proves that it lives is a vector in the place of a token.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botcore.clock import Clock, wait_at_most
from botcore.engine.child import Child, Launch, kill_group
from botcore.engine.client import OpenAIClient, ServedModel
from botcore.engine.command import ServerPlan, server_command, server_environment
from botcore.engine.home import notes_in
from botcore.engine.stages import Story, read_step
from botcore.engine.transport import Deadlines
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.messages import Sampling
from botcore.models.adapter import what_is_wrong
from botcore.ports import Delta, Prompt
from botcore.versions import LoraFiles

if TYPE_CHECKING:
    from array import array

__all__ = ["Lane"]

logger: logging.Logger = logging.getLogger(__name__)

KNOCK_EVERY = 0.25
WARMUP_WITHIN = 120.0
"""Seconds for the first token after a start: kernels are set up in it."""
PROBE_WITHIN = 10.0
"""Seconds for a token later, or twice as long as the first one took: what is slow is not what hangs."""
PROBE_EVERY = 30.0
LONGEST_PAUSE = 60.0
WELL_AFTER = 60.0
"""Seconds of life after which a death counts as the first one again."""

Report = Callable[..., None]
"""`Board.show`, for the lane that is shown."""


class Lane:
    """A server and the requests on it. `keep` runs it until cancelled."""

    def __init__(
        self,
        plan: ServerPlan,
        *,
        data_dir: Path,
        clock: Clock,
        deadlines: Deadlines,
        report: Report,
        adapters: Iterable[LoraFiles] = (),
    ) -> None:
        self.plan = plan
        self.adapters: dict[str, LoraFiles] = {version.name: version for version in adapters}
        """Loaded, or to be loaded before the server counts as ready."""
        self._loads = 0
        self.client: OpenAIClient | None = None
        """While a server answers."""
        self.window: int = 0
        self.open: int = 0
        """Requests running now."""
        self.failure: str = ""
        """Why the last start failed; empty after one that worked."""
        self.settled: asyncio.Event = asyncio.Event()
        """Set once a first start has worked or failed."""
        self.group: int = 0
        """The server's process group, for whoever looks at its memory."""
        self._data_dir = data_dir
        self._clock = clock
        self._deadlines = deadlines
        self._report = report
        self._idle = asyncio.Event()
        self._idle.set()
        self._doubt = asyncio.Event()
        self._last_sign = 0.0
        self._suspected = False
        """Whether it was reported as not ready because a request found nobody."""
        self._patience = PROBE_WITHIN

    # ------------------------------------------------------------------ keeping it up

    async def keep(self) -> None:
        """Start, watch and restart until cancelled; pauses of 1, 2, 4 … 60 s after each failure in a row."""
        pause = 1.0
        while True:
            begun = self._clock.monotonic()
            reason, worked = await self._life()
            if worked and self._clock.monotonic() - begun > WELL_AFTER:
                pause = 1.0
            self.failure = "" if worked else reason
            self.settled.set()
            logger.error("%s: %s; next start in %g s", self.plan.which, reason, pause)
            again = f"{reason}; starting again in {pause:g} s"
            # A first death is a matter of seconds and worth waiting for; a server that never came up is not.
            self._report(stage="model" if worked else "failed", detail=again, progress=None)
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _life(self) -> tuple[str, bool]:
        """From a start to the end of that server: why it ended, and whether it had been ready."""
        story, ready = Story(), asyncio.Event()
        self._report(stage="model", detail=f"starting vLLM with {self.plan.model.name}", progress=0.0)
        try:
            self.plan.socket.unlink(missing_ok=True)
        except OSError as error:
            return f"cannot remove {self.plan.socket}: {error.strerror}", False

        def hear(line: str) -> None:
            story.add(line)
            if not ready.is_set() and (step := read_step(line)):
                self._report(stage="model", detail=step.detail, progress=step.progress)

        try:
            async with self._connect() as client, Child(self._launch(), clock=self._clock, on_line=hear) as child:
                verdict = await _first(child.ended(), self._attend(client, child, story, ready))
                if isinstance(verdict, str):
                    # A server that makes no token needs no time to say goodbye.
                    kill_group(child.group)
        except OSError as error:
            return f"cannot start {self.plan.python}: {error}", False
        finally:
            self.client, self.group = None, 0
        return (story.cause or verdict if isinstance(verdict, str) else story.reason(verdict)), ready.is_set()

    def _launch(self) -> Launch:
        return Launch(
            python=self.plan.python,
            command=server_command(self.plan),
            environment=server_environment(self.plan, os.environ),
            log=self._data_dir / "logs" / f"{self.plan.which}.log",
            notes=notes_in(self._data_dir, self.plan.which),
        )

    def _connect(self) -> OpenAIClient:
        return OpenAIClient(
            "http://engine/v1",
            clock=self._clock,
            api_key=self.plan.key,
            socket=str(self.plan.socket),
            deadlines=self._deadlines,
            table=self.plan.which,
        )

    async def _attend(self, client: OpenAIClient, child: Child, story: Story, ready: asyncio.Event) -> str:
        """Bring one server up and watch it: why it has to go. Never returns for a healthy one."""
        try:
            served = await self._knock(client)
            await self._load_all(client)
            first = "encoding the first word" if self.plan.pooling else "generating the first token"
            self._report(stage="warmup", detail=first, progress=None)
            begun = self._clock.monotonic()
            await self._probe(client, WARMUP_WITHIN)
            self._patience = max(PROBE_WITHIN, 2 * (self._clock.monotonic() - begun))
            story.outlived()
            self.client, self.window, self.group, self.failure = client, served.window, child.group, ""
            ready.set()
            self.settled.set()
            self._report_ready()
            while True:
                await self._check_up(client)
                story.outlived()
                if self._suspected and not self._doubt.is_set():
                    self._report_ready()
        except EngineError as error:
            return str(error)

    def _report_ready(self) -> None:
        self._suspected = False
        name, window = self.plan.model.name, self.window
        self._report(stage="ready", detail=self.shape, progress=None, model=name, window=window)

    # ------------------------------------------------------------------ LoRA versions

    async def _load_all(self, client: OpenAIClient) -> None:
        """After a start, before the first request: what cannot be loaded any more is served no more."""
        self._loads = 0
        for version in list(self.adapters.values()):
            self._report(stage="model", detail=f"loading {version.name}", progress=None)
            try:
                await self._load(client, version)
            except EngineRejected as error:
                logger.error("engine: %s; the base answers", error)
                del self.adapters[version.name]

    async def _load(self, client: OpenAIClient, version: LoraFiles) -> None:
        """Check, then load: a request whose adapter is missing or broken would end the server for everybody."""
        wrong = await asyncio.to_thread(what_is_wrong, version.folder, version.files_hash)
        if wrong:
            raise EngineRejected(f"{version.name} cannot be served: {wrong}")
        self._loads += 1  # before it is tried: a load that was called off, or answered too late, may take its slot
        try:
            await client.load_lora(version.name, str(version.folder))
        except EngineRejected:
            if version.name not in {model.id for model in await client.models()}:  # so loaded by such a one
                raise

    def takes(self, version: LoraFiles) -> bool:
        """Whether this server can load it beside what it has, and keep the last slot empty."""
        return version.rank <= self.plan.lora_rank and self._loads < self.plan.lora_slots - 1

    async def adopt(self, version: LoraFiles) -> None:
        """Load it into the running server. Raises `EngineRejected` with why it cannot be, or `EngineUnavailable`."""
        if self.client is None:
            raise EngineUnavailable("the engine is starting")
        if version.name not in self.adapters:  # it is there where an off was taken back before it was done
            await self._load(self.client, version)
        self.adapters[version.name] = version

    async def drop(self, name: str) -> None:
        """Forget it, here and in the server."""
        self.adapters.pop(name, None)
        with contextlib.suppress(EngineError):  # a server that is starting again does not load it
            if self.client:
                await self.client.unload_lora(name)

    # ------------------------------------------------------------------ what it is

    @property
    def shape(self) -> str:
        """What serves, in words."""
        runs = f"vLLM on {'GPU' if self.plan.gpu else 'CPU'}"
        return f"{runs}; {self.plan.model.name} is {self.plan.model.note}" if self.plan.model.note else runs

    async def _knock(self, client: OpenAIClient) -> ServedModel:
        """The served model, as soon as the server answers; how long that takes depends on the model's size."""
        while True:
            with contextlib.suppress(EngineUnavailable, EngineTimeout):
                for model in await client.models():
                    return model
            await self._clock.sleep(KNOCK_EVERY)

    async def _check_up(self, client: OpenAIClient) -> None:
        """Wait for the next occasion, then look. Raises `EngineError` for a server that makes nothing."""
        await wait_at_most(PROBE_EVERY, self._doubt, self._clock)
        self._doubt.clear()
        busy = self._busy()
        if busy and not self._suspected:  # of one that is dying some requests hear later than others
            return
        try:
            await self._probe(client, self._patience)
        except EngineTimeout:
            if busy:
                return
            # Once more: it is this process, or the whole machine, that may have stood still.
            await self._probe(client, self._patience)
        self._last_sign = self._clock.monotonic()

    async def _probe(self, client: OpenAIClient, seconds: float) -> None:
        """One token, or one vector. Raises the `EngineError` family."""
        make = client.probe_vector if self.plan.pooling else client.probe
        await make(model=self.plan.model.name, seconds=seconds)

    def _busy(self) -> bool:
        """Requests are moving: proof enough, and a probe behind a long prefill would come late for no fault."""
        quiet = self._clock.monotonic() - self._last_sign
        return self.open > 0 and quiet < self._deadlines.first_token

    # ------------------------------------------------------------------ using it

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str) -> AsyncGenerator[Delta, None]:
        """See `Engine.generate`."""
        if self.client is None:
            raise EngineUnavailable("the engine is starting")
        client = self.client
        deltas = client.generate(prompt, sampling, model=model or self.plan.model.name, window=self.window)
        with self._watched(client):
            async with aclosing(deltas):
                async for delta in deltas:
                    self._last_sign = self._clock.monotonic()
                    yield delta

    async def encode(self, texts: Sequence[str]) -> list["array[float]"]:
        """See `OpenAIClient.embed`."""
        if self.client is None:
            raise EngineUnavailable("the encoder is starting")
        with self._watched(self.client):
            vectors = await self.client.embed(texts, model=self.plan.model.name)
            self._last_sign = self._clock.monotonic()
        return vectors

    @contextmanager
    def _watched(self, client: OpenAIClient) -> Iterator[None]:
        """Count a request; one that finds nobody, or waits too long, makes us look at the server."""
        if not self.open:
            # Only the first of a crowd: else new requests would keep a hung server looking busy for ever.
            self._last_sign = self._clock.monotonic()
        self.open += 1
        self._idle.clear()
        try:
            yield
        except (EngineUnavailable, EngineTimeout) as error:
            self._doubt.set()
            if isinstance(error, EngineUnavailable) and self.client is client:
                # At once: whoever tries again waits for the verdict. Else a reply would fail in the moments before.
                self._suspected = True
                self._report(stage="warmup", detail="looking whether it still answers", progress=None)
            raise
        finally:
            self.open -= 1
            if not self.open:
                self._idle.set()

    async def drained(self) -> None:
        """Return when no request is left."""
        await self._idle.wait()


async def _first(*ways: Coroutine[Any, Any, Any]) -> Any:
    """The result of the way that ends first; the others are cancelled and have ended, too."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(way, name="engine life") for way in ways]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        winner = next(task for task in running if task.done())
        for task in running:
            task.cancel()
    return winner.result()
