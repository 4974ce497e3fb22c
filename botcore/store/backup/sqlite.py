"""A consistent copy of an SQLite database that a running bot goes on writing to.

The online backup API copies in slices, https://sqlite.org/backup.html, and begins again whenever somebody else writes
between two of them: beside a busy bot it would never end. A read transaction on the source prevents that. It sees the
database as of one moment, and in WAL mode it holds up no writer; only the WAL grows until the copy is done.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.errors import StoreError
from botcore.store.backup.archive import Report
from botcore.store.backup.contents import Counts, look
from botcore.store.faults import one_line

__all__ = ["copy", "examine", "settle"]

PAGES = 256
"""Pages per slice, 1 MiB: Ctrl-C and the progress are answered between two."""


def copy(source: Path, target: Path, report: Report) -> None:
    """Copy the database as it is now into the new file ``target``, complete without a WAL."""
    with _plainly(source), closing(_connect(source)) as ours, closing(sqlite3.connect(target)) as theirs:
        page = ours.execute("PRAGMA page_size").fetchone()[0]
        theirs.execute("PRAGMA synchronous = OFF")  # only the archive must survive a power cut
        ours.execute("BEGIN")
        ours.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the moment is now
        ours.backup(
            theirs, pages=PAGES, progress=lambda _, left, all: report("copying", page * (all - left), page * all)
        )
        ours.execute("COMMIT")
        theirs.execute("PRAGMA journal_mode = DELETE")


def examine(file: Path) -> tuple[dict[str, str], Counts]:
    """Revisions and counts of a closed database that was read whole and is sound. Raises `StoreError`."""
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
    with _plainly(file), engine.connect() as connection:
        damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if damage != "ok":
            raise StoreError(f"the database is damaged: {damage}")
        return look(connection)


def settle(file: Path) -> bool:
    """Bring what is in the WAL into the file; False where it cannot be read."""
    with closing(_connect(file)) as connection:
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.DatabaseError:
            return False
        return not busy


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, isolation_level=None)


@contextmanager
def _plainly(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, exc.DBAPIError) as error:
        raise StoreError(f"{file}: {one_line(error)}") from None
