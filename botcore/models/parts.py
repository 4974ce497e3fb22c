"""A file on its way: it grows, keeps what it has over an interruption, and knows whether it became what it should."""

import hashlib
import os
from pathlib import Path
from typing import IO

from botcore.errors import ModelError
from botcore.models.wire import HubFile
from botcore.newfile import plainly

__all__ = ["Part"]

CHUNK = 1 << 20


class Part:
    """A file that is fetched piece by piece, open inside ``with``.

    Its name is its hash, so that a newer commit with the same file goes on with it.
    """

    def __init__(self, folder: Path, file: HubFile) -> None:
        self.path: Path = folder / file.oid.replace(":", "-")
        self.have: int = 0
        """Bytes so far."""
        self._file = file
        self._out: IO[bytes] | None = None
        self._begin()

    def __enter__(self) -> "Part":
        with plainly(f"cannot write {self.path}"):
            self._out = self.path.open("a+b", buffering=0)  # what came is kept, whatever ends us
        return self

    def __exit__(self, *_: object) -> None:
        if self._out:
            self._out.close()

    def take_up(self) -> None:
        """Count what an earlier fetch has left; blocks about a second for each GB."""
        assert self._out
        with plainly(f"cannot read {self.path}"):
            self._out.seek(0)
            while chunk := self._out.read(CHUNK):
                self._count(chunk)
        if self.have > self._file.bytes:
            self.restart()

    @property
    def whole(self) -> bool:
        """Whether all bytes are there; they may still be the wrong ones."""
        return self.have == self._file.bytes

    @property
    def sha256(self) -> str:
        """Of what is there."""
        return self._sha256.hexdigest()

    @property
    def right(self) -> bool:
        """Whether the content is what the hub says it is."""
        kind, _, wanted = self._file.oid.partition(":")
        return wanted == (self.sha256 if kind == "sha256" else self._git.hexdigest())

    def add(self, chunk: bytes) -> None:
        """Append. Raises `ModelError` for more bytes than there can be, `StoreError` where the disk takes no more."""
        assert self._out
        if self.have + len(chunk) > self._file.bytes:
            raise ModelError(f"{self._file.name} is longer than the {self._file.bytes} bytes the hub announced")
        with plainly(f"cannot write {self.path.parent}"):
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._out.write(rest) :]
        self._count(chunk)

    def restart(self) -> None:
        """Throw away what is there."""
        assert self._out
        with plainly(f"cannot write {self.path}"):
            self._out.truncate(0)
        self._begin()

    def settle(self) -> None:
        """Make it survive a power cut."""
        assert self._out
        with plainly(f"cannot write {self.path.parent}"):
            os.fsync(self._out.fileno())

    def _begin(self) -> None:
        self.have = 0
        self._sha256 = hashlib.sha256()
        # How git names content; it is what a hub has for files it does not keep apart.
        self._git = hashlib.sha1(b"blob %d\0" % self._file.bytes, usedforsecurity=False)

    def _count(self, chunk: bytes) -> None:
        self.have += len(chunk)
        self._sha256.update(chunk)
        if self._file.oid.startswith("git:"):
            self._git.update(chunk)
