"""The moves of a restore: each is taken back where a later one fails, and what was there stays under another name."""

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from botcore.errors import StoreError
from botcore.store.backup import sqlite
from botcore.store.backup.kept import ASIDE

__all__ = ["Swap"]


class Swap:
    """Brings new folders and a new database into the place of old ones; ``with`` takes all back on an error."""

    def __init__(self, now: float) -> None:
        self._stamp = f"{ASIDE}{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
        self._undo = ExitStack()
        self.kept: list[Path] = []
        """Where the old ones are now."""

    def __enter__(self) -> "Swap":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._undo.pop_all()
        self._undo.close()

    def aside(self, path: Path, ending: str = "") -> Path:
        """The name under which what lies at ``path`` is kept. Raises `StoreError` where that is taken."""
        name = path.with_name(f"{path.name}{self._stamp}{ending}")
        if name.exists():
            raise StoreError(f"{name} exists: wait a second and restore again")
        return name

    def folders(self, old: Sequence[Path], new: Path, place: Path) -> None:
        """The old folders go, every one in ``new`` comes to ``place``."""
        for folder in old:
            aside = self.aside(folder)
            self._move(folder, aside)
            self.kept.append(aside)
        for folder in sorted(new.iterdir()) if new.is_dir() else ():
            self._move(folder, place / folder.name)

    def database(self, old: Path, new: Path) -> None:
        """The new file takes the name of the old one, which is never without a database behind it."""
        old.parent.mkdir(parents=True, exist_ok=True)
        beside = old.with_name(f".{old.name}.restored.tmp")
        shutil.move(new, beside)  # copies where data_dir is another disk
        self._undo.callback(beside.unlink, missing_ok=True)
        if old.exists():
            self._keep(old)
        os.sync()  # folders and files too: nothing may be missing after a power cut once the database is the new one
        os.replace(beside, old)

    def _keep(self, old: Path) -> None:
        aside = self.aside(old)
        try:
            os.link(old, aside)
        except OSError:  # a file system without hard links
            shutil.copyfile(old, aside)
        self._undo.callback(aside.unlink)
        self.kept.append(aside)
        self._keep_wal(old, aside)

    def _keep_wal(self, old: Path, aside: Path) -> None:
        """What a killed bot left in the WAL goes into the file; a damaged database keeps it beside itself."""
        wal, shm, kept = Path(f"{old}-wal"), Path(f"{old}-shm"), Path(f"{aside}-wal")
        if wal.exists():
            shutil.copyfile(wal, kept)
            self._undo.callback(kept.unlink, missing_ok=True)
        if sqlite.settle(old):
            kept.unlink(missing_ok=True)
        elif kept.exists():
            self._undo.callback(shutil.copyfile, kept, wal)
        for left in (wal, shm):  # the new database would take them for its own
            left.unlink(missing_ok=True)

    def _move(self, source: Path, target: Path) -> None:
        source.rename(target)
        self._undo.callback(target.rename, source)
