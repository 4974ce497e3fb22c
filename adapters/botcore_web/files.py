"""Attached files on the disk, below ``data_dir/web``. Synchronous; callers use threads. Nothing here is ever served.

    <visitor>/<chat>/<file id>-<name>        waits for its message
    <visitor>/<chat>/said/<file id>-<name>   was taken along by one
    .incoming/<random>                       is being written

A file is whole or not there: written aside, synced, then renamed. Names were made harmless in `file_wire`.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from botcore_web.file_wire import ID_LENGTH, Kept, Offer

__all__ = ["Shelf"]

SAID = "said"
"""No chat's id and no file's name reads like that."""


class Shelf:
    """Where files stand. ``chat`` is a `botcore.Conversation.chat`: visitor, dot, the page's own id."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / ".incoming"

    @property
    def free(self) -> int:
        """Bytes that the disk has left."""
        return shutil.disk_usage(self._root.parent).free

    @property
    def size(self) -> int:
        """Bytes of everything that stands here."""
        return sum(_size(one) for one in self._root.rglob("*"))

    # ------------------------------------------------------------ coming in

    def begin(self) -> tuple[BinaryIO, Path]:
        """A file without a name, open for writing, and where it is."""
        descriptor, path = tempfile.mkstemp(dir=_made(self._incoming))
        return os.fdopen(descriptor, "wb"), Path(path)

    def keep(self, file: BinaryIO, aside: Path, chat: str, offer: Offer) -> Kept:
        """Give a written file its name; it survives a power cut once this returns."""
        file.flush()
        os.fsync(file.fileno())
        final = _made(self._home(chat)) / f"{offer.id}-{offer.name}"
        aside.rename(final)
        _sync(final.parent)
        return _kept(final)

    # ------------------------------------------------------------ finding

    def find(self, chat: str, id: str) -> Path | None:
        """A file of this chat: one that waits, or one that was said."""
        home = self._home(chat)
        return next((one for place in (home, home / SAID) for one in place.glob(f"{id}-*")), None)

    def known(self, chat: str, id: str) -> Kept | None:
        """The same, as what is told of it."""
        found = self.find(chat, id)
        return _kept(found) if found else None

    def waiting(self, visitor: str) -> int:
        """How many files of a visitor no message has taken along yet."""
        return sum(one.is_file() for one in (self._root / visitor).glob("*/*"))

    # ------------------------------------------------------------ moving and going

    def say(self, chat: str, ids: Sequence[str]) -> Sequence[Kept] | None:
        """Files that a message takes along, kept from now on; again is no harm. None where one is missing."""
        found = [path for id in ids if (path := self.find(chat, id))]
        if len(found) < len(ids):
            return None
        said = _made(self._home(chat) / SAID)
        for path in found:
            with suppress(FileNotFoundError):  # the same message, sent twice at once
                path.rename(said / path.name)
        _sync(said)
        _sync(said.parent)
        return [_kept(said / path.name) for path in found]

    def drop(self, chat: str, id: str) -> int:
        """Remove a file that waits; the bytes that this freed."""
        return sum(_removed(one) for one in self._home(chat).glob(f"{id}-*"))

    def forget(self, chat: str) -> int:
        """Remove every file of a chat; the bytes that this freed."""
        home = self._home(chat)
        freed = _emptied(home)
        with suppress(OSError):
            home.parent.rmdir()  # the visitor's last chat
        return freed

    def forget_all(self, visitor: str) -> int:
        """Remove every file of a visitor; the bytes that this freed."""
        return _emptied(self._root / visitor)

    def clear(self, *, waiting: float, said: float) -> None:
        """Remove what was uploaded before those moments (Unix seconds), and what was begun before the first."""
        for before, pattern in ((waiting, ".incoming/*"), (waiting, "*/*/*"), (said, f"*/*/{SAID}/*")):
            for one in self._root.glob(pattern):
                if one.is_file() and _older(one, before):
                    one.unlink(missing_ok=True)

    def chats(self, before: float) -> Sequence[str]:
        """Chats in which no file came since that moment (Unix seconds), in one order."""
        homes = [one for one in self._root.glob("*/*") if one.is_dir() and _older(one, before)]
        return sorted(f"{home.parent.name}.{home.name}" for home in homes)

    def _home(self, chat: str) -> Path:
        visitor, _, own = chat.partition(".")
        return self._root / visitor / own


def _kept(path: Path) -> Kept:
    return Kept(id=path.name[:ID_LENGTH], name=path.name[ID_LENGTH + 1 :], size=path.stat().st_size)


def _size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, and for what has gone meanwhile."""
    with suppress(FileNotFoundError):
        return path.stat().st_size if path.is_file() else 0
    return 0


def _older(path: Path, moment: float) -> bool:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime < moment
    return False


def _removed(path: Path) -> int:
    size = _size(path)
    path.unlink(missing_ok=True)
    return size


def _emptied(folder: Path) -> int:
    freed = sum(_size(one) for one in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    return freed


def _made(folder: Path) -> Path:
    """The folder, made for our eyes only; what was made is on the disk for good."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        _sync(one.parent)
    return folder


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk, as fsync(2) asks for."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
