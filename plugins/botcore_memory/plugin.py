"""Puts the conversation's own window into ``turn.recalled.history``.

The conversation is the only scope: nothing here is keyed by person, so what was said in a group cannot turn up in a
private chat. The lines themselves stay in the store; this plugin keeps none of them.
"""

from collections.abc import AsyncIterator

from pydantic import BaseModel, ConfigDict, Field

from botcore import Chunk, Registry, Turn, hookimpl, say
from botcore_memory.window import Windows

__all__ = ["Memory", "MemorySettings"]

STARTED_OVER = "Done: from the next message on I start over, without what was said before."


class MemorySettings(BaseModel):
    """``[plugins.memory]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_messages: int = Field(default=40, ge=0, le=400)
    """Lines of the conversation the model sees at most (20 exchanges); 0 = none. `Turn.prompt` shortens it further to
    what fits the model's window."""


class Memory:
    """Remembers the conversation, and forgets it with /new."""

    Settings = MemorySettings

    def __init__(self, settings: MemorySettings) -> None:
        self._limit = settings.window_messages
        self._windows = Windows(settings.window_messages)

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds /new."""
        registry.command("new", "Start over: forget what was said so far in this conversation", self._new)

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        """The newest lines of this conversation, in order."""
        if self._limit:
            turn.recalled.history = self._windows.of(turn.conversation.key, await turn.history(self._limit))

    async def _new(self, turn: Turn) -> AsyncIterator[Chunk]:
        await turn.start_over()
        return say(STARTED_OVER)
