"""Documents that people send in the chat: fetched, read, kept for whoever sent them, and what they are told of it."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from unicodedata import normalize

from botcore import Attachment, Database, Rejected, Retry, Turn, Unknown
from botcore_qa import index
from botcore_qa.catalogue import extent
from botcore_qa.documents import Found
from botcore_qa.intake import Intake, NoRoom, Step, Taken, swept
from botcore_qa.kinds import IN_WORDS, Unreadable, instead, named
from botcore_qa.scope import scope_of
from botcore_qa.settings import QASettings

__all__ = ["File", "Uploads", "troubles", "welcome"]

log = logging.getLogger(__name__)

FILES = 10
"""Files of one message that are read: an album."""
NAME = 100
"""Characters of a file's name that are kept."""
READERS = 2
"""Documents from chats that are read at once in this process, each in a child of its own."""
WAITING = 8
"""Messages with documents that wait for them, one of a person or group: each holds the turn of somebody who asks."""
BUSY = "other documents are being read; send it again in a moment"
UNPRINTABLE = re.compile(r"[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What became of one file of a message."""

    name: str
    taken: Taken | None = None
    refused: str = ""
    """Why it is not in the index; "" with no `taken` = it is no document at all."""


class Uploads:
    """The way of files from messages into the index."""

    def __init__(self, database: Database, settings: QASettings) -> None:
        self._database = database
        self._settings = settings
        self._readers = asyncio.Semaphore(READERS)
        self._at_work = set[str]()
        """The scopes whose documents are read, or wait for it."""

    async def take(self, turn: Turn) -> list[File]:
        """Every file of the message, one after the other, with progress; each becomes a document or has a reason."""
        files = turn.message.attachments
        left_out = [File(name=_name(one), refused=f"only {FILES} files of a message are read") for one in files[FILES:]]
        scope = scope_of(turn.message)
        if scope in self._at_work or len(self._at_work) >= READERS + WAITING:
            return [_sent_off(one) for one in files[:FILES]] + left_out
        self._at_work.add(scope)
        try:
            return [await self._take(turn, one) for one in files[:FILES]] + left_out
        finally:
            self._at_work.discard(scope)

    async def _take(self, turn: Turn, attachment: Attachment) -> File:
        name = _name(attachment)
        if named(name, attachment.media_type) is None:
            return _strange(name)
        if self._readers.locked():
            turn.progress(f"{name} waits: other documents are being read")
        try:
            async with self._readers:
                return File(name=name, taken=await self._read(turn, attachment, name))
        except Unreadable as refused:
            if refused.plainly != str(refused):
                log.warning("qa: a document that was sent in a chat cannot be read: %s", refused)
            return File(name=name, refused=refused.plainly)
        except Rejected as refused:
            return File(name=name, refused=str(refused).replace(attachment.name, "it", 1))
        except (Retry, Unknown):
            return File(name=name, refused="it cannot be fetched at the moment; please send it again")

    async def _read(self, turn: Turn, attachment: Attachment, name: str) -> Taken:
        turn.progress(f"Reading {name}")
        scope, settings = scope_of(turn.message), self._settings
        intake = Intake(
            database=self._database,
            settings=settings,
            clock=turn.clock,
            origin="upload",
            scope=scope,
            sender=turn.message.person.id,
        )
        async with turn.file(attachment, limit=settings.max_file_bytes) as file:
            found = Found(path=name.casefold(), source=name, file=file, media_type=attachment.media_type)
            known = await self._database.read(index.known, scope=scope)
            own, everybodys = await self._room(known, found.path)
            try:
                told, room = partial(_told, turn, name), min(own, everybodys)
                taken = await intake.take(found, known.get(found.path), told, room=room)
            except NoRoom as error:
                raise self._no_room(own) if own <= everybodys else self._full(error) from error
        await swept(self._database)
        return taken

    async def _room(self, known: dict[str, index.Known], path: str) -> tuple[int, int]:
        """Passages this document may have, by what its owners have and by what all have together.

        Raises `Unreadable` for one document too many.
        """
        limits, here = self._settings, [one for at, one in known.items() if one.hash and at != path]
        if len(here) >= limits.uploads_each:
            raise Unreadable(
                f"only {limits.uploads_each} may be kept here at a time; /sources shows how to take one out"
            )
        own = limits.uploads_each_passages - sum(one.passages for one in here)
        earlier = known[path].passages if path in known else 0
        return own, limits.uploads_passages - await self._database.read(index.uploaded) + earlier

    def _no_room(self, own: int) -> Unreadable:
        if own >= self._settings.uploads_each_passages:
            return Unreadable("it is too long to be kept here; send the part you need")
        return Unreadable("it is too long for the room you have left; /sources shows what you could take out")

    def _full(self, error: NoRoom) -> Unreadable:
        """Nobody is asked to make room for others: that is the operator's."""
        most = self._settings.uploads_passages
        reason = (
            f"all documents sent in chats together have uploads_passages = {most} used up; raise it, or take some out"
        )
        return Unreadable(
            f"{error}: {reason} (botcore sources list)", "there is no room for it at the moment; try again another day"
        )


def _sent_off(attachment: Attachment) -> File:
    name = _name(attachment)
    return File(name=name, refused=BUSY) if named(name, attachment.media_type) else _strange(name)


def _strange(name: str) -> File:
    """A file that is no document, with what makes one of it where we know that."""
    other = instead(name)
    reason = f"I cannot read files of this type; save it as {other} and send that"
    return File(name=name, refused=reason if other else "")


def troubles(files: Sequence[File]) -> list[str]:
    """A line for each file that is not in the index, one for all that are no documents."""
    strange = [one.name for one in files if not one.taken and not one.refused]
    lines = [f"I cannot use {one.name}: {one.refused}." for one in files if one.refused]
    return lines + ([f"I cannot read {', '.join(strange)}. I can read {IN_WORDS}."] if strange else [])


def welcome(files: Sequence[File], *, private: bool) -> list[str]:
    """A line for each document, and what can be done with them."""
    lines = [_line(one.name, one.taken) for one in files if one.taken]
    if not lines:
        return []
    it = "it" if len(lines) == 1 else "them"
    who = "Ask me about" if private else "Everybody in this chat can ask me about"
    last = next(one.name for one in reversed(files) if one.taken)
    return [*lines, f"{who} {it}. To take {'it' if len(lines) == 1 else 'one'} out again: /sources remove {last}"]


def _line(name: str, taken: Taken) -> str:
    begins = {
        "added": f"I have read {name}",
        "updated": f"I have read the new {name}, which takes the place of the old one",
        "unchanged": f"I know {name} already",
    }[taken.state]
    pages = ", ".join(str(page) for page in taken.unread[:10])
    unread = f" I could not make out page{'s' * (len(taken.unread) > 1)} {pages}." if pages else ""
    return f"{begins}: “{taken.title}”, {extent(taken.pages, taken.passages)}.{unread}"


def _told(turn: Turn, name: str, step: Step) -> None:
    where = f"page {step.page} of {step.pages}" if step.pages else f"{extent(0, step.passages)} so far"
    turn.progress(f"Reading {name}: {where}")


def _name(attachment: Attachment) -> str:
    """The file's name as it may be shown and kept: no path, one line, not too long; its ending survives.

    A Mac writes "ü" as two signs, and everybody else, who types the name or sends a newer version, as one.
    One without a name gets one that the next nameless file does not share: it would take its place.
    """
    base = re.split(r"[/\\]", UNPRINTABLE.sub(" ", normalize("NFC", attachment.name)))[-1].strip()
    base = base or f"document-{sha256(attachment.reference.encode()).hexdigest()[:6]}"
    stem, dot, ending = base.rpartition(".")
    return base if len(base) <= NAME else f"{stem[: NAME - 12]}…{dot}{ending[:10]}"
