"""What an engine is: where it stands, what it is given, what it gives back; and one that can serve LoRA versions."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from botcore.messages import PromptMessage, Sampling
from botcore.versions import LoraFiles

__all__ = ["Delta", "Engine", "EngineStatus", "LoraEngine", "Prompt", "Stage", "Usage"]

Stage = Literal["off", "install", "model", "warmup", "ready", "failed"]
"""``off`` not started yet; ``failed`` carries the reason and the next step in `EngineStatus.detail`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """Where the engine stands, for people: shown in the terminal, on the page, by ``/readyz``."""

    stage: Stage
    detail: str = ""
    progress: float | None = None
    """0 to 1 within the stage, None where it cannot be known."""
    model: str = ""
    """The served model's name, once known."""
    window: int = 0
    """Tokens that prompt and reply share, once known."""
    lora: str = ""
    """The LoRA version that new turns get, "" = the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Exact token counts of one request, as the engine says."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens served from the prefix cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the model is given: messages that fit the window, in append-only order (system, history, new message)."""

    messages: tuple[PromptMessage, ...]
    tokens: int = 0
    """Counted length in tokens; 0 = not counted."""
    exact: bool = False
    """True where ``tokens`` is the engine's own count."""
    cut: tuple[str, ...] = ()
    """What was left out to fit, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of a generation. The last one has ``finish``, and ``usage`` where the engine tells.

    ``length``: cut at `Sampling.max_tokens`; ``abort``: broken off by the server, as by its filter of contents.
    """

    text: str = ""
    finish: Literal["", "stop", "length", "abort"] = ""
    usage: Usage | None = None
    token_ids: tuple[int, ...] = ()


class Engine(Protocol):
    """A language model that streams. Runs in another process; ``check_engine`` in `botcore.testing` is its contract."""

    @property
    def status(self) -> EngineStatus:
        """Where it stands now; never blocks."""
        ...

    async def run(self) -> None:
        """Bring the engine up and keep it up until cancelled; leaves no process behind.

        Never raises for a broken engine: says so in `status`.
        """
        ...

    async def changed(self) -> None:
        """Return at the next change of `status`."""
        ...

    def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """Deltas of one completion; ``model`` is a LoRA version's name or "" for the base.

        Closing the generator aborts the request and frees its slot. Raises `EngineUnavailable`, `EngineRejected`,
        `PromptTooLong`.
        """
        ...

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """Tokens of the rendered chat prompt, with the generation prompt; None where the server cannot count."""
        ...


@runtime_checkable
class LoraEngine(Engine, Protocol):
    """An engine that can put LoRA versions in service; `EngineStatus.lora` says which one new turns get."""

    @property
    def owns(self) -> bool:
        """Whether versions are loaded by this process; False where it uses the engine of another one of the bot's."""
        ...

    async def serve(self, version: LoraFiles | None) -> None:
        """Let new turns have this version, None = the base; what runs already ends with what it began with.

        Returns when it is so; before `run` it is what the start begins with. Raises `EngineRejected` with why this
        version cannot be served, `EngineUnavailable` where it is worth another try; new turns get what they got before.
        """
        ...

    def settled(self, name: str) -> bool:
        """Whether ``name`` ("" = the base) is what new turns get, and nothing is left to do for it."""
        ...

    def has(self, name: str) -> bool:
        """Whether `generate` takes this version now or after a restart."""
        ...

    def lend(self) -> str:
        """The version for one new turn, which stays loaded until that turn gives it back."""
        ...

    def give_back(self, name: str) -> None:
        """End what `lend` began."""
        ...
