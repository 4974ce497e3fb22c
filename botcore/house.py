"""What every turn needs of the running bot, in one record: made by the bot, handed to all who work on messages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from botcore.clock import Clock
from botcore.dispatch import Dispatcher
from botcore.messages import Feedback, Incoming
from botcore.observe import Metrics
from botcore.pace import Seldom
from botcore.ports import Channel, Engine, LoraEngine, Receipt
from botcore.registry import Command
from botcore.sender import Sender
from botcore.settings import TurnSettings
from botcore.store import Store

__all__ = ["House"]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every turn needs of the running bot."""

    settings: TurnSettings
    store: Store
    engine: Engine
    hooks: Dispatcher
    commands: Mapping[str, Command]
    channels: Mapping[str, Channel]
    sender: Sender
    loras: LoraEngine | None
    """The same engine, where it can serve LoRA versions."""
    accept: Callable[[Sequence[Incoming]], Awaitable[list[Receipt]]]
    """The inbox, for what a turn itself has to say."""
    judged: Callable[[Sequence[Feedback]], Awaitable[None]]
    """Tells plugins of judgements whose reply is known."""
    files: Path
    """Where attachments lie while they are read."""
    excuses: Seldom
    """Which conversation was told lately that it had to wait."""
    clock: Clock
    metrics: Metrics
