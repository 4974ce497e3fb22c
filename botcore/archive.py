"""What the bot has kept, for channels and plugins to ask: the part of `ports.Bot` that is questions to the store."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from botcore.messages import Conversation, Entry, Feedback, Message, Outcome, Reply
from botcore.store import Store

__all__ = ["Archive"]


class Archive:
    """Answers from an open database."""

    database: Store

    async def conversations(
        self, channel: str, person: str, *, until: float = 0.0, limit: int = 200
    ) -> list[tuple[str, str, float]]:
        """See `ports.Bot`."""
        return await self.database.conversations(channel, person, until=until, limit=limit)

    async def history(
        self, conversation: Conversation, *, after: int = 0, before: int = 0, limit: int = 200, reader: str = ""
    ) -> list[Entry]:
        """See `ports.Bot`."""
        return await self.database.history(conversation.key, after=after, before=before, limit=limit, reader=reader)

    async def open_messages(self, conversation: Conversation) -> list[tuple[int, Message]]:
        """See `ports.Bot`."""
        return await self.database.open_messages(conversation.key)

    async def outcome(self, message: int) -> tuple[Outcome | None, Reply | None]:
        """See `ports.Bot`."""
        return await self.database.outcome(message)

    async def reply(self, reply: str) -> Reply | None:
        """See `ports.Bot`."""
        return await self.database.reply(reply)

    async def trace(self, reply: str) -> Mapping[str, object] | None:
        """See `ports.Bot`."""
        return await self.database.trace(reply)

    async def migrate(self, name: str, scripts: Path) -> None:
        """See `ports.Bot`."""
        await self.database.migrate(name, scripts)

    async def judgements(self, since: float = 0.0) -> AsyncIterator[Feedback]:
        """See `ports.Bot`."""
        row = 0
        while page := await self.database.feedback_since(since, row):
            for _, _, judgement in page:
                yield judgement
            since, row, _ = page[-1]

    async def turns(self, after: int = 0) -> AsyncIterator[tuple[int, Reply]]:
        """See `ports.Bot`."""
        while page := await self.database.turns(after):
            for after, reply in page:
                yield after, reply
