"""Who lived in a data_dir before: its name in leases, and whether a fault of its own ended it.

    owner            the name of the process that lives here; locked while it does, empty after a proper end
    logs/fault.log   written by Python when a fault ends the process: an abort, a segmentation fault, a bus error

So what a dead process held is free at the next start, without waiting for its leases, and a process that was killed
from outside is told from one that a message has killed. https://docs.python.org/3/library/faulthandler.html
"""

import faulthandler
import logging
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from botcore.lockfile import lock
from botcore.store.locks import rewrite

__all__ = ["Former", "Seat", "note_faults"]

log: logging.Logger = logging.getLogger(__name__)


class Former(NamedTuple):
    """The process that was here and never left properly."""

    owner: str = ""
    faulted: bool = False


class Seat:
    """The place of one process in its data_dir."""

    def __init__(self, data_dir: Path) -> None:
        self._name = data_dir / "owner"
        self._fault = _fault_log(data_dir)
        self._file: IO[str] | None = None
        self._taken = False

    def find(self) -> Former:
        """Who was here; nobody where that process lives (several may share a data_dir on PostgreSQL)."""
        try:
            self._name.parent.mkdir(parents=True, exist_ok=True)
            file = self._name.open("a+")
        except OSError:
            return Former()
        if not lock(file):
            file.close()
            return Former()
        self._file = file
        file.seek(0)
        return Former(file.read().strip(), bool(self._record()))

    def take(self, owner: str) -> None:
        """From now on this process is here; what is known of the one before is put aside, so that it counts once."""
        self._taken = True
        self._write(owner)
        self._put_aside()

    def leave(self) -> None:
        """The end was a proper one; a start that failed leaves what is known as it was."""
        if self._taken:
            self._write("")
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, owner: str) -> None:
        if self._file is not None:
            rewrite(self._file, owner)

    def _record(self) -> bytes:
        try:
            return self._fault.read_bytes()
        except OSError:
            return b""

    def _put_aside(self) -> None:
        record, kept = self._record(), self._fault.with_name("fault.last.log")
        if record and self._file is not None:
            with suppress(OSError):
                kept.write_bytes(record)
                self._fault.open("wb").close()  # not renamed: this process writes to it, too
                log.error("the last process here was ended by a fault in it; where it stood is in %s", kept)


def note_faults(data_dir: Path) -> None:
    """Let Python write down where this process stood should a fault end it; without a place to write, do without."""
    try:
        _fault_log(data_dir).parent.mkdir(parents=True, exist_ok=True)
        faulthandler.enable(_fault_log(data_dir).open("ab"))
    except OSError as error:
        log.warning("faults of this process will leave no trace: %s", error)


def _fault_log(data_dir: Path) -> Path:
    return data_dir / "logs" / "fault.log"
