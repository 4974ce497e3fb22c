"""The full text index, its reading side: what the documents that one asker may see know about a question.

Every function here runs on a database thread. The decision what a hit is worth is made in `score`, in the same way for
both databases; here they only find and count. The asker's scope is in the WHERE of every statement: neither a passage,
nor a count, nor a word that somebody else's document taught us comes out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from math import log, sqrt
from typing import TYPE_CHECKING, Any

from botcore_qa.scope import tagged, untagged
from botcore_qa.score import Hit, Question, Term
from botcore_qa.sql import run
from botcore_qa.words import FORMS, LIGHT, LONGEST_GUESSED, joined, near, slips

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

__all__ = ["look_up"]

POSTINGS = 3_000
"""Passages a search may touch before the commoner words of the question are left out of it: a few milliseconds."""
CANDIDATES = 40
"""Passages that are scored; the right one was among the first 10 in all our trials."""
MEANT = 4
"""Words of the documents that an unknown word may stand for."""

FEWEST = 12
"""Passages that show how common a word is. With fewer, words weigh as among so many: else a word that a one-page
document does not know would outweigh all that it knows."""
GUESSED = 8
"""Unknown words of one question that are guessed at."""
COMPARED = 2_000
"""Words, the commonest, that each of them is compared with: at most 0.2 s, for words made to be alike."""
LAST = "\U0010ffff"
"""Stands behind every sign a word may hold."""


def look_up(connection: sa.Connection, words: Sequence[str], scope: str = "", before: Sequence[str] = ()) -> Question:
    """What everybody's documents and those of ``scope`` know about these stems: weights, passages worth scoring.

    ``before`` are those of the question that this one goes on with.
    """
    asked = len(own := _single(connection, words, scope))
    words = list(dict.fromkeys([*own, *_single(connection, before, scope)]))
    counts = _counts(connection, ["", *words], scope)
    unknown = [word for word in words if word not in counts and FORMS <= len(word) <= LONGEST_GUESSED][:GUESSED]
    meant = {word: [word] if word in counts else [] for word in words}
    meant |= {word: _meant(connection, word, scope) for word in unknown}
    counts |= _counts(connection, [form for word in words if word not in counts for form in meant[word]], scope)
    passages = max(counts.get("", 0), FEWEST)
    terms = tuple(_term(word, meant[word], sum(counts[form] for form in meant[word]), passages) for word in words)
    hits = _hits(connection, _rarest(meant, counts), scope)
    return Question(terms=terms[:asked], hits=tuple(hits), before=terms[asked:])


def _single(connection: sa.Connection, words: Sequence[str], scope: str) -> list[str]:
    """What hyphens join is one word where the documents know it as one, else it is its parts."""
    forms = {word: joined(word) for word in words if "-" in word}
    known = _counts(connection, [whole for whole, _ in forms.values()], scope) if forms else {}
    single = list[str]()
    for word in words:
        whole, parts = forms.get(word, (word, [word]))
        single += [whole] if word not in forms or whole in known else parts
    return list(dict.fromkeys(single))


def _counts(connection: sa.Connection, words: Sequence[str], scope: str) -> dict[str, int]:
    query = (
        "SELECT term, sum(passages) AS passages FROM qa_word WHERE scope IN ('', :scope) AND term IN :words"
        " GROUP BY term"
    )
    rows = run(connection, query, {"scope": scope, "words": list(words)}, listed="words")
    return {row.term: int(row.passages) for row in rows}


def _meant(connection: sa.Connection, word: str, scope: str) -> list[str]:
    """The documents' words that an unknown one may stand for, the shortest first."""
    values = {
        "scope": scope,
        "first": word[0],
        "first_end": word[0] + LAST,
        "least": len(word) - slips(word),
        "most": len(word) + slips(word),
        "longest": LONGEST_GUESSED,
        "form": word,
        "form_end": word + LAST,
        "limit": COMPARED,
    }
    similar = run(connection, _SIMILAR, values).scalars()
    return sorted((term for term in similar if near(word, term)), key=lambda term: (len(term), term))[:MEANT]


def _term(word: str, forms: Sequence[str], count: int, passages: int) -> Term:
    common = count > sqrt(passages)
    sure, light = [*forms] == [word], word in LIGHT
    return Term(weight=_weight(count, passages), forms=tuple(forms), sure=sure, common=common, light=light)


def _weight(count: int, passages: int) -> float:
    """BM25's inverse document frequency: a word that stands everywhere says little."""
    count = min(count, passages)
    return log(1 + (passages - count + 0.5) / (count + 0.5))


def _rarest(meant: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> list[str]:
    """The forms to search by: the rare ones find the passages, the common ones would only make the search long."""
    forms = sorted({form for word in meant for form in meant[word]}, key=lambda form: (counts[form], form))
    totals = list(accumulate(counts[form] for form in forms))
    return [form for form, total in zip(forms, totals, strict=True) if total <= POSTINGS] or forms[:1]


def _hits(connection: sa.Connection, forms: Sequence[str], scope: str) -> list[Hit]:
    if not forms:
        return []
    postgres = connection.dialect.name == "postgresql"
    sought = dict.fromkeys((*forms, *tagged(" ".join(forms), scope).split()))
    query = " | ".join(sought) if postgres else " OR ".join(f'"{form}"' for form in sought)
    values = {"query": query, "scope": scope, "limit": CANDIDATES}
    rows = run(connection, _SEARCH_POSTGRES if postgres else _SEARCH_SQLITE, values)
    return [_hit(row, scope) for row in rows]


def _hit(row: Any, scope: str) -> Hit:
    hit = Hit(**row._mapping)
    heading, body = untagged(hit.heading_stems, scope), untagged(hit.body_stems, scope)
    return replace(hit, heading_stems=heading, body_stems=body)


_SIMILAR = (
    "SELECT term FROM qa_word WHERE scope IN ('', :scope) AND term >= :first AND term < :first_end"
    " AND length(term) <= :longest"
    " AND (length(term) BETWEEN :least AND :most OR (term >= :form AND term < :form_end))"
    " GROUP BY term ORDER BY sum(passages) DESC, term LIMIT :limit"
)
_COLUMNS = "p.id, p.document, p.heading, p.body, p.heading_stems, p.body_stems, p.page, d.title, d.source"
_DOCUMENT = " JOIN qa_document d ON d.id = p.document AND d.state = 'live' AND d.scope IN ('', :scope)"
_SEARCH_SQLITE = (
    f"SELECT {_COLUMNS} FROM qa_fts JOIN qa_passage p ON p.id = qa_fts.rowid{_DOCUMENT}"
    " WHERE qa_fts MATCH :query ORDER BY bm25(qa_fts, 3.0, 1.0), p.id LIMIT :limit"
)
_SEARCH_POSTGRES = (
    f"SELECT {_COLUMNS} FROM qa_passage p{_DOCUMENT}, CAST(:query AS tsquery) query"
    " WHERE p.words @@ query ORDER BY ts_rank(p.words, query, 1) DESC, p.id LIMIT :limit"
)
