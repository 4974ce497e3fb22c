"""A folder that appears under its name whole and on the disk, or not at all, whenever it is killed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botcore.newfile import to_the_disk

__all__ = ["UNFINISHED", "whole_folder"]

UNFINISHED = ".unfinished"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """The folder to fill; it takes its name, and the place of one that has it, when the body has ended well."""
    draft = path.with_name(path.name + UNFINISHED)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        for entry in [*draft.rglob("*"), draft]:
            to_the_disk(entry)
        if path.exists():
            shutil.rmtree(path)
        draft.rename(path)
        to_the_disk(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
