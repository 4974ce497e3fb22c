"""A plugin on every hook that lets everything pass, and where ``answers`` is set, lets the engine speak."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from pydantic import BaseModel

from botcore import Bot, Chunk, Feedback, Registry, Reply, Turn, hookimpl


class Settings(BaseModel):
    answers: bool = False


class Everywhere:
    Settings = Settings

    def __init__(self, settings: Settings) -> None:
        self._answers = settings.answers

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds nothing."""

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        yield

    @hookimpl
    async def admit(self, turn: Turn) -> None:
        """Everybody may speak."""

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        """Knows nothing."""

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return _speak(turn) if self._answers else None

    @hookimpl
    async def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield chunk

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        """Keeps nothing."""

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        """Learns nothing."""


async def _speak(turn: Turn) -> AsyncIterator[Chunk]:
    async with aclosing(turn.generate(await turn.prompt("Repeat what you hear."))) as deltas:
        async for delta in deltas:
            if delta.text:
                yield Chunk(text=delta.text)
