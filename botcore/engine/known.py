"""Models to begin with, and the honest label of the one in the box: what it is, what not, and how to take a better."""

from typing import NamedTuple

from botcore.engine.fit import fit
from botcore.engine.room import Room
from botcore.models import Facts
from botcore.settings import EngineSettings

__all__ = ["STARTER_LABEL", "better_command", "suggestion"]

STARTER_LABEL = (
    "a very small model made for botcore: it chats a little and quotes documents, and knows nothing of the world"
)


ENOUGH = 4096
"""Tokens of context below which a chat with passages soon forgets."""


class _Known(NamedTuple):
    name: str
    parameters: int
    kv_token_bytes: int
    window: int = 32_768


KNOWN = (
    _Known("Qwen/Qwen2.5-14B-Instruct", 14_770_033_664, 196_608),
    _Known("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512, 57_344),
    _Known("Qwen/Qwen3-4B-Instruct-2507", 4_022_468_096, 147_456, window=262_144),
    _Known("Qwen/Qwen2.5-1.5B-Instruct", 1_543_714_304, 28_672),
    _Known("Qwen/Qwen2.5-0.5B-Instruct", 494_032_768, 12_288),
)
"""Models under Apache-2.0 that answer without thinking aloud first, largest first."""


def better_command(here: Room, settings: EngineSettings) -> str:
    """The one command that takes a better model than the starter."""
    return f"botcore model get {suggestion(here, settings)} --use"


def suggestion(here: Room, settings: EngineSettings) -> str:
    """A better model than the starter that this machine runs well; the smallest where none does."""
    return next((known.name for known in KNOWN if _runs_well(known, here, settings)), KNOWN[-1].name)


def _runs_well(known: _Known, here: Room, settings: EngineSettings) -> bool:
    found = fit(_facts(known), here, settings)
    return found.verdict == "fits" and found.window >= ENOUGH


def _facts(known: _Known) -> Facts:
    return Facts(
        architecture="", window=known.window, kv_token_bytes=known.kv_token_bytes, parameters=known.parameters,
        dtype="bfloat16", weight_bytes=known.parameters * 2, quantized="", chat_template=True,
    )  # fmt: skip
