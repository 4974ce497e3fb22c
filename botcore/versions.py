"""LoRA versions of the model, as everybody speaks of them: what is known of one, and the list of all.

    offered ──use──▶ serving ──off, or another is used──▶ off ──use──▶ serving …
    refused   its training or its files did not hold up; `reason` says why, and it never serves

The state is what somebody wants. What is so is said beside it: `Lora.live`, and `Lora.progress` until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = ["Lora", "LoraFiles", "LoraState", "Loras"]

LoraState = Literal["offered", "serving", "off", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """One version: a row for ever, whatever becomes of its files."""

    name: str
    """Unique for ever: what the engine, a turn and its trace call it. ``""`` there means the base."""
    base: str
    """What ``engine.model`` says where it fits."""
    base_hash: str
    """Of the base's weights: another model under the same name does not fit."""
    path: str
    """The folder below ``data_dir``, with adapter_config.json and adapter_model.safetensors."""
    files_hash: str
    method: str
    """sft, kto, dpo, …; "" = not known."""
    run: str = ""
    """The training run that made it; "" = made elsewhere."""
    dataset_hash: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    """What its training measured: rows, losses, checks."""
    made_at: float = 0.0
    """Unix seconds, as ``changed_at`` and ``told_at``."""
    state: LoraState = "offered"
    reason: str = ""
    """Why it is refused, or off without anybody's having said so."""
    changed_at: float = 0.0
    """When ``state`` was last set."""
    live: bool = False
    """Whether an engine has it in service: new turns get it."""
    progress: str = ""
    """What the engine is doing about ``state`` just now."""
    told_at: float = 0.0
    """When an engine last said something about it, by its own machine's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFiles:
    """What an engine is told of a version."""

    name: str
    folder: Path
    files_hash: str
    """What the files must hash to when they are loaded."""
    rank: int
    """0 = they lie with another process of the bot, which loads them: here it is known by its name alone."""


class Loras(Protocol):
    """All versions of one bot: its running processes see a change within a second."""

    async def offer(
        self,
        folder: Path,
        *,
        name: str,
        method: str,
        base: str = "",
        run: str = "",
        dataset_hash: str = "",
        figures: Mapping[str, Any] | None = None,
        refused: str = "",
    ) -> Lora:
        """Keep a copy of the adapter in ``folder`` as a version that can be used; ``base`` "" = ``engine.model``.

        ``refused`` says why it may not be used: it is then kept for the record. Raises `ModelError` where the folder
        holds no adapter that the engine can load, or the name is taken.
        """
        ...

    async def list(self) -> Sequence[Lora]:
        """Every version, oldest first."""
        ...

    async def use(self, name: str) -> Lora:
        """Let new turns have this version, and the one before it no more. Raises `ModelError` where it cannot be.

        Returns at once; it is so when `Lora.live` says so.
        """
        ...

    async def off(self) -> Sequence[Lora]:
        """Let new turns have the base again; the versions that served."""
        ...
