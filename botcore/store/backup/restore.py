"""`restore`: everything is checked before anything is touched, and what was there is kept aside.

data_dir/.restore-…/   the archive, unpacked and checked
web/                   renamed to web.before-restore-<time>, like each folder of a plugin or channel; the new one comes
botcore.db             last: gets the name botcore.db.before-restore-<time> too, then the new one takes its place
on PostgreSQL          first a backup of what is there, to data_dir/database.before-restore-<time>.tar.gz

A backup of SQLite goes to PostgreSQL, too, where somebody outgrows one process; there is no way back.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.newfile import plainly
from botcore.store import schema
from botcore.store.backup import sqlite
from botcore.store.backup.archive import DATABASE, FILES, Manifest, Report, unpack
from botcore.store.backup.contents import Counts
from botcore.store.backup.kept import kept_folders
from botcore.store.backup.make import back_up
from botcore.store.backup.postgres import Server, serving
from botcore.store.backup.scratch import scratch
from botcore.store.backup.swap import Swap
from botcore.store.engines import database_file, parse, shown
from botcore.store.locks import locks_of, refuse_network_file_system

__all__ = ["Restored", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore brought back, and where it put what was there."""

    manifest: Manifest
    counts: Counts
    """Of the database as it is now."""
    kept: Sequence[Path]
    follow: Sequence[str]
    """Whose tables, moved to another kind of database, are filled when the bot starts."""


def restore(
    archive: Path, url: str, data_dir: Path, *, version: str, now: float, force: bool = False, report: Report
) -> Restored:
    """Put a backup in the place of database and files; with ``force`` where there are some, and keep those aside.

    Raises `StoreError` in one line while a bot runs, and for an archive that is not sound or not for this bot.
    """
    parsed = parse(url)
    database = database_file(parsed)
    if not archive.is_file():
        raise StoreError(f"{archive}: there is no such file")
    with ExitStack() as stack:
        for lock in locks_of(database, data_dir):  # where it moves, the bot that made the backup may still run here
            lock.acquire()
            stack.callback(lock.release)
        stack.enter_context(plainly(f"cannot restore {archive}"))
        data_dir.mkdir(parents=True, exist_ok=True)
        staged = stack.enter_context(scratch(".restore-", data_dir))
        manifest = unpack(archive, staged, report)
        _refuse_other_kind(manifest, parsed)
        moves = manifest.store != parsed.get_backend_name()
        old = kept_folders(data_dir, database)
        job = _Job(
            manifest=manifest, staged=staged, data_dir=data_dir, old=old, moves=moves, force=force, report=report
        )
        swap = stack.enter_context(Swap(now))
        if database is not None:
            counts = _to_file(database, job, swap)
        else:
            server = stack.enter_context(serving(parsed, staged))
            again = partial(back_up, url, data_dir, version=version, now=now, report=report)
            counts = _to_server(server, job, swap, again)
        follow = tuple(sorted(manifest.revisions.keys() - {"core"})) if moves else ()
        return Restored(manifest=manifest, counts=counts, kept=tuple(swap.kept), follow=follow)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """An archive that is unpacked and sound, and where it goes."""

    manifest: Manifest
    staged: Path
    data_dir: Path
    old: Sequence[Path]
    """The folders that lie in its place."""
    moves: bool
    """From SQLite to PostgreSQL."""
    force: bool
    report: Report

    @property
    def database(self) -> Path:
        return self.staged / DATABASE[self.manifest.store]

    def refuse_to_replace(self, *there: str) -> None:
        """Raise `StoreError` where something is there and nobody said that it may go."""
        found = [*there, *map(str, self.old)]
        if found and not self.force:
            raise StoreError(f"{found[0]} is there already; --force restores over it, and keeps what is there aside")

    def bring_files(self, swap: Swap) -> None:
        swap.folders(self.old, self.staged / FILES, self.data_dir)


def _to_file(database: Path, job: _Job, swap: Swap) -> Counts:
    refuse_network_file_system(database)
    revisions, counts = sqlite.examine(job.database)
    _refuse_newer(revisions)
    job.refuse_to_replace(*([str(database)] if database.exists() else []))
    job.bring_files(swap)
    swap.database(database, job.database)
    return counts


def _to_server(server: Server, job: _Job, swap: Swap, keep: Callable[[Path], object]) -> Counts:
    _refuse_newer(job.manifest.revisions)
    server.refuse_others()
    if job.moves:
        sqlite.examine(job.database)
    else:
        server.refuse_other_namespace(job.manifest.namespace)
        server.check(job.database)
    tables = server.tables(job.manifest.revisions)
    job.refuse_to_replace(*(f"the table {table}" for table in tables[:1]))
    if tables:
        kept = swap.aside(job.data_dir / "database", ".tar.gz")
        keep(kept)
        swap.kept.append(kept)
    job.bring_files(swap)
    return server.move(job.database, tables, job.report) if job.moves else server.restore(job.database, tables)


def _refuse_newer(revisions: Mapping[str, str]) -> None:
    """The core's; a plugin looks after its own tables when it starts."""
    schema.refuse_newer(revisions.get("core", ""), "", schema.CORE, "the backup")


def _refuse_other_kind(manifest: Manifest, url: sa.URL) -> None:
    if manifest.store == "postgresql" and url.get_backend_name() == "sqlite":
        raise StoreError(
            f"the backup is of a PostgreSQL database, and [store] url is {shown(url)}; "
            "restore it where that url is one of PostgreSQL: there is no way from there to SQLite"
        )
