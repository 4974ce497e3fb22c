"""Rows on their way from SQLite to PostgreSQL: as text, until migrations have made the tables they belong in.

`fetch` puts every table of an SQLite file into one called botcore_moved_<table>. What a table is on PostgreSQL only its
migrations know, and a plugin's come with the plugin: so `schema.migrate`, where it begins, first goes to the revision
that the rows are of, lets them in by `settle`, and goes on from there.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.store.encoding import clean_text
from botcore.store.faults import one_line

__all__ = ["MOVED", "fetch", "settle"]

MOVED = "botcore_moved_"
_LONGEST = 63
"""Bytes of a name on PostgreSQL, which cuts off the rest without a word."""
_BLOCK = 1000
"""Rows between two reports."""
# Without their lengths: a cast would cut off what is longer, an INSERT says so.
_COLUMNS = sa.text("""
    SELECT its.attname, format_type(its.atttypid, NULL), pg_get_serial_sequence(quote_ident(:table), its.attname)
    FROM pg_attribute its JOIN pg_attribute moved ON moved.attname = its.attname AND moved.attnum > 0
    WHERE its.attrelid = to_regclass(quote_ident(:table)) AND moved.attrelid = to_regclass(quote_ident(:moved))
    AND its.attnum > 0 AND its.attgenerated = '' ORDER BY its.attnum
""")
_HIGHEST = sa.text("SELECT coalesce(obj_description(to_regclass(quote_ident(:moved)), 'pg_class'), '0')")


# ------------------------------------------------------------------ out of SQLite


def fetch(file: Path, connection: sa.Connection, report: Callable[[str, int, int], None]) -> None:
    """Copy the tables of an SQLite file, in the caller's transaction. Raises `StoreError`."""
    try:
        with closing(sqlite3.connect(file)) as source:
            source.text_factory = lambda text: text.decode(errors="replace")
            highest = dict(source.execute("SELECT name, seq FROM sqlite_sequence"))
            for table in _tables(source):
                _copy(source, table, connection, highest.get(table, 0), report)
    except (sqlite3.Error, connection.dialect.loaded_dbapi.Error) as error:
        raise StoreError(f"cannot move {file.name}: {one_line(error)}") from None


def _tables(source: sqlite3.Connection) -> list[str]:
    """Those with rows of their own: a full text index and its parts are made again."""
    kinds = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite~_%'"
    return [name for (name,) in source.execute(f"{kinds} ESCAPE '~' ORDER BY name")]


def _copy(
    source: sqlite3.Connection,
    table: str,
    connection: sa.Connection,
    highest: int,
    report: Callable[[str, int, int], None],
) -> None:
    if len((MOVED + table).encode()) > _LONGEST:
        raise StoreError(f"cannot move the table {table}: its name is too long")
    moved = _quoted(MOVED + table)
    columns = [_quoted(name) for _, name, *_ in source.execute(f"PRAGMA table_info({_quoted(table)})")]
    connection.exec_driver_sql(f"CREATE TABLE {moved} ({', '.join(f'{column} text' for column in columns)})")
    # The highest number ever given: one that came back after its row was deleted would be taken for the old one.
    connection.exec_driver_sql(f"COMMENT ON TABLE {moved} IS '{highest}'")
    total = source.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    rows = source.execute(f"SELECT {', '.join(columns)} FROM {_quoted(table)}")
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {moved} FROM STDIN") as copy:
        for done, row in enumerate(rows):
            if done % _BLOCK == 0:
                report(f"moving {table}", done, total)
            copy.write_row([_written(value) for value in row])


def _written(value: object) -> str | None:
    """The value as PostgreSQL reads it, whatever it is to be."""
    match value:
        case None:
            return None
        case bytes():
            return f"\\x{value.hex()}"
        case str():
            return clean_text(value)
    return repr(value)


# ------------------------------------------------------------------ into their tables


def settle(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Let in the rows that wait for these tables, in the place of what their migrations put there."""
    there = set(sa.inspect(connection).get_table_names())
    waited = [table for table in _in_order(connection, tables) if MOVED + table in there]
    if waited:
        connection.exec_driver_sql(f"TRUNCATE {', '.join(map(_quoted, waited))}")
    for table in waited:
        _let_in(connection, table)


def _in_order(connection: sa.Connection, tables: Iterable[str]) -> Sequence[str]:
    """Those that others refer to first."""
    wanted = set(tables)
    return [table for table, _ in sa.inspect(connection).get_sorted_table_and_fkc_names() if table in wanted]


def _let_in(connection: sa.Connection, table: str) -> None:
    moved = MOVED + table
    columns = connection.execute(_COLUMNS, {"table": table, "moved": moved}).all()
    names = ", ".join(_quoted(name) for name, _, _ in columns)
    values = ", ".join(f"CAST({_quoted(name)} AS {kind})" for name, kind, _ in columns)
    connection.exec_driver_sql(f"INSERT INTO {_quoted(table)} ({names}) SELECT {values} FROM {_quoted(moved)}")
    highest = int(connection.execute(_HIGHEST, {"moved": moved}).scalar_one())
    for name, _, sequence in columns:
        if sequence:
            _go_on(connection, sequence, f"SELECT max({_quoted(name)}) FROM {_quoted(table)}", highest)
    connection.exec_driver_sql(f"DROP TABLE {_quoted(moved)}")


def _go_on(connection: sa.Connection, sequence: str, largest: str, highest: int) -> None:
    """The next number is one that nobody ever had."""
    last = max(connection.exec_driver_sql(largest).scalar() or 0, highest)
    if last:
        connection.execute(
            sa.text("SELECT setval(CAST(:sequence AS regclass), :last)"), {"sequence": sequence, "last": last}
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
