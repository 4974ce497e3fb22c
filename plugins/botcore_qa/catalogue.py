"""What is in the index, for lists: of one scope for people, of all for the operator. Runs on a database thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botcore_qa.sql import run

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Listed", "Shown", "everything", "extent", "find", "passages", "shelf"]

LIMIT = 10_000
"""Rows of one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A document that answers questions."""

    id: int
    title: str
    source: str
    path: str
    kind: str
    pages: int
    passages: int
    scope: str
    origin: str
    added: float

    @property
    def extent(self) -> str:
        """``200 pages, 612 passages``."""
        return extent(self.pages, self.passages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A passage of a document."""

    page: int
    heading: str
    body: str


def extent(pages: int, passages: int) -> str:
    """How much it is, in words."""
    counted = ((pages, "page"), (passages, "passage"))
    return ", ".join(f"{count} {what}{'s' * (count != 1)}" for count, what in counted if count or what == "passage")


def shelf(connection: sa.Connection, scope: str, limit: int = LIMIT) -> tuple[int, list[Listed]]:
    """How many documents this scope has (and no other), and the first ``limit``: everybody's by title, else by age."""
    values = {"scope": scope, "limit": limit}
    count = "SELECT count(*) FROM qa_document WHERE state = 'live' AND scope = :scope"
    total = int(run(connection, count, {"scope": scope}).scalar_one())
    order = "added, id" if scope else "lower(title), source"
    rows = run(connection, f"{_SELECT} AND scope = :scope ORDER BY {order} LIMIT :limit", values)
    return total, [_listed(row) for row in rows]


def everything(connection: sa.Connection) -> list[Listed]:
    """All documents of all scopes, everybody's first."""
    rows = run(connection, f"{_SELECT} ORDER BY scope, lower(title), source LIMIT :limit", {"limit": LIMIT})
    return [_listed(row) for row in rows]


def find(connection: sa.Connection, key: str) -> list[Listed]:
    """The documents of any scope with this id, path, or source."""
    values = {"id": int(key) if key.isdecimal() and len(key) < 18 else 0, "key": key, "limit": LIMIT}
    query = f"{_SELECT} AND (id = :id OR path = :key OR source = :key) ORDER BY scope, id LIMIT :limit"
    return [_listed(row) for row in run(connection, query, values)]


def passages(connection: sa.Connection, id: int) -> list[Shown]:
    """The passages of a document in order."""
    query = "SELECT page, heading, body FROM qa_passage WHERE document = :id ORDER BY place LIMIT :limit"
    return [Shown(**row._mapping) for row in run(connection, query, {"id": id, "limit": LIMIT})]


def _listed(row: Any) -> Listed:
    return Listed(**row._mapping)


_SELECT = (
    "SELECT id, title, source, path, kind, pages, passages, scope, origin, added FROM qa_document WHERE state = 'live'"
)
