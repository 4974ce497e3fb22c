"""The full text index in the bot's database, its writing side: SQLite's FTS5 or PostgreSQL's tsvector, over stems.

    begin ── add … ── publish            a document under way, which nobody finds before it is whole
    drop, or a newer one is published ── sweep

Every function here runs on a database thread, inside one short transaction. Whatever belongs to a person or a group
carries its scope, down to the words that are counted; "" is everybody's.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from botcore_qa.scope import tagged, untagged
from botcore_qa.sql import run
from botcore_qa.words import stems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import sqlalchemy as sa

    from botcore_qa.markdown import Piece

__all__ = [
    "MIGRATIONS",
    "Document",
    "Known",
    "Row",
    "abandon",
    "add",
    "adopt",
    "begin",
    "drop",
    "known",
    "publish",
    "row",
    "sent",
    "sweep",
    "uploaded",
]

MIGRATIONS = Path(__file__).with_name("migrations")


class Row(TypedDict):
    """A passage as it is stored."""

    heading: str
    body: str
    heading_stems: str
    body_stems: str
    page: int


STALE_S = 3_600.0
"""Seconds after which a document that is still being read has lost its reader: no reading takes an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as it was read."""

    path: str
    """What identifies it within its scope: the same path again replaces it."""
    source: str
    """What people see of the path."""
    title: str
    hash: str
    origin: str
    """``settings``, ``ingest`` or ``upload``: who asked for it."""
    scope: str = ""
    """Who may ask it (`botcore_qa.scope`); "" = everybody."""
    kind: str = ""
    pages: int = 0
    added: float = 0.0
    """Unix seconds."""
    sender: str = ""
    """The person who sent it in a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A document that is in the index already."""

    id: int
    hash: str
    """"" where its reading did not come to its end."""
    origin: str
    title: str = ""
    pages: int = 0
    passages: int = 0


def known(connection: sa.Connection, scope: str = "") -> dict[str, Known]:
    """Every document of one scope by its path."""
    query = (
        "SELECT id, path, hash, origin, state, title, pages, passages FROM qa_document"
        " WHERE scope = :scope AND state <> 'leaving' ORDER BY state DESC"  # live behind reading: it wins
    )
    return {
        row.path: Known(
            id=row.id,
            hash=row.hash if row.state == "live" else "",
            origin=row.origin,
            title=row.title,
            pages=row.pages,
            passages=row.passages,
        )
        for row in run(connection, query, {"scope": scope})
    }


def uploaded(connection: sa.Connection) -> int:
    """Passages of all documents that belong to somebody, with those that come or go at this moment."""
    query = "SELECT coalesce(sum(passages), 0) FROM qa_document WHERE scope <> ''"
    return int(run(connection, query).scalar_one())


def begin(connection: sa.Connection, document: Document) -> int:
    """The id of a new document that nobody finds before it is published; an unfinished one of this path goes."""
    _leave(connection, document.scope, document.path, "reading")
    insert = (
        "INSERT INTO qa_document (path, source, title, hash, origin, state, scope, kind, pages, added,"
        " sender) VALUES (:path, :source, :title, :hash, :origin, 'reading', :scope, :kind, :pages, :added, :sender)"
        " RETURNING id"
    )
    return int(run(connection, insert, asdict(document)).scalar_one())


def row(piece: Piece) -> Row:
    """A passage as it is stored; stemming takes its time, so this is done before the write."""
    return {
        "heading": piece.heading,
        "body": piece.text,
        "heading_stems": " ".join(stems(piece.heading)),
        "body_stems": " ".join(stems(piece.text)),
        "page": piece.page,
    }


def add(connection: sa.Connection, id: int, scope: str, place: int, rows: Sequence[Row]) -> bool:
    """Store passages of a document under way; False if somebody else has begun the same path since."""
    if not _still_reading(connection, id, place + len(rows)):
        return False
    insert = (
        "INSERT INTO qa_passage (document, place, heading, body, heading_stems, body_stems, page)"
        " VALUES (:document, :place, :heading, :body, :heading_stems, :body_stems, :page)"
    )
    run(connection, insert, [_stored(row, scope) | {"document": id, "place": at} for at, row in enumerate(rows, place)])
    _count_words(connection, ((scope, f"{row['heading_stems']} {row['body_stems']}") for row in rows), 1)
    return True


def _stored(row: Row, scope: str) -> dict[str, object]:
    stems = {name: tagged(row[name], scope) for name in ("heading_stems", "body_stems")}
    return {**row, **stems}


def publish(connection: sa.Connection, id: int, document: Document, passages: int) -> bool:
    """Let the document answer questions in the place of the older one with its path; False as in `add`."""
    if not _still_reading(connection, id, passages):
        return False
    _leave(connection, document.scope, document.path, "live")
    run(connection, "UPDATE qa_document SET state = 'live' WHERE id = :id", {"id": id})
    return True


def abandon(connection: sa.Connection, now: float, id: int = 0) -> None:
    """Let a document go that will not be read to its end, and those whose reader died long ago."""
    update = "UPDATE qa_document SET state = 'leaving' WHERE state = 'reading' AND (id = :id OR added < :stale)"
    run(connection, update, {"id": id, "stale": now - STALE_S})


def drop(connection: sa.Connection, id: int) -> None:
    """Let a document answer no more; `sweep` deletes its passages."""
    run(connection, "UPDATE qa_document SET state = 'leaving' WHERE id = :id", {"id": id})


def sent(connection: sa.Connection) -> list[tuple[int, str, str]]:
    """(id, scope, sender) of every document that belongs to somebody."""
    query = "SELECT id, scope, sender FROM qa_document WHERE scope <> '' AND state <> 'leaving'"
    return [(row.id, row.scope, row.sender) for row in run(connection, query)]


def adopt(connection: sa.Connection, id: int, origin: str) -> None:
    """Note who asked for a document last."""
    update = "UPDATE qa_document SET origin = :origin WHERE id = :id AND state = 'live'"
    run(connection, update, {"id": id, "origin": origin})


def sweep(connection: sa.Connection, limit: int) -> bool:
    """Delete up to ``limit`` passages of leaving documents; whether there may be more.

    Several processes may sweep at once: what counts is what this one deleted, not what it saw before.
    """
    query = (
        "SELECT p.id, d.scope FROM qa_document d JOIN qa_passage p ON p.document = d.id"
        " WHERE d.state = 'leaving' ORDER BY p.id LIMIT :limit"
    )
    scopes = {one.id: one.scope for one in run(connection, query, {"limit": limit})}
    if scopes:
        delete = "DELETE FROM qa_passage WHERE id IN :ids RETURNING id, heading_stems, body_stems"
        gone = run(connection, delete, {"ids": list(scopes)}, listed="ids").all()
        run(connection, "DELETE FROM qa_vector WHERE passage IN :ids", {"ids": list(scopes)}, listed="ids")
        words = ((scopes[one.id], untagged(f"{one.heading_stems} {one.body_stems}", scopes[one.id])) for one in gone)
        _count_words(connection, words, -1)
    if len(scopes) < limit:
        run(connection, _DELETE_EMPTIED)
    return len(scopes) == limit


def _leave(connection: sa.Connection, scope: str, path: str, state: str) -> None:
    update = "UPDATE qa_document SET state = 'leaving' WHERE scope = :scope AND path = :path AND state = :state"
    run(connection, update, {"scope": scope, "path": path, "state": state})


def _still_reading(connection: sa.Connection, id: int, passages: int) -> bool:
    """Note how far it has come; the update holds the row, so that no other process takes it away meanwhile."""
    hold = "UPDATE qa_document SET passages = :passages WHERE id = :id AND state = 'reading'"
    return run(connection, hold, {"id": id, "passages": passages}).rowcount == 1


def _count_words(connection: sa.Connection, passages: Iterable[tuple[str, str]], step: Literal[1, -1]) -> None:
    """Keep in how many passages of a scope each word stands; the empty word counts the passages themselves."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for scope, words in passages:
        counts[scope].update({"", *words.split()})
    upsert = _COUNT_POSTGRES if connection.dialect.name == "postgresql" else _COUNT_SQLITE
    for scope in sorted(counts):
        ordered = {word: step * counts[scope][word] for word in sorted(counts[scope])}  # one order: no deadlocks
        run(connection, upsert, {"scope": scope, "counts": json.dumps(ordered)})
        if step < 0:
            run(connection, "DELETE FROM qa_word WHERE scope = :scope AND passages <= 0", {"scope": scope})


_DELETE_EMPTIED = (  # not those that began to leave since: their passages would belong to nothing, for ever
    "DELETE FROM qa_document WHERE state = 'leaving'"
    " AND NOT EXISTS (SELECT 1 FROM qa_passage p WHERE p.document = qa_document.id)"
)
_COUNTED = " ON CONFLICT (scope, term) DO UPDATE SET passages = qa_word.passages + excluded.passages"
_COUNT_SQLITE = (
    "INSERT INTO qa_word (scope, term, passages) SELECT :scope, key, value FROM json_each(:counts) WHERE true"
    + _COUNTED
)
_COUNT_POSTGRES = (
    "INSERT INTO qa_word (scope, term, passages)"
    " SELECT CAST(:scope AS text), key, CAST(value AS bigint) FROM json_each_text(CAST(:counts AS json))" + _COUNTED
)
