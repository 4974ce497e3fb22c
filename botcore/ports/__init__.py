"""What others implement (channels, engines, encoders), and the two faces of the core they get: `Inbox` and `Bot`."""

from botcore.ports.bot import Bot, Database
from botcore.ports.channel import PLACEHOLDER, Capabilities, Channel, Draft, Inbox, Part, Phase, Receipt
from botcore.ports.encoder import Encoder
from botcore.ports.engine import Delta, Engine, EngineStatus, LoraEngine, Prompt, Stage, Usage

__all__ = [
    "PLACEHOLDER",
    "Bot",
    "Capabilities",
    "Channel",
    "Database",
    "Delta",
    "Draft",
    "Encoder",
    "Engine",
    "EngineStatus",
    "Inbox",
    "LoraEngine",
    "Part",
    "Phase",
    "Prompt",
    "Receipt",
    "Stage",
    "Usage",
]
