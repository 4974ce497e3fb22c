"""``kind = "openai"``: somebody else's server that speaks OpenAI's protocol. We watch it; we do not run it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from botcore.clock import Clock
from botcore.engine.client import OpenAIClient, ServedModel
from botcore.engine.transport import Deadlines
from botcore.engine.watched import Watched
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Prompt, Stage
from botcore.versions import LoraFiles

__all__ = ["Remote", "RemoteEngine"]

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


class RemoteEngine(Watched):
    """An `Engine` on a server of somebody else."""

    def __init__(self, remote: Remote, *, clock: Clock) -> None:
        client = _connect(remote, clock)
        super().__init__(
            "engine", remote.base_url, client, model=remote.model, look_every=remote.check_every, clock=clock
        )
        self._remote = remote
        self._names: set[str] = set()
        """What the server serves, as of the last look."""
        self._gone_since: float | None = float("-inf")
        """None while it is well; before it ever was, for ever."""

    async def look(self) -> str:
        """The model it answers with, asked once and not while it runs. Raises `EngineError` with what is wrong."""
        async with self._client:
            return self._choose(await self._served()).id

    def _stage_after(self, error: EngineError) -> Stage:
        """Where it was well a moment ago it is worth waiting for, and else nobody is kept waiting."""
        now = self._clock.monotonic()
        self._gone_since = now if self._gone_since is None else self._gone_since
        may_come_back = not isinstance(error, EngineRejected) and now - self._gone_since < RESTART_S
        return "model" if may_come_back else "failed"

    async def _check(self) -> None:
        """A server that was not ready must make a token; later its list of models is enough."""
        served = await self._served()
        model = self._choose(served)
        if self.status.stage != "ready":
            self._board.show(stage="warmup", detail="asking for one token", model=model.id)
        if self.status.stage != "ready" or self._doubt.is_set():
            await self._client.probe(model=model.id, seconds=self._remote.probe_within)
        self._gone_since = None
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
            raise self._not_ready("engine")
        deltas = self._client.generate(prompt, sampling, model=model or status.model, window=status.window)
        try:
            async with aclosing(deltas):
                async for delta in deltas:
                    yield delta
        except EngineTimeout:
            self._doubt.set()
            raise
        except EngineUnavailable:
            self._suspect()
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


def _connect(remote: Remote, clock: Clock) -> OpenAIClient:
    url = remote.base_url
    socket = url.removeprefix(UNIX) if url.startswith(UNIX) else ""
    return OpenAIClient(
        "http://engine/v1" if socket else url,
        clock=clock,
        api_key=remote.api_key,
        socket=socket,
        deadlines=remote.deadlines,
    )
