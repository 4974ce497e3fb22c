"""Files on their way: from a request to the disk, to the message that takes them along, to the plugin that reads them.

The bounds are here. What stands on the disk, and how, is `files`.
"""

import asyncio
import errno
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from botcore import Attachment, Clock, Conversation, Rejected, StoreUnavailable, Unknown
from botcore_web.file_wire import Kept, Offer, attachment, place, too_large
from botcore_web.files import Shelf
from botcore_web.problem import Problem
from botcore_web.settings import WebSettings

__all__ = ["DAY_S", "SWEEP_S", "Uploads"]

log: logging.Logger = logging.getLogger(__name__)

DAY_S = 86_400.0
"""What no message has taken along for this long goes."""
SWEEP_S = 3600.0
CHATS_A_SWEEP = 200
"""How many chats one sweep asks the store about."""
PIECE = 1 << 18
EACH = 4
"""Files of one visitor on their way: a page sends one after the other, and nobody may keep all others waiting."""
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

P = ParamSpec("P")
T = TypeVar("T")


class Uploads:
    """Every file of this channel."""

    def __init__(self, root: Path, settings: WebSettings, clock: Clock) -> None:
        self._shelf = Shelf(root)
        self._settings = settings
        self._clock = clock
        self._total = 0
        """Bytes kept, about: counted by each sweep, and by what came and went since."""
        self._coming: Counter[str] = Counter()
        """Visitor → files on their way."""
        self._next = ""
        """The chat the next sweep begins with."""

    # ------------------------------------------------------------ coming in

    async def take(self, chat: str, offer: Offer, pieces: AsyncGenerator[bytes, None], length: int) -> Kept:
        """The file on the disk, whole; the one that is there where this offer came before.

        ``length`` is what the request says of its body, 0 = nothing. Raises `Problem`; then nothing is left behind.
        """
        if known := await _on_disk(self._shelf.known, chat, offer.id):
            return known
        with self._on_its_way(chat.partition(".")[0]) as visitor:
            await self._check_room(visitor, length)
            async with aclosing(pieces):
                return await self._write(chat, offer, pieces)

    @contextmanager
    def _on_its_way(self, visitor: str) -> Iterator[str]:
        if self._coming.total() >= self._settings.uploads:
            raise Problem(503, "full", "too many files are on their way; try again in a moment", retry_after=5)
        if self._coming[visitor] >= EACH:
            raise Problem(
                429, "busy", f"{EACH} files of yours are on their way; send it when one is there", retry_after=5
            )
        self._coming[visitor] += 1
        try:
            yield visitor
        finally:
            self._coming[visitor] -= 1
            self._coming += Counter()  # forgets who has none

    async def _check_room(self, visitor: str, length: int) -> None:
        most = self._settings.files_waiting
        if await _on_disk(self._shelf.waiting, visitor) + self._coming[visitor] > most:
            raise Problem(429, "files_waiting", f"{most} files wait already; send them, or remove some", retry_after=5)
        free = await _on_disk(lambda: self._shelf.free)
        if free - length < self._settings.disk_free:
            raise _no_room(f"{free} bytes are free")

    async def _write(self, chat: str, offer: Offer, pieces: AsyncIterator[bytes]) -> Kept:
        file, aside = await _on_disk(self._shelf.begin)
        size, done = 0, False
        try:
            async for piece in pieces:
                size += len(piece)
                self._total += len(piece)
                self._check_size(size)
                await _on_disk(file.write, piece)
            if not size:
                raise Problem(400, "empty", "the file is empty; choose another")
            kept = await _on_disk(self._shelf.keep, file, aside, chat, offer)
            done = True
            return kept
        finally:
            with suppress(OSError):  # a full disk: closing would write what is left
                file.close()
            aside.unlink(missing_ok=True)
            self._total -= 0 if done else size

    def _check_size(self, size: int) -> None:
        if size > self._settings.file_limit:
            raise too_large(self._settings.file_limit)
        if self._total > self._settings.files_total:
            raise _no_room(f"the files have reached files_total, {self._settings.files_total} bytes")

    async def drop(self, chat: str, id: str) -> None:
        """Remove a file that no message has taken along; one that is not there is no harm."""
        await self._free(self._shelf.drop, chat, id)

    # ------------------------------------------------------------ with messages

    async def say(self, where: Conversation, ids: Sequence[str]) -> tuple[Attachment, ...]:
        """The files that a message takes along: they are on the disk, and stay, before it is accepted."""
        kept = await _on_disk(self._shelf.say, where.chat, ids) if ids else ()
        if kept is None:
            raise Problem(404, "no_file", "a file of this message is not here any more; attach it again")
        return tuple(attachment(where, one) for one in kept)

    async def read(self, reference: str) -> AsyncGenerator[bytes, None]:
        """An attachment's bytes. Raises `Rejected` where it is gone, `Unknown` where the disk fails."""
        known = place(reference)
        path = await asyncio.to_thread(self._shelf.find, *known) if known else None
        if path is None:
            raise Rejected("the file is not here any more")
        try:
            file = await asyncio.to_thread(path.open, "rb")
            with file:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
        except FileNotFoundError:
            raise Rejected("the file is not here any more") from None
        except OSError as error:
            raise Unknown(f"the file cannot be read: {error.strerror}") from error

    # ------------------------------------------------------------ going

    async def forget(self, chat: str) -> None:
        """Remove every file of a chat."""
        await self._free(self._shelf.forget, chat)

    async def forget_all(self, visitor: str) -> None:
        """Remove every file of a visitor."""
        await self._free(self._shelf.forget_all, visitor)

    async def _free(self, remove: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> None:
        freed = await _on_disk(remove, *args, **kwargs)
        self._total -= freed  # on a line of its own: meanwhile others have come and gone

    async def tend(self, known: Callable[[str], Awaitable[bool]]) -> None:
        """Sweep now and every hour until cancelled; ``known`` says whether the bot still has a chat."""
        while True:
            try:
                await self.sweep(known)
            except (OSError, StoreUnavailable) as error:
                log.warning("the attached files could not be swept: %s", error)
            await self._clock.sleep(SWEEP_S)

    async def sweep(self, known: Callable[[str], Awaitable[bool]]) -> None:
        """Remove what was never said, what is old, and what belongs to conversations that were forgotten elsewhere."""
        now = self._clock.now()
        said = now - self._settings.file_days * DAY_S
        await asyncio.to_thread(self._shelf.clear, waiting=now - DAY_S, said=said)
        chats = await asyncio.to_thread(self._shelf.chats, now - DAY_S)
        ahead = [chat for chat in chats if chat >= self._next]
        for chat in ahead[:CHATS_A_SWEEP]:
            if not await known(chat):
                await asyncio.to_thread(self._shelf.forget, chat)
        self._next = ahead[CHATS_A_SWEEP] if len(ahead) > CHATS_A_SWEEP else ""
        self._total = await asyncio.to_thread(lambda: self._shelf.size)


async def _on_disk(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """``work`` on a thread of its own, for it waits for the disk. A `Problem` where the disk says no."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room(error.strerror or "the disk is full") from error
        log.warning("an attached file could not be kept: %s", error)
        raise Problem(503, "disk", "the bot's disk does not work; its log says why", retry_after=60) from error


def _no_room(why: str) -> Problem:
    log.warning("a file was turned away for want of room: %s", why)
    return Problem(507, "no_room", "the bot has no room for more files; its operator must make some")
