"""A folder for what is half made: gone at the end, and where the process was killed, with the next one that is made."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botcore.lockfile import lock

__all__ = ["scratch"]

_LOCK = "botcore.lock"
"""In each: held while its process lives."""


@contextmanager
def scratch(prefix: str, place: Path) -> Iterator[Path]:
    """A private folder in ``place``; those of processes that are no more are removed."""
    for folder in place.glob(f"{prefix}*"):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as name:
        folder = Path(name)
        with (folder / "new.lock").open("w") as file:
            lock(file)
            (folder / "new.lock").rename(folder / _LOCK)  # never there without being held
            yield folder


def _abandoned(folder: Path) -> bool:
    """Whether nobody holds its lock; without one it is none of ours."""
    try:
        with (folder / _LOCK).open("r+") as file:
            return lock(file)
    except OSError:
        return False
