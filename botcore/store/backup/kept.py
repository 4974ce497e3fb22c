"""Which files below data_dir belong in a backup, by one short rule (docs/operations.md says it to operators).

In: the folders of plugins and channels, `data_dir/<name>/…`. Out: what a bot makes again by itself or what means
nothing elsewhere: logs, sockets, locks, engine environments, caches, half-written files, and links.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["ASIDE", "earlier_copies", "keeps", "kept_files", "kept_folders"]

ASIDE = ".before-restore-"
"""In the name of what a restore kept aside."""

_NOT_AT_THE_TOP = {"run", "logs", "engine-env", "models", "backups", "incoming"}
_ENDINGS = (".lock", ".sock", ".tmp", ".part", "-wal", "-shm", "-journal")


def keeps(relative: PurePosixPath) -> bool:
    """Whether a file of this name, seen from data_dir, is one for a backup."""
    *folders, name = relative.parts or ("",)
    return bool(folders) and _first(folders[0]) and all(map(_folder, folders)) and _file(name)


def kept_folders(data_dir: Path, database: Path | None) -> list[Path]:
    """The folders of plugins and channels. One that holds the database itself is none of theirs."""
    if not data_dir.is_dir():
        return []
    return [
        folder
        for folder in sorted(data_dir.iterdir())
        if _first(folder.name)
        and _folder(folder.name)
        and folder.is_dir()
        and not (database and database.resolve().is_relative_to(folder.resolve()))
    ]


def kept_files(data_dir: Path, database: Path | None) -> Iterator[tuple[PurePosixPath, Path]]:
    """Each file of a backup by its name seen from data_dir, and where it lies; sorted."""
    for folder in kept_folders(data_dir, database):
        for root, below, names in os.walk(folder):  # follows no links
            below[:] = sorted(filter(_folder, below))
            for path in (Path(root, name) for name in sorted(filter(_file, names))):
                if path.is_file() and not path.is_symlink():
                    yield PurePosixPath(path.relative_to(data_dir).as_posix()), path


def earlier_copies(data_dir: Path, database: Path | None) -> list[Path]:
    """What still holds what was deleted: archives in ``backups/``, and what restores kept aside; sorted."""
    folders = {data_dir, *([database.parent] if database else [])}
    aside = {path for folder in folders if folder.is_dir() for path in folder.iterdir() if ASIDE in path.name}
    backups = data_dir / "backups"
    archives = {path for path in backups.iterdir() if not path.name.startswith(".")} if backups.is_dir() else set()
    return sorted(aside | archives)


def _first(name: str) -> bool:
    return name not in _NOT_AT_THE_TOP and ASIDE not in name


def _folder(name: str) -> bool:
    return not name.startswith(".") and name != "cache"


def _file(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(_ENDINGS)
