"""Who runs on a folder: the lock in it, which an SQLite database demands, and what a second start is told."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from botcore.errors import StoreUnavailable
from botcore.lockfile import lock

__all__ = ["FolderLock", "locks_of", "refuse_network_file_system", "rewrite", "running_at"]

# Where flock or shared memory do not reach the other machine, WAL corrupts: https://sqlite.org/wal.html
_NETWORK = {
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.ceph",
    "fuse.glusterfs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb2",
    "smb3",
    "smbfs",
}
_MOUNTS = Path("/proc/self/mounts")


class FolderLock:
    """``folder/lock``, held while the process lives; inside: who holds it and where it listens."""

    def __init__(self, folder: Path, *, name: str = "lock") -> None:
        self._path = folder / name
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises `StoreUnavailable` naming the process that has it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+")
        except OSError as error:
            raise StoreUnavailable(f"cannot write to {self._path.parent}: {error.strerror}") from None
        if not lock(file):
            holder = _holder(file)
            file.close()
            raise StoreUnavailable(
                f"{self._path.parent} is in use by {holder}; stop that one first, or give this one another data_dir"
            )
        self._file = file
        self.note("")

    def note(self, address: str) -> None:
        """Say where this process can be reached."""
        if self._file is not None:
            rewrite(self._file, f"{os.getpid()} {address}\n")

    def release(self) -> None:
        """Let the next one in. The file stays: removing it would let two processes lock two files of one name."""
        if self._file is not None:
            rewrite(self._file, "")
            self._file.close()
            self._file = None


def rewrite(file: IO[str], text: str) -> None:
    """Let ``file`` say this. Best effort: a full disk is the database's to tell of, and the lock holds all the same.

    Past the file's buffer, which would try again at every later call.
    """
    with suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), text.encode(), 0)


def _holder(file: IO[str]) -> str:
    file.seek(0)
    pid, _, address = file.read().strip().partition(" ")
    where = f" at {address}" if address else ""
    return f"another botcore (process {pid}){where}" if pid else "another botcore"


def locks_of(file: Path | None, data_dir: Path) -> tuple[FolderLock, ...]:
    """The lock of a data_dir, and of an embedded database's file where that lies elsewhere."""
    if file is None or file.parent.resolve() == data_dir.resolve():
        return (FolderLock(data_dir),)
    return FolderLock(data_dir), FolderLock(file.parent, name=f"{file.name}.lock")


def running_at(data_dir: Path) -> str:
    """The HTTP address of the bot that runs on this directory, "" where none does."""
    try:
        with (data_dir / "lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return ""
    except BlockingIOError:
        return (data_dir / "lock").read_text().strip().partition(" ")[2]
    except OSError:
        return ""


def refuse_network_file_system(file: Path, mounts: Path = _MOUNTS) -> None:
    """Raise `StoreUnavailable` where SQLite's write-ahead log would not be safe."""
    kind = _file_system(file.parent, mounts)
    if kind in _NETWORK:
        raise StoreUnavailable(
            f"{file} lies on a network file system ({kind}), where SQLite can lose data: "
            "choose a local data_dir, or [store] url = postgresql://…"
        )


def _file_system(folder: Path, mounts: Path) -> str:
    """The type of the file system a folder lies on, "" where the system does not tell."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    real = folder.resolve()
    best, kind = Path("/"), ""
    for line in lines:
        point, this_kind = line.split(" ")[1:3]
        path = Path(point.replace("\\040", " "))
        if real.is_relative_to(path) and len(path.parts) >= len(best.parts):
            best, kind = path, this_kind
    return kind
