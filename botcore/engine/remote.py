"""``kind = "openai"``: somebody else's server that speaks OpenAI's protocol. We watch it; we do not run it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from botcore.clock import Clock, wait_at_most
from botcore.engine.board import Board
from botcore.engine.client import Deadlines, OpenAIClient, ServedModel, shown
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, EngineStatus, Prompt
from botcore.versions import LoraFiles

__all__ = ["Remote", "RemoteEngine"]

logger: logging.Logger = logging.getLogger(__name__)

UNIX = "unix://"
RESTART_S = 60.0
"""A server that was well and is gone is waited for this long: by then one that is being restarted is back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where the server is and how patient we are."""

    base_url: str
    """``http://host:8000/v1``, or ``unix:///path/engine.sock`` for the engine another bot process runs."""
    model: str = ""
    """Empty = the first one it serves."""
    window: int = 0
    """Tokens that prompt and reply may share at most, or do where the server does not say; 0 = what it says."""
    api_key: str = ""
    deadlines: Deadlines = field(default_factory=Deadlines)
    check_every: float = 30.0
    """Seconds between two looks at a server that is well."""
    probe_within: float = 60.0
    """Seconds for the first token: a server may load the model on demand."""


class RemoteEngine:
    """An `Engine` on a server of somebody else."""

    def __init__(self, remote: Remote, *, clock: Clock) -> None:
        self._remote = remote
        self._shown = shown(remote.base_url)
        self._who = f"the engine at {self._shown}"
        self._clock = clock
        self._board = Board(EngineStatus(stage="off", model=remote.model))
        self._client = self._connect()
        self._doubt = asyncio.Event()
        self._names: set[str] = set()
        """What the server serves, as of the last look."""
        self._gone_since: float | None = float("-inf")
        """None while it is well; before it ever was, for ever."""

    def _connect(self) -> OpenAIClient:
        url, remote = self._remote.base_url, self._remote
        socket = url.removeprefix(UNIX) if url.startswith(UNIX) else ""
        return OpenAIClient(
            "http://engine/v1" if socket else url,
            clock=self._clock,
            api_key=remote.api_key,
            socket=socket,
            deadlines=remote.deadlines,
        )

    @property
    def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return self._board.status

    async def changed(self) -> None:
        """See `Engine.changed`."""
        await self._board.changed()

    async def look(self) -> str:
        """The model it answers with, asked once and not while it runs. Raises `EngineError` with what is wrong."""
        async with self._client:
            return self._choose(await self._served()).id

    async def run(self) -> None:
        """Look at the server until cancelled: every 30 s while it is well, after 1, 2, 4 … 60 s while it is not."""
        async with self._client:
            self._board.show(stage="model", detail=f"connecting to {self._shown}")
            pause = 1.0
            try:
                while True:
                    pause = await self._look(pause)
            finally:
                self._board.show(stage="off", detail="")

    async def _look(self, pause: float) -> float:
        """One look and the wait after it; the pause to take after the next failure."""
        try:
            await self._check()
        except EngineError as error:
            stage = "model" if self._may_come_back(error) else "failed"
            self._board.show(stage=stage, detail=f"{error}; next look in {pause:g} s")
            logger.warning("engine: %s; next look in %g s", error, pause)
            await self._clock.sleep(pause)
            return min(pause * 2, 60.0)
        self._gone_since = None
        await wait_at_most(self._remote.check_every, self._doubt, self._clock)  # or until a request fails
        return 1.0

    def _may_come_back(self, error: EngineError) -> bool:
        """Whether it was well a moment ago: then it is worth waiting for, and else nobody is kept waiting."""
        now = self._clock.monotonic()
        self._gone_since = now if self._gone_since is None else self._gone_since
        return not isinstance(error, EngineRejected) and now - self._gone_since < RESTART_S

    async def _check(self) -> None:
        """Raises what is wrong. A server that was not ready must make a token; later its list of models is enough."""
        served = await self._served()
        model = self._choose(served)
        if self.status.stage != "ready":
            self._board.show(stage="warmup", detail="asking for one token", model=model.id)
        if self.status.stage != "ready" or self._doubt.is_set():
            await self._client.probe(model=model.id, seconds=self._remote.probe_within)
        self._doubt.clear()
        lora = self.status.lora if self.has(self.status.lora) else ""
        window = min(filter(None, (model.window, self._remote.window)), default=0)
        self._board.show(stage="ready", detail=self._shown, model=model.id, window=window, lora=lora)

    def _choose(self, served: Sequence[ServedModel]) -> ServedModel:
        named = self._remote.model
        for model in served:
            if model.id == named or not named:
                return model
        if served and named:
            names = ", ".join(model.id for model in served[:5])
            raise EngineRejected(f"{self._who} does not serve {named}; set engine.model to one of: {names}")
        if named:
            return ServedModel(id=named)
        raise EngineRejected(f"{self._who} names no model; set engine.model")

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """See `Engine.generate`."""
        status = self.status
        if status.stage != "ready":
            raise EngineUnavailable(f"the engine is not ready: {status.detail or status.stage}")
        deltas = self._client.generate(prompt, sampling, model=model or status.model, window=status.window)
        try:
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
        except EngineTimeout:
            self._doubt.set()
            raise
        except EngineUnavailable:
            self._doubt.set()
            if self.status.stage == "ready":  # at once: whoever tries again waits for the look, and does not fail, too
                self._board.show(stage="warmup", detail="looking whether the server still answers")
            raise
        except EngineRejected:
            if model and await self._lost(model):
                raise EngineUnavailable(f"{self._shown} serves {model} no more") from None
            raise

    # ------------------------------------------------------------------ LoRA versions

    @property
    def owns(self) -> bool:
        """See `LoraEngine.owns`: a unix socket is another process of the bot's."""
        return not self._remote.base_url.startswith(UNIX)

    async def serve(self, version: LoraFiles | None) -> None:
        """See `LoraEngine.serve`. A version that the server does not have yet is loaded there, where it allows that."""
        if self.status.stage != "ready":
            return
        if version and await self._lost(version.name):
            if not self.owns:
                raise EngineUnavailable(f"the process that runs the engine has not loaded {version.name} yet")
            if not version.rank:
                raise EngineUnavailable(f"{self._shown} has no {version.name} yet, and {version.folder} is not here")
            await self._load(version)
            self._names.add(version.name)
        self._board.show(lora=version.name if version else "")

    async def _served(self) -> Sequence[ServedModel]:
        served = await self._client.models(named=self._remote.model)
        self._names = {model.id for model in served}
        return served

    async def _lost(self, name: str) -> bool:
        """Whether the server has no such version: it was unloaded there, or that server was restarted."""
        await self._served()
        if name in self._names:
            return False
        self._board.show(lora="" if self.status.lora == name else self.status.lora)
        return True

    async def _load(self, version: LoraFiles) -> None:
        name, folder = version.name, str(version.folder)
        try:
            await self._client.load_lora(name, folder)
        except EngineRejected as error:
            raise EngineRejected(
                f"{error}; start that server with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 where it can "
                f"read that folder, or with --lora-modules {name}={folder}"
            ) from None

    def settled(self, name: str) -> bool:
        """See `LoraEngine.settled`."""
        return self.status.lora == name

    def has(self, name: str) -> bool:
        """See `LoraEngine.has`."""
        return not name or name in self._names

    def lend(self) -> str:
        """See `LoraEngine.lend`."""
        return self.status.lora

    def give_back(self, name: str) -> None:
        """See `LoraEngine.give_back`: nothing is unloaded there, for others may use it."""

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """See `Engine.count`."""
        return await self._client.count(messages, model=self.status.model) if self.status.stage == "ready" else None
