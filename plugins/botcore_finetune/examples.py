"""The examples, and what the database does with them. Every function runs on a database thread, in one transaction.

An example is one person's verdict on one reply of the model, with the prompt exactly as it was sent: in a group two
people may judge the same reply, and taking one verdict back leaves the other.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from botcore import PromptMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

__all__ = ["MIGRATIONS", "Example", "Tally", "drop_turns", "newest", "put", "take_back", "tally", "turns"]

MIGRATIONS = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A reply of the model that somebody judged."""

    turn: str
    channel: str
    person: str
    conversation: str
    """The conversation's key."""
    prompt: tuple[PromptMessage, ...]
    """As it was sent to the engine."""
    reply: str
    model: str
    """The base or the LoRA version that wrote it."""
    plugin: str
    """Which plugin asked the model; one that falls back to other words than the model's may be left out of training."""
    verdict: Literal[-1, 0, 1]
    """0: only corrected."""
    reasons: tuple[str, ...] = ()
    comment: str = ""
    correction: str = ""
    """What it should have said."""
    consent: bool = False
    """Whether training may use it."""
    at: float
    """When it was judged last, Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of a person's verdicts were kept."""

    good: int = 0
    bad: int = 0
    corrected: int = 0


def put(connection: sa.Connection, example: Example) -> None:
    """Keep the example in the place of this person's earlier one for the same reply."""
    _run(connection, _PUT, _values(example))


def take_back(connection: sa.Connection, turn: str, channel: str, person: str) -> None:
    """Remove a person's example; nothing happens where there is none."""
    values = {"turn": turn, "channel": channel, "person": person}
    _run(connection, "DELETE FROM ft_examples WHERE turn = :turn AND channel = :channel AND person = :person", values)


def newest(connection: sa.Connection, limit: int) -> list[Example]:
    """The examples judged last, newest first."""
    rows = _run(
        connection,
        f"SELECT {', '.join(_COLUMNS)} FROM ft_examples ORDER BY at DESC, turn LIMIT :limit",
        {"limit": limit},
    )
    return [_example(row) for row in rows]


def tally(connection: sa.Connection, channel: str, person: str) -> Tally:
    """What one person has judged."""
    row = _run(
        connection,
        (
            "SELECT coalesce(sum(CASE WHEN verdict > 0 THEN 1 ELSE 0 END), 0) AS good,"
            " coalesce(sum(CASE WHEN verdict < 0 THEN 1 ELSE 0 END), 0) AS bad,"
            " coalesce(sum(CASE WHEN correction <> '' THEN 1 ELSE 0 END), 0) AS corrected"
            " FROM ft_examples WHERE channel = :channel AND person = :person"
        ),
        {"channel": channel, "person": person},
    ).one()
    return Tally(good=row.good, bad=row.bad, corrected=row.corrected)


def turns(connection: sa.Connection, after: str, limit: int) -> list[str]:
    """Up to ``limit`` turns that have examples, above ``after``, in the order of their ids."""
    query = "SELECT DISTINCT turn FROM ft_examples WHERE turn > :after ORDER BY turn LIMIT :limit"
    return list(_run(connection, query, {"after": after, "limit": limit}).scalars())


def drop_turns(connection: sa.Connection, gone: Sequence[str]) -> None:
    """Remove every example of these turns."""
    delete = "DELETE FROM ft_examples WHERE turn = :turn"
    _run(connection, delete, [{"turn": turn} for turn in gone])


_KEY = ("turn", "channel", "person")
_COLUMNS = (
    *_KEY,
    *(
        "conversation",
        "prompt",
        "reply",
        "model",
        "plugin",
        "verdict",
        "reasons",
        "comment",
        "correction",
        "consent",
        "at",
    ),
)
_PUT = (
    f"INSERT INTO ft_examples ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)})"
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEY)
)


def _values(example: Example) -> dict[str, Any]:
    return asdict(example) | {
        "prompt": json.dumps([asdict(message) for message in example.prompt], ensure_ascii=False),
        "reasons": json.dumps(example.reasons, ensure_ascii=False),
        "consent": int(example.consent),
    }


def _example(row: Any) -> Example:
    values = dict(row._mapping)
    values["prompt"] = tuple(PromptMessage(**message) for message in json.loads(row.prompt))
    values["reasons"] = tuple(json.loads(row.reasons))
    values["consent"] = bool(row.consent)
    return Example(**values)


def _run(connection: sa.Connection, statement: str, values: Any) -> sa.CursorResult[Any]:
    return connection.execute(_text(statement), values)


@cache
def _text(statement: str) -> sa.TextClause:
    import sqlalchemy as sa  # 0.2 s that importing the plugin does not pay

    return sa.text(statement)
