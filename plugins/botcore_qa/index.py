"""The full text index in the bot's database: SQLite's FTS5 or PostgreSQL's tsvector, over the same stems.

Every function here runs on a database thread, inside one short transaction. The decision what a hit is worth is made in
`score`, in the same way for both databases; here they only find and count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

import sqlalchemy as sa

from botcore_qa.markdown import Piece
from botcore_qa.score import Hit, Question, Term
from botcore_qa.words import near, stems

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

TERMS = 12
"""Words of a question that are looked up; the others of a long message change nothing any more."""
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
    """Path to (hash, origin) of every document that answers questions."""
    rows = connection.execute(sa.text("SELECT path, hash, origin FROM qa_document WHERE live = 1"))
    return {row.path: (row.hash, row.origin) for row in rows}


def begin(connection: sa.Connection, document: Document) -> int:
    """The id of a new document that nobody finds before it is published; an unfinished one of this path goes."""
    connection.execute(sa.text("DELETE FROM qa_document WHERE path = :path AND live = 0"), {"path": document.path})
    insert = sa.text(
        "INSERT INTO qa_document (path, source, title, hash, origin, live)"
        " VALUES (:path, :source, :title, :hash, :origin, 0) RETURNING id"
    )
    values = {name: getattr(document, name) for name in ("path", "source", "title", "hash", "origin")}
    return int(connection.execute(insert, values).scalar_one())


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
    if not _exists(connection, document):
        return False
    insert = sa.text(
        "INSERT INTO qa_passage (document, place, heading, body, heading_stems, body_stems)"
        " VALUES (:document, :place, :heading, :body, :heading_stems, :body_stems)"
    )
    placed = [{"document": document, "place": number, **row} for number, row in enumerate(rows, place)]
    connection.execute(insert, placed)
    if connection.dialect.name == "postgresql":
        _learn_words(connection, document, place)
    return True


def publish(connection: sa.Connection, document: int, path: str) -> bool:
    """Let the document answer questions in the place of the older one with its path; False as in `add`."""
    if not _exists(connection, document):
        return False
    values = {"id": document, "path": path}
    connection.execute(sa.text("DELETE FROM qa_document WHERE path = :path AND id <> :id"), values)
    connection.execute(sa.text("UPDATE qa_document SET live = 1 WHERE id = :id"), {"id": document})
    return True


def drop(connection: sa.Connection, paths: Iterable[str]) -> int:
    """How many documents stopped answering; `sweep` deletes their passages."""
    delete = sa.text("DELETE FROM qa_document WHERE path = :path")
    return sum(connection.execute(delete, {"path": path}).rowcount for path in paths)


def adopt(connection: sa.Connection, path: str, origin: str) -> None:
    """Note who asked for a document last."""
    update = sa.text("UPDATE qa_document SET origin = :origin WHERE path = :path AND live = 1")
    connection.execute(update, {"path": path, "origin": origin})


def sweep(connection: sa.Connection, limit: int) -> int:
    """Delete up to ``limit`` passages that belong to no document any more; how many there were."""
    orphans = sa.text(
        "SELECT id FROM qa_passage p"
        " WHERE NOT EXISTS (SELECT 1 FROM qa_document d WHERE d.id = p.document) LIMIT :limit"
    )
    ids = list(connection.execute(orphans, {"limit": limit}).scalars())
    words = _words_of(connection, ids) if connection.dialect.name == "postgresql" else []
    connection.execute(_among("DELETE FROM qa_passage WHERE id IN :ids", "ids"), {"ids": ids})
    if words:
        _unlearn_words(connection, words)
    return len(ids)


def listed(connection: sa.Connection, limit: int) -> tuple[int, list[Listed]]:
    """How many documents there are, and the first ``limit`` by title."""
    total = connection.execute(sa.text("SELECT count(*) FROM qa_document WHERE live = 1")).scalar_one()
    rows = connection.execute(
        sa.text(
            "SELECT title, source, (SELECT count(*) FROM qa_passage p WHERE p.document = d.id) AS passages"
            " FROM qa_document d WHERE live = 1 ORDER BY lower(title), source LIMIT :limit"
        ),
        {"limit": limit},
    )
    return int(total), [Listed(title=row.title, source=row.source, passages=row.passages) for row in rows]


def _exists(connection: sa.Connection, document: int) -> bool:
    found = connection.execute(sa.text("SELECT 1 FROM qa_document WHERE id = :id"), {"id": document})
    return found.first() is not None


# ------------------------------------------------------------------ reading


def look_up(connection: sa.Connection, words: Sequence[str]) -> Question:
    """What the documents know about these stems: each word's weight, and the passages worth scoring."""
    passages = int(connection.execute(sa.text("SELECT count(*) FROM qa_passage")).scalar_one())
    terms = [_term(connection, word, passages) for word in words]
    searched = sorted((term for term in terms if term.forms), key=lambda term: -term.weight)[:TERMS]
    hits = _hits(connection, [form for term in searched for form in term.forms])
    return Question(terms=tuple(terms), hits=tuple(hits))


def _term(connection: sa.Connection, word: str, passages: int) -> Term:
    count = _count(connection, word)
    if count:
        return Term(weight=_weight(count, passages), forms=(word,))
    meant = sorted((form for form in _vocabulary(connection, word) if near(word, form)), key=lambda form: len(form))
    if not meant:
        return Term(weight=_weight(0, passages), forms=())
    forms = tuple(meant[:MEANT])
    return Term(weight=_weight(sum(_count(connection, form) for form in forms), passages), forms=forms, sure=False)


def _weight(count: int, passages: int) -> float:
    """BM25's inverse document frequency: a word that stands everywhere says little."""
    count = min(count, passages)
    return log(1 + (passages - count + 0.5) / (count + 0.5))


def _hits(connection: sa.Connection, forms: Sequence[str]) -> list[Hit]:
    if not forms:
        return []
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_SEARCH_POSTGRES, {"query": " | ".join(forms), "limit": CANDIDATES})
    else:
        query = " OR ".join(f'"{form}"' for form in forms)
        rows = connection.execute(_SEARCH_SQLITE, {"query": query, "limit": CANDIDATES})
    return [Hit(**row._mapping) for row in rows]


_COLUMNS = "p.id, p.heading, p.body, p.heading_stems, p.body_stems, d.title, d.source"
_SEARCH_SQLITE = sa.text(
    f"SELECT {_COLUMNS} FROM qa_fts JOIN qa_passage p ON p.id = qa_fts.rowid"
    " JOIN qa_document d ON d.id = p.document AND d.live = 1"
    " WHERE qa_fts MATCH :query ORDER BY bm25(qa_fts, 3.0, 1.0), p.id LIMIT :limit"
)
_SEARCH_POSTGRES = sa.text(
    f"SELECT {_COLUMNS} FROM qa_passage p JOIN qa_document d ON d.id = p.document AND d.live = 1,"
    " CAST(:query AS tsquery) query"
    " WHERE p.words @@ query ORDER BY ts_rank(p.words, query, 1) DESC, p.id LIMIT :limit"
)


def _count(connection: sa.Connection, word: str) -> int:
    if connection.dialect.name == "postgresql":
        count = sa.text("SELECT count(*) FROM qa_passage WHERE words @@ CAST(:word AS tsquery)")
    else:
        count = sa.text("SELECT coalesce(sum(doc), 0) FROM qa_vocab WHERE term = :word")
    return int(connection.execute(count, {"word": word}).scalar_one())


def _vocabulary(connection: sa.Connection, word: str) -> list[str]:
    """The documents' words that begin with the same letter: slips in the first one are rare."""
    table = "qa_word" if connection.dialect.name == "postgresql" else "qa_vocab"
    query = sa.text(f"SELECT term FROM {table} WHERE term >= :low AND term < :high")
    return list(connection.execute(query, {"low": word[0], "high": chr(ord(word[0]) + 1)}).scalars())


# ------------------------------------------------------------------ PostgreSQL keeps no list of its words


def _learn_words(connection: sa.Connection, document: int, place: int) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO qa_word (term) SELECT DISTINCT unnest(tsvector_to_array(words)) FROM qa_passage"
            " WHERE document = :document AND place >= :place ORDER BY 1 ON CONFLICT DO NOTHING"
        ),
        {"document": document, "place": place},
    )


def _words_of(connection: sa.Connection, ids: Sequence[int]) -> list[str]:
    query = _among("SELECT DISTINCT unnest(tsvector_to_array(words)) FROM qa_passage WHERE id IN :ids", "ids")
    return list(connection.execute(query, {"ids": ids}).scalars())


def _unlearn_words(connection: sa.Connection, words: Sequence[str]) -> None:
    delete = _among(
        "DELETE FROM qa_word w WHERE w.term IN :words AND NOT EXISTS"
        " (SELECT 1 FROM qa_passage p WHERE p.words @@ CAST(w.term AS tsquery))",
        "words",
    )
    connection.execute(delete, {"words": words})


def _among(statement: str, name: str) -> sa.TextClause:
    return sa.text(statement).bindparams(sa.bindparam(name, expanding=True))
