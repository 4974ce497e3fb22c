"""Statements as text, run with named values. SQLAlchemy is loaded by the first one, not by importing the plugin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["run"]


def run(connection: sa.Connection, statement: str, values: Any) -> sa.CursorResult[Any]:
    """The result of a statement with ``:name`` parameters."""
    return connection.execute(_text(statement), values)


@cache
def _text(statement: str) -> sa.TextClause:
    import sqlalchemy as sa

    return sa.text(statement)
