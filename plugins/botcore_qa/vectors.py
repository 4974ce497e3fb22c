"""What an encoder made of the passages: which have a vector, and how near those that were found are to a question.

Every function here runs on a database thread. A vector goes with its passage, and counts only for the encoder it is of.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING

from botcore_qa.sql import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

__all__ = ["Asked", "cosine", "keep", "nearness", "unencoded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a question means."""

    encoder: str
    """`botcore.Encoder.name`: vectors of another one say nothing about it."""
    vector: array[float]
    usual: float
    """The cosine of texts that have nothing to do with each other: near 0, of some encoders 0.7."""


def unencoded(connection: sa.Connection, encoder: str, limit: int) -> dict[int, str]:
    """Some passages of live documents that this encoder has not seen, by their id, below their headings."""
    query = (
        "SELECT p.id, p.heading, p.body FROM qa_passage p"
        " JOIN qa_document d ON d.id = p.document AND d.state = 'live'"
        " LEFT JOIN qa_vector v ON v.passage = p.id AND v.encoder = :encoder"
        " WHERE v.passage IS NULL ORDER BY p.id LIMIT :limit"
    )
    rows = run(connection, query, {"encoder": encoder, "limit": limit})
    return {row.id: f"{row.heading}\n{row.body}" if row.heading else row.body for row in rows}


def keep(connection: sa.Connection, encoder: str, vectors: Mapping[int, array[float]]) -> None:
    """Store vectors, in the place of another encoder's; a passage that is gone meanwhile needs none."""
    insert = (
        "INSERT INTO qa_vector (passage, encoder, vector) SELECT p.id, :encoder, :vector FROM qa_passage p"
        " WHERE p.id = :passage"
        " ON CONFLICT (passage) DO UPDATE SET encoder = excluded.encoder, vector = excluded.vector"
    )
    rows = [{"passage": id, "encoder": encoder, "vector": vector.tobytes()} for id, vector in vectors.items()]
    run(connection, insert, rows)


def nearness(connection: sa.Connection, asked: Asked, passages: Sequence[int]) -> dict[int, float]:
    """How near each passage is to the question: 1 = the same, 0 = as near as anything; without a vector not at all."""
    query = "SELECT passage, vector FROM qa_vector WHERE passage IN :ids AND encoder = :encoder"
    rows = run(connection, query, {"ids": list(passages), "encoder": asked.encoder}, listed="ids")
    cosines = {row.passage: cosine(asked.vector, array("f", row.vector)) for row in rows}
    return {passage: (value - asked.usual) / (1 - asked.usual) for passage, value in cosines.items()}


def cosine(one: array[float], other: array[float]) -> float:
    """Of two vectors of length 1; those of different sizes are not alike."""
    return sum(map(mul, one, other)) if len(one) == len(other) else 0.0
