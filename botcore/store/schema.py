"""Bring tables up to date: linear migrations, one version table for the core and one per plugin.

A migration is a file ``<revision>_<what>.py`` in alembic's form; revisions sort (``0001``, ``0002``…): the newest one
is known without importing alembic (0.26 s), which is loaded only when something has to be changed.

The core's migrations only add, so that an older process works on beside a newer one, and may be started again. One that
takes something away would have to begin a new thousand (``1001``), which an older process refuses.
"""

import inspect
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.errors import StoreError
from botcore.failpoints import failpoint
from botcore.store.faults import one_line
from botcore.store.moved import MOVED, settle
from botcore.store.tables import metadata

__all__ = ["CORE", "migrate", "ours", "refuse_newer", "revisions"]

CORE = Path(__file__).with_name("migrations")
log: logging.Logger = logging.getLogger(__name__)
_TABLE = "alembic_version"
_MIGRATION_LOCK = 0x626F75


def migrate(connection: sa.Connection, name: str, scripts: Path) -> bool:
    """Run what is missing in the caller's transaction; True where something was.

    ``name`` is "" for the core. Raises `StoreError` where the database is newer than the files.
    """
    known = _known(scripts)
    table = f"{_TABLE}_{name}" if name else _TABLE
    if connection.dialect.name != "sqlite":  # two processes that start at once: the second finds the work done
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    current = _current(connection, table)
    if current == known[-1]:
        return False
    if not name and _only_added_to(current, known[-1]):
        log.warning("the database has the schema of a newer botcore (%s, this one knows %s)", current, known[-1])
        return False
    refuse_newer(current, name, scripts, "the database")
    there = _tables(connection)
    try:
        moved = _current(connection, f"{MOVED}{table}") if f"{MOVED}{table}" in there else ""
        if moved:
            refuse_newer(moved, name, scripts, "the database")
            _upgrade(connection, table, scripts, moved)
            settle(connection, _of(connection, name))
            connection.exec_driver_sql(f"DROP TABLE {MOVED}{table}")
        _upgrade(connection, table, scripts)
    except exc.DBAPIError as error:
        if not name or "already exists" not in str(error.orig):
            raise
        raise StoreError(f"the migrations of {name}: {one_line(error)}; its tables must be called {name}_…") from error
    if name:
        _refuse_others(name, (_tables(connection) ^ there) - {table})
    reached = _current(connection, table)
    if reached != known[-1]:
        raise StoreError(f"{scripts}: the file {known[-1]}_… must say revision = {known[-1]!r}, it says {reached!r}")
    failpoint("migration.in_commit")
    return True


def _tables(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def _of(connection: sa.Connection, name: str) -> list[str]:
    """The plugin's tables, or the core's."""
    return [
        table for table in _tables(connection) if (table.startswith(f"{name}_") if name else table in metadata.tables)
    ]


def _refuse_others(name: str, changed: set[str]) -> None:
    """Without its prefix a table is another plugin's, or the core's, one release later.

    What alembic writes by itself (``revision --autogenerate``) drops every table that is not the plugin's.
    """
    others = ", ".join(sorted(table for table in changed if not table.startswith((f"{name}_", MOVED))))
    if others:
        raise StoreError(f"the migrations of {name} make or drop {others}; its tables must be called {name}_…")


def _only_added_to(current: str, newest: str) -> bool:
    """Whether a newer process has migrated, and this one can work with what it knows."""
    return current > newest and current[:1] == newest[:1]


def refuse_newer(current: str, name: str, scripts: Path, what: str) -> None:
    """Raise `StoreError` where ``what`` stands at a revision that these files do not know."""
    known = _known(scripts)
    if current and current not in known:
        whose = f"a newer version of {name}" if name else "a newer botcore"
        raise StoreError(
            f"{what} was written by {whose} (schema {current}, this one knows {known[-1]}): "
            "upgrade, or use another [store] url"
        )


def revisions(connection: sa.Connection) -> dict[str, str]:
    """The revision of every version table: ``core``, and what plugins called theirs."""
    tables = [table for table in sa.inspect(connection).get_table_names() if table.startswith(_TABLE)]
    return {table[len(_TABLE) + 1 :] or "core": _current(connection, table) for table in sorted(tables)}


def ours(connection: sa.Connection, names: Iterable[str] = ()) -> list[str]:
    """The tables there are that the core made, or plugins: ``names``, and all that have a version table here.

    Others may share the schema; theirs are told apart by name.
    """
    plugins = {*names, *revisions(connection)} - {"core"}
    exactly = {*metadata.tables, _TABLE, *(f"{_TABLE}_{name}" for name in plugins)}
    prefixes = (MOVED, *(f"{name}_" for name in plugins))
    return sorted(table for table in _tables(connection) if table in exactly or table.startswith(prefixes))


def _known(scripts: Path) -> list[str]:
    known = sorted(file.name.partition("_")[0] for file in scripts.glob("[0-9]*_*.py"))
    if not known:
        raise StoreError(f"no migrations in {scripts}: expected files such as 0001_first.py")
    return known


def _current(connection: sa.Connection, table: str) -> str:
    """The revision the tables are at, "" where there are none yet."""
    if not sa.inspect(connection).has_table(table):
        return ""
    return connection.execute(sa.text(f"SELECT version_num FROM {table}")).scalar() or ""


def _upgrade(connection: sa.Connection, table: str, scripts: Path, to: str = "head") -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext  # late: 0.26 s that a start without changes does not pay
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    directory = ScriptDirectory(str(scripts), version_locations=[str(scripts)])

    def steps(revision: Any, _: Any) -> Any:
        try:
            found = directory._upgrade_revs(to, revision)
        except KeyError as missing:
            raise CommandError(f"there is no revision {missing}") from missing
        except AttributeError as missing:
            if missing.name not in ("down_revision", "upgrade"):
                raise
            raise StoreError(
                f"{_file(missing.obj)}: there is no {missing.name} in it; see the other files"
            ) from missing
        for step in found:
            _check_plain(step.migration_fn)
        return found

    context = MigrationContext.configure(connection, opts={"version_table": table, "fn": steps})
    try:
        with Operations.context(context):
            context.run_migrations()
    except CommandError as error:
        raise StoreError(
            f"{scripts}: no line of migrations; each down_revision names the one before: {error}"
        ) from error


def _file(module: Any) -> str:
    return str(getattr(module, "__file__", module))


def _check_plain(upgrade: Any) -> None:
    """Called, any other kind of function would run nothing, and count as done."""
    if inspect.iscoroutinefunction(upgrade) or inspect.isgeneratorfunction(upgrade):
        raise StoreError(f"{inspect.getsourcefile(upgrade)}: upgrade must be a plain def, without async and yield")
