"""One document into the index, part by part as it is read: never more of it in memory than one write's passages."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Literal

from botcore import BotcoreError, Clock, Database
from botcore_qa import index, markdown
from botcore_qa.documents import Found
from botcore_qa.kinds import Kind, Unreadable
from botcore_qa.reader.parts import End, Opening, Section
from botcore_qa.reading import examine, parts
from botcore_qa.settings import QASettings

__all__ = ["Intake", "NoRoom", "Step", "Taken", "Watch", "swept"]

SLICE = 50
"""Passages per write: about 5 ms, so that messages are not kept waiting."""
FORM = "8"
"""Changed whenever stems or passages are made differently: everything is then read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far the reading of one document has come."""

    page: int
    """0 = it has no pages."""
    pages: int
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A document that is in the index now."""

    id: int
    state: Literal["added", "updated", "unchanged"]
    title: str
    pages: int
    passages: int
    unread: tuple[int, ...] = ()
    """Pages whose text could not be made out."""


Watch = Callable[[Step], None]


class NoRoom(Unreadable):
    """It makes more passages than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where documents go, and how."""

    database: Database
    settings: QASettings
    clock: Clock
    origin: str
    scope: str = ""
    sender: str = ""

    async def take(self, found: Found, known: index.Known | None, watch: Watch, *, room: int | None = None) -> Taken:
        """Read it if it has changed since it was ``known``; ``watch`` hears how far a long one has come.

        Raises `Unreadable`, also for more than ``room`` passages; an earlier version then stays as it was. Cancelled,
        or failed in any other way, what was read of it is never found, and swept up later.
        """
        kind, digest = await asyncio.to_thread(examine, found, self.settings)  # reads a file
        hash = self._hash(found, digest)
        if known and known.hash == hash:
            return Taken(id=known.id, state="unchanged", title=known.title, pages=known.pages, passages=known.passages)
        document = self._document(found, kind, hash, known)
        return await self._read(_Writing(self.database, self.settings, document, watch, room), found, kind, known)

    async def _read(self, writing: "_Writing", found: Found, kind: Kind, known: index.Known | None) -> Taken:
        try:
            async with aclosing(parts(found, kind, self.settings, self.clock)) as read:
                async for part in read:
                    await writing.take(part)
            await writing.publish()
        except BaseException as error:  # cancelled, too: what is left as if it were being read would count as theirs
            await asyncio.shield(writing.abandon(self.clock.now()))
            if isinstance(error, Unreadable):
                await swept(self.database)
            raise
        return Taken(
            id=writing.id,
            state="updated" if known and known.hash else "added",
            title=writing.document.title,
            pages=writing.document.pages,
            passages=writing.passages,
            unread=writing.unread,
        )

    def _hash(self, found: Found, digest: str) -> str:
        made_of = "\0".join((FORM, str(self.settings.passage_chars), found.source, digest))
        return hashlib.sha256(made_of.encode()).hexdigest()

    def _document(self, found: Found, kind: Kind, hash: str, known: index.Known | None) -> index.Document:
        keeps = known is not None and known.origin == "ingest"  # what a person added by hand stays theirs
        return index.Document(
            path=found.path,
            source=found.source,
            title=markdown.title("", found.source),
            hash=hash,
            origin="ingest" if keeps else self.origin,
            scope=self.scope,
            sender=self.sender,
            kind=kind,
            added=self.clock.now(),
        )


class _Writing:
    """A document on its way into the index."""

    def __init__(
        self, database: Database, settings: QASettings, document: index.Document, watch: Watch, room: int | None
    ) -> None:
        self.document = document
        self.id = 0
        self.passages = 0
        self.unread: tuple[int, ...] = ()
        self._database = database
        self._settings = settings
        self._watch = watch
        self._room = room
        self._rows: list[index.Row] = []
        self._page = 0
        self._beginning: asyncio.Task[int] | None = None

    async def take(self, part: Opening | Section | End) -> None:
        if isinstance(part, Opening):
            self.document = replace(self.document, title=part.title or self.document.title, pages=part.pages)
        elif isinstance(part, End):
            self.unread = part.unread
        else:
            self._page = part.page
            self._rows += await asyncio.to_thread(self._cut, part)  # splitting and stemming: CPU
            while len(self._rows) >= SLICE:
                await self._write()

    async def publish(self) -> None:
        """Let it answer questions. Raises `Unreadable` as `take`."""
        await self._write()
        self._still_ours(await self._database.write(index.publish, self.id, self.document, self.passages))

    async def abandon(self, now: float) -> None:
        """Let go of what is stored of it; where the database is gone, the next run does."""
        with suppress(BotcoreError):
            id = await self._beginning if self._beginning else 0
            await self._database.write(index.abandon, now=now, id=id)

    async def _begin(self) -> int:
        """The write completes when its caller is cancelled: its id must not be lost with them."""
        begin = self._database.write(index.begin, document=self.document)
        self._beginning = asyncio.create_task(begin, name="qa begins a document")
        return await asyncio.shield(self._beginning)

    async def _write(self) -> None:
        rows, self._rows = self._rows[:SLICE], self._rows[SLICE:]
        if self._room is not None and self.passages + len(rows) > self._room:
            raise NoRoom(f"makes more than the {max(self._room, 0)} passages there is room for")
        self.id = self.id or await self._begin()
        if rows:
            scope, place = self.document.scope, self.passages
            self._still_ours(await self._database.write(index.add, self.id, scope, place, rows))
            self.passages += len(rows)
        if len(rows) == SLICE:
            self._watch(Step(page=self._page, pages=self.document.pages, passages=self.passages))

    def _still_ours(self, stored: bool) -> None:
        if not stored:
            raise Unreadable("another process reads it at this moment; it does the work")

    def _cut(self, section: Section) -> list[index.Row]:
        size = self._settings.passage_chars
        cut = markdown.cut(section.text, self.document.title, section.heading, page=section.page, size=size)
        return [index.row(piece) for piece in cut]


async def swept(database: Database) -> None:
    """Return once nothing is left of documents that left."""
    while await database.write(index.sweep, limit=SLICE):
        pass
