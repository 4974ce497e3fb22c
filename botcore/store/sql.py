"""SQL on the message's path: Core constructs, compiled once to text per dialect.

Compiling and parameter processing are most of what SQLAlchemy costs per statement; this pays them once, and then asks
the driver's own cursor (11 to 28 µs less than `exec_driver_sql`). Errors are the driver's own, `faults.py` knows them;
so are the values, which is why the columns in `tables.py` are only text, integers and doubles.

    statement(…)          rows with names
    statement.rows(…)     plain tuples
    statement.changes(…)  how many rows were changed
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import Executable

__all__ = ["SLICE", "Statement", "among", "arg", "args", "const", "one_of", "upsert"]


SLICE = 200
"""Rows that one write changes or deletes at most, where there may be many: others wait for it."""


def arg(name: str) -> Any:
    """A value given at every call."""
    return sa.bindparam(name)


def args(*names: str) -> dict[str, Any]:
    """Values given at every call under the names of their columns."""
    return {name: arg(name) for name in names}


def const(value: str | int) -> Any:
    """A value that is part of the text."""
    return sa.literal_column(str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'")


def one_of(column: "sa.ColumnElement[Any]", *values: str) -> "sa.ColumnElement[bool]":
    """``column IN (…)`` over constants."""
    return column.in_([const(value) for value in values])


def among(column: "sa.ColumnElement[Any]", values: "Sequence[str] | None") -> "sa.ColumnElement[bool]":
    """As `one_of`, for a column that is never empty: of no values nothing, of None everything."""
    return sa.true() if values is None else one_of(column, "", *values)


def upsert(table: sa.Table, dialect: str) -> Any:
    """An INSERT that knows ``ON CONFLICT``; the databases agree on it, SQLAlchemy has one per dialect."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Rows(list[Any]):
    """All rows of an answer."""

    def first(self) -> Any:
        """The first row, None where there is none."""
        return self[0] if self else None

    def scalar(self) -> Any:
        """The first column of the first row, None where there is none."""
        return self[0][0] if self else None


class Statement:
    """One statement; built from the dialect's name the first time a dialect needs it."""

    __slots__ = ("_build", "_row", "_texts")

    def __init__(self, build: Callable[[str], Executable] | Executable) -> None:
        self._build = build
        self._texts: dict[str, str] = {}
        self._row: Any = None

    def __call__(self, connection: sa.Connection, **values: Any) -> Rows:
        """Run it with every `arg` given. All rows: a half-read RETURNING would still be running at COMMIT."""
        cursor = self._run(connection, values)
        if cursor.description is None:
            return Rows()
        row = self._row or self._named(cursor.description)
        return Rows(map(row._make, cursor.fetchall()))

    def rows(self, connection: sa.Connection, **values: Any) -> list[Any]:
        """All rows as tuples."""
        return self._run(connection, values).fetchall()  # type: ignore[no-any-return]

    def changes(self, connection: sa.Connection, **values: Any) -> int:
        """How many rows were changed."""
        return self._run(connection, values).rowcount  # type: ignore[no-any-return]

    def _run(self, connection: sa.Connection, values: dict[str, Any]) -> Any:
        text = self._texts.get(connection.dialect.name) or self._compile(connection.dialect)
        driver: Any = connection.connection.dbapi_connection  # `driver_connection` asks three objects for the same
        return driver.execute(text, values)

    def _named(self, description: Any) -> Any:
        self._row = namedtuple("Row", [column[0] for column in description], rename=True)  # type: ignore[misc]
        return self._row

    def _compile(self, dialect: sa.Dialect) -> str:
        build = self._build
        construct: Any = build if isinstance(build, Executable) else build(dialect.name)
        named = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
        compiled = construct.compile(dialect=named)
        bound = {name: value for name, value in compiled.params.items() if value is not None}
        if bound:  # no caller would fill their places in the text; SQLite's LIMIT without OFFSET makes one, too
            raise AssertionError(f"write these constants with const(): {bound} in {compiled}")
        self._texts[dialect.name] = text = str(compiled)
        return text
