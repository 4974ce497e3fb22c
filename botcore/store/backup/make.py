"""`back_up`: database first, then the files. A file is stored before the row that names it, so none can be missing."""

from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from botcore.newfile import new_file, plainly, refuse_taken
from botcore.store.backup import sqlite
from botcore.store.backup.archive import DATABASE, FILES, Archive, Manifest, Report
from botcore.store.backup.kept import kept_files
from botcore.store.backup.postgres import serving
from botcore.store.backup.scratch import scratch
from botcore.store.engines import database_file, parse, require

__all__ = ["back_up"]


def back_up(
    url: str, data_dir: Path, archive: Path, *, version: str, now: float, force: bool = False, report: Report
) -> Manifest:
    """Write an archive of database and files while bots may run; returns its manifest.

    ``version`` is botcore's, ``now`` Unix seconds. Needs room beside ``archive`` for a copy of the database too.
    A folder for it is made where it lies in ``data_dir``. Raises `StoreError` in one line; then nothing is left.
    """
    require(url)
    parsed = parse(url)
    database = database_file(parsed)
    if archive.absolute().is_relative_to(data_dir.absolute()):
        with plainly(f"cannot write {archive}"):
            archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_taken(archive, force=force)
    with (
        plainly("cannot make the backup"),
        scratch(".backup-", archive.parent) as folder,
        new_file(archive, force=force, folder=folder) as file,
    ):
        manifest, copied = _database(parsed, folder, version, now, report)
        writer = Archive(file, report)
        writer.add(copied.name, copied)
        for name, path in kept_files(data_dir, database):
            writer.add(f"{FILES}/{name}", path)
        return writer.finish(manifest)


def _database(url: sa.URL, folder: Path, version: str, now: float, report: Report) -> tuple[Manifest, Path]:
    file, namespace = database_file(url), ""
    kind: Literal["sqlite", "postgresql"] = "sqlite" if file else "postgresql"
    copied = folder / DATABASE[kind]
    if file is not None:
        sqlite.copy(file, copied, report)
        revisions, counts = sqlite.examine(copied)
    else:
        report("copying", 0, 0)
        with serving(url, folder) as server:
            namespace = server.namespace
            revisions, counts = server.dump(copied)
    manifest = Manifest(
        botcore=version, made_at=now, store=kind, namespace=namespace, revisions=revisions, counts=counts
    )
    return manifest, copied
