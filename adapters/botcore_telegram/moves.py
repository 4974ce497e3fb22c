"""Groups that became supergroups: Telegram gives them another id, and refuses every call to the old one.

in our records    the id it had first: history, documents and judgements stay where they are
in calls          the id it has now

Kept in the database, for all processes and bots; what was looked up or noted once is known without asking. A bot that
is in no group makes no table.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botcore import Bot, BotcoreError, Control, Conversation, Database, Incoming

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Moves"]

MIGRATIONS = Path(__file__).with_name("migrations")
REMEMBERED = 10_000
NOW = "SELECT chat FROM telegram_moves WHERE was = :chat"
FIRST = "SELECT was FROM telegram_moves WHERE chat = :chat"
NOTE = "INSERT INTO telegram_moves (chat, was) VALUES (:chat, :was) ON CONFLICT DO NOTHING"


class Moves:
    """Which chat is known by which id. Outside of a bot nothing is kept."""

    def __init__(self) -> None:
        self.bot: Bot | None = None
        """Who keeps it."""
        self._ready = False
        self._now: dict[int, int] = {}
        self._first: dict[int, int] = {}

    async def note(self, was: int, chat: int) -> None:
        """The group ``was`` is the supergroup ``chat`` from now on. Raises `StoreUnavailable`: it is not kept."""
        if database := await self._database():
            await database.write(lambda connection: _run(connection, NOTE, {"chat": chat, "was": was}))
        _remember(self._now, was, chat)
        _remember(self._first, chat, was)

    async def followed(self, was: int, chat: int) -> None:
        """As `note`, where Telegram says so of a call: it will say so of the next one, too."""
        with suppress(BotcoreError):
            await self.note(was, chat)

    async def now(self, chat: int) -> int:
        """The id to call a chat by."""
        if chat > 0:
            return chat  # a person's
        with suppress(BotcoreError):
            return await self._known(self._now, chat, NOW)
        return chat

    async def home(self, record: Incoming) -> Incoming:
        """The record in the conversation that it goes on with. Raises `StoreUnavailable`."""
        place = record.conversation
        if place.private:
            return record
        first = str(await self._known(self._first, int(place.chat), FIRST))
        return record if first == place.chat else _moved(record, replace(place, chat=first))

    async def _known(self, known: dict[int, int], chat: int, question: str) -> int:
        if chat in known:
            return known[chat]
        found: int | None = None
        if database := await self._database():
            found = await database.read(lambda connection: _run(connection, question, {"chat": chat}).scalar())
        _remember(known, chat, found or chat)
        return found or chat

    async def _database(self) -> Database | None:
        if self.bot and not self._ready:
            await self.bot.migrate("telegram", MIGRATIONS)
            self._ready = True
        return self.bot.database if self.bot else None


def _moved(record: Incoming, place: Conversation) -> Incoming:
    if isinstance(record, Control) and record.message:
        record = replace(record, message=replace(record.message, conversation=place))
    return replace(record, conversation=place)


def _remember(known: dict[int, int], chat: int, other: int) -> None:
    if len(known) >= REMEMBERED:
        known.clear()
    known[chat] = other


def _run(connection: "sa.Connection", statement: str, values: Mapping[str, int]) -> "sa.CursorResult[Any]":
    return connection.execute(_text(statement), values)


@cache
def _text(statement: str) -> "sa.TextClause":
    import sqlalchemy as sa  # 0.2 s that importing the channel does not pay

    return sa.text(statement)
