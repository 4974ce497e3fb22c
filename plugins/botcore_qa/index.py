"""The full text index in the bot's database: SQLite's FTS5 or PostgreSQL's tsvector, over the same stems.

Every function here runs on a database thread, inside one short transaction. The decision what a hit is worth is made in
`score`, in the same way for both databases; here they only find and count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from botcore_qa.score import Hit, Question, Term
from botcore_qa.sql import run
from botcore_qa.words import near, stems

if TYPE_CHECKING:
    import sqlalchemy as sa

    from botcore_qa.markdown import Piece

__all__ = [
    "MIGRATIONS",
    "Document",
    "Listed",
    "Row",
    "add",
    "adopt",
    "begin",
    "drop",
    "known",
    "listed",
    "look_up",
    "publish",
    "row",
    "sweep",
]

MIGRATIONS = Path(__file__).with_name("migrations")

Row = Mapping[str, str]

POSTINGS = 3_000
"""Passages a search may touch before the commoner words of the question are left out of it: a few milliseconds."""
CANDIDATES = 40
"""Passages that are scored; the right one was among the first 10 in all our trials."""
MEANT = 4
"""Words of the documents that an unknown word may stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as it was read."""

    path: str
    """What identifies it: the same path again replaces it."""
    source: str
    """What people see of the path."""
    title: str
    hash: str
    origin: str
    """``settings`` or ``ingest``: who asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A document that answers questions, for lists."""

    title: str
    source: str
    passages: int


# ------------------------------------------------------------------ writing: begin, add …, publish; drop, sweep


def known(connection: sa.Connection) -> dict[str, tuple[str, str]]:
    """Path to (hash, origin) of every document; the hash is "" where a run did not come to its end."""
    rows = run(
        connection, "SELECT path, hash, origin, state FROM qa_document WHERE state <> 'leaving' ORDER BY state DESC"
    )
    return {row.path: (row.hash if row.state == "live" else "", row.origin) for row in rows}


def begin(connection: sa.Connection, document: Document) -> int:
    """The id of a new document that nobody finds before it is published; an unfinished one of this path goes."""
    leave = "UPDATE qa_document SET state = 'leaving' WHERE path = :path AND state = 'reading'"
    run(connection, leave, {"path": document.path})
    insert = (
        "INSERT INTO qa_document (path, source, title, hash, origin, state)"
        " VALUES (:path, :source, :title, :hash, :origin, 'reading') RETURNING id"
    )
    return int(run(connection, insert, asdict(document)).scalar_one())


def row(piece: Piece) -> Row:
    """A passage as it is stored; stemming takes its time, so this is done before the write."""
    return {
        "heading": piece.heading,
        "body": piece.text,
        "heading_stems": " ".join(stems(piece.heading)),
        "body_stems": " ".join(stems(piece.text)),
    }


def add(connection: sa.Connection, document: int, place: int, rows: Sequence[Row]) -> bool:
    """Store passages of a document under way; False if somebody else has begun the same path since."""
    if not _still_reading(connection, document):
        return False
    insert = (
        "INSERT INTO qa_passage (document, place, heading, body, heading_stems, body_stems)"
        " VALUES (:document, :place, :heading, :body, :heading_stems, :body_stems)"
    )
    run(connection, insert, [{"document": document, "place": at, **row} for at, row in enumerate(rows, place)])
    _count_words(connection, [(row["heading_stems"], row["body_stems"]) for row in rows], 1)
    return True


def publish(connection: sa.Connection, document: int, path: str) -> bool:
    """Let the document answer questions in the place of the older one with its path; False as in `add`."""
    if not _still_reading(connection, document):
        return False
    leave = "UPDATE qa_document SET state = 'leaving' WHERE path = :path AND state = 'live'"
    run(connection, leave, {"path": path})
    run(connection, "UPDATE qa_document SET state = 'live' WHERE id = :id", {"id": document})
    return True


def drop(connection: sa.Connection, path: str) -> None:
    """Let a document answer no more; `sweep` deletes its passages."""
    run(connection, "UPDATE qa_document SET state = 'leaving' WHERE path = :path", {"path": path})


def adopt(connection: sa.Connection, path: str, origin: str) -> None:
    """Note who asked for a document last."""
    update = "UPDATE qa_document SET origin = :origin WHERE path = :path AND state = 'live'"
    run(connection, update, {"path": path, "origin": origin})


def sweep(connection: sa.Connection, limit: int) -> bool:
    """Delete up to ``limit`` passages of leaving documents; whether there may be more."""
    query = (
        "SELECT p.id, p.heading_stems, p.body_stems FROM qa_document d JOIN qa_passage p ON p.document = d.id"
        " WHERE d.state = 'leaving' LIMIT :limit"
    )
    leaving = run(connection, query, {"limit": limit}).all()
    if leaving:
        delete = "DELETE FROM qa_passage WHERE id IN :ids"
        run(connection, delete, {"ids": [one.id for one in leaving]}, listed="ids")
        _count_words(connection, [(one.heading_stems, one.body_stems) for one in leaving], -1)
    if len(leaving) < limit:
        run(connection, "DELETE FROM qa_document WHERE state = 'leaving'")
    return len(leaving) == limit


def listed(connection: sa.Connection, limit: int) -> tuple[int, list[Listed]]:
    """How many documents there are, and the first ``limit`` by title."""
    total = run(connection, "SELECT count(*) FROM qa_document WHERE state = 'live'").scalar_one()
    query = (
        "SELECT title, source, (SELECT count(*) FROM qa_passage p WHERE p.document = d.id) AS passages"
        " FROM qa_document d WHERE state = 'live' ORDER BY lower(title), source LIMIT :limit"
    )
    rows = run(connection, query, {"limit": limit})
    return int(total), [Listed(title=row.title, source=row.source, passages=row.passages) for row in rows]


def _still_reading(connection: sa.Connection, document: int) -> bool:
    """An update that changes nothing: it holds the row, so that no other process takes it away meanwhile."""
    hold = "UPDATE qa_document SET state = 'reading' WHERE id = :id AND state = 'reading'"
    return run(connection, hold, {"id": document}).rowcount == 1


def _count_words(connection: sa.Connection, passages: Sequence[tuple[str, str]], step: Literal[1, -1]) -> None:
    """Keep in how many passages each word stands; the empty word counts the passages themselves."""
    counts = Counter(word for heading, body in passages for word in {"", *heading.split(), *body.split()})
    upsert = _COUNT_POSTGRES if connection.dialect.name == "postgresql" else _COUNT_SQLITE
    ordered = {word: step * counts[word] for word in sorted(counts)}  # one order for all: no deadlocks
    run(connection, upsert, {"counts": json.dumps(ordered)})
    if step < 0:
        run(connection, "DELETE FROM qa_word WHERE passages <= 0")


_COUNTED = " ON CONFLICT (term) DO UPDATE SET passages = qa_word.passages + excluded.passages"
_COUNT_SQLITE = "INSERT INTO qa_word (term, passages) SELECT key, value FROM json_each(:counts) WHERE true" + _COUNTED
_COUNT_POSTGRES = (
    "INSERT INTO qa_word (term, passages)"
    " SELECT key, CAST(value AS bigint) FROM json_each_text(CAST(:counts AS json))" + _COUNTED
)


# ------------------------------------------------------------------ reading


def look_up(connection: sa.Connection, words: Sequence[str]) -> Question:
    """What the documents know about these stems: each word's weight, and the passages worth scoring."""
    counts = _counts(connection, ["", *words])
    meant = {word: [word] if word in counts else _meant(connection, word) for word in words}
    counts |= _counts(connection, [form for word in words if word not in counts for form in meant[word]])
    passages = counts.get("", 0)
    terms = tuple(
        Term(
            weight=_weight(sum(counts[form] for form in meant[word]), passages),
            forms=tuple(meant[word]),
            sure=meant[word] == [word],
        )
        for word in words
    )
    return Question(terms=terms, hits=tuple(_hits(connection, _rarest(meant, counts))))


def _counts(connection: sa.Connection, words: Sequence[str]) -> dict[str, int]:
    query = "SELECT term, passages FROM qa_word WHERE term IN :words"
    rows = run(connection, query, {"words": list(words)}, listed="words")
    return {row.term: row.passages for row in rows}


def _meant(connection: sa.Connection, word: str) -> list[str]:
    """The documents' words that an unknown one may stand for, the shortest first."""
    query = "SELECT term FROM qa_word WHERE term >= :low AND term < :high"
    same_letter = run(connection, query, {"low": word[0], "high": chr(ord(word[0]) + 1)}).scalars()
    return sorted((term for term in same_letter if near(word, term)), key=lambda term: (len(term), term))[:MEANT]


def _weight(count: int, passages: int) -> float:
    """BM25's inverse document frequency: a word that stands everywhere says little."""
    count = min(count, passages)
    return log(1 + (passages - count + 0.5) / (count + 0.5))


def _rarest(meant: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> list[str]:
    """The forms to search by: the rare ones find the passages, the common ones would only make the search long."""
    forms = sorted({form for word in meant for form in meant[word]}, key=lambda form: (counts[form], form))
    totals = list(accumulate(counts[form] for form in forms))
    return [form for form, total in zip(forms, totals, strict=True) if total <= POSTINGS] or forms[:1]


def _hits(connection: sa.Connection, forms: Sequence[str]) -> list[Hit]:
    if not forms:
        return []
    if connection.dialect.name == "postgresql":
        rows = run(connection, _SEARCH_POSTGRES, {"query": " | ".join(forms), "limit": CANDIDATES})
    else:
        query = " OR ".join(f'"{form}"' for form in forms)
        rows = run(connection, _SEARCH_SQLITE, {"query": query, "limit": CANDIDATES})
    return [Hit(**row._mapping) for row in rows]


_COLUMNS = "p.id, p.heading, p.body, p.heading_stems, p.body_stems, d.title, d.source"
_SEARCH_SQLITE = (
    f"SELECT {_COLUMNS} FROM qa_fts JOIN qa_passage p ON p.id = qa_fts.rowid"
    " JOIN qa_document d ON d.id = p.document AND d.state = 'live'"
    " WHERE qa_fts MATCH :query ORDER BY bm25(qa_fts, 3.0, 1.0), p.id LIMIT :limit"
)
_SEARCH_POSTGRES = (
    f"SELECT {_COLUMNS} FROM qa_passage p JOIN qa_document d ON d.id = p.document AND d.state = 'live',"
    " CAST(:query AS tsquery) query"
    " WHERE p.words @@ query ORDER BY ts_rank(p.words, query, 1) DESC, p.id LIMIT :limit"
)
