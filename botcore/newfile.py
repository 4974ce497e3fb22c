"""A file that appears under its name whole, on the disk and readable by its owner alone, or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from botcore.errors import StoreError

__all__ = ["FULL", "new_file", "plainly", "refuse_taken", "to_the_disk"]

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a disk says that takes no more."""


@contextmanager
def new_file(path: Path, *, force: bool, folder: Path | None = None) -> Iterator[IO[bytes]]:
    """The file to write; it gets its name when the body has ended well.

    Until then it lies beside that, or in a ``folder`` of the same disk.
    Raises `StoreError` where the name is taken, or the disk is full.
    """
    import tempfile  # importing botcore does not pay for it

    refuse_taken(path, force=force)
    with plainly(f"cannot write {path}"):
        handle, name = tempfile.mkstemp(dir=folder or path.parent, prefix=f".{path.name}.", suffix=".tmp")  # 0600
    temporary = Path(name)
    try:
        with _open(handle) as file:
            yield file
            with plainly(f"cannot write {path}"):
                file.flush()
                os.fsync(file.fileno())
        with plainly(f"cannot write {path}"):
            _publish(temporary, path, force=force)
    except OSError as error:
        if error.errno not in FULL:  # the body's own
            raise
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def refuse_taken(path: Path, *, force: bool) -> None:
    """Raise `StoreError` where no new file can have that name."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file in it")
    if path.exists() and not force:
        raise _taken(path)
    if not path.parent.is_dir():
        raise StoreError(f"there is no folder {path.parent} to write {path.name} in; make it first, or give another")


@contextmanager
def _open(handle: int) -> Iterator[IO[bytes]]:
    """Closed at the end; what a full disk refused is refused once more then, and has been told."""
    file = open(handle, "wb")  # noqa: SIM115 -- its own closing would tell it in the place of the error
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def plainly(what: str) -> Iterator[None]:
    """Turn an operating system's error into a `StoreError` of one line."""
    try:
        yield
    except OSError as error:
        named = f" ({error.filename})" if error.filename else ""
        raise StoreError(f"{what}: {error.strerror or error}{named}") from None


def _publish(temporary: Path, path: Path, *, force: bool) -> None:
    if force or not _linked(temporary, path):
        os.replace(temporary, path)
    to_the_disk(path.parent)


def to_the_disk(path: Path) -> None:
    """Make what is in this file, or the names that were given in this folder, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _linked(temporary: Path, path: Path) -> bool:
    """Whether the name could be given by a link, which unlike a rename never replaces what came there meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without hard links, as on USB disks: then the look at the start must do
        return False
    return True


def _taken(path: Path) -> StoreError:
    return StoreError(f"{path} exists; give another name, or --force to replace it")
