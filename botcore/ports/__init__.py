"""What others implement: channels and engines; and the two faces of the core they are given: `Inbox` and `Bot`."""

from botcore.ports.bot import Bot, Database
from botcore.ports.channel import PLACEHOLDER, Capabilities, Channel, Draft, Inbox, Part, Receipt
from botcore.ports.engine import Delta, Engine, EngineStatus, LoraEngine, Prompt, Stage, Usage

__all__ = [
    "PLACEHOLDER",
    "Bot",
    "Capabilities",
    "Channel",
    "Database",
    "Delta",
    "Draft",
    "Engine",
    "EngineStatus",
    "Inbox",
    "LoraEngine",
    "Part",
    "Prompt",
    "Receipt",
    "Stage",
    "Usage",
]
