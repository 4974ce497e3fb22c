"""Statements as text, run with named values. SQLAlchemy is loaded by the first one, not by importing the plugin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

__all__ = ["run"]


def run(
    connection: sa.Connection,
    statement: str,
    values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    listed: str = "",
) -> sa.CursorResult[Any]:
    """Execute ``statement``, once for each of several ``values``; ``listed`` names the one that is a list, for IN."""
    return connection.execute(_compiled(statement, listed), values)


@cache
def _compiled(statement: str, listed: str) -> sa.TextClause:
    import sqlalchemy as sa

    text = sa.text(statement)
    # The type of an empty list cannot be guessed from its items.
    kind = sa.BigInteger() if listed == "ids" else sa.Text()
    return text.bindparams(sa.bindparam(listed, type_=kind, expanding=True)) if listed else text
