"""The examples, and what the database does with them. Every function runs on a database thread, in one transaction.

An example is one person's verdict on one reply, with the prompt exactly as it was sent: in a group two people may judge
the same reply, and taking one verdict back leaves the other. A reply that was quoted from documents without the model
has no prompt: it is kept for reports on quality and never trained on.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from botcore import Citation, Passage, PromptMessage
from botcore_finetune.sql import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

__all__ = [
    "COLUMNS",
    "MIGRATIONS",
    "UNKNOWN",
    "Example",
    "Key",
    "Tally",
    "answered_again",
    "drop_conversation",
    "drop_person",
    "drop_turns",
    "example",
    "kept",
    "newest",
    "prompt_id",
    "put",
    "take_back",
    "tally",
    "turns",
]

MIGRATIONS = Path(__file__).with_name("migrations")
UNKNOWN = "?"
"""Somebody in a group whom nobody can ask any more: the exchange is too long ago."""

Key = tuple[str, str, str]
"""Turn, channel and person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A reply that somebody judged."""

    turn: str
    channel: str
    person: str
    conversation: str
    """The conversation's key."""
    prompt: tuple[PromptMessage, ...]
    """As it was sent to the engine; empty where the reply was quoted from documents without it."""
    reply: str
    model: str
    """The base or the LoRA version that wrote it."""
    plugin: str
    """Which plugin answered."""
    verdict: Literal[-1, 0, 1]
    """0: only corrected, or only said something about."""
    reasons: tuple[str, ...] = ()
    comment: str = ""
    correction: str = ""
    """What it should have said."""
    consent: bool = False
    """What the operator's setting said when it was judged."""
    at: float
    """When it was judged last, Unix seconds: the core's time of the verdict, however late it is met here."""
    again: str = ""
    """The reply this one took the place of."""
    question: str = ""
    """What the person had said."""
    people: tuple[str, ...] = ()
    """Whose words may stand in the prompt: one person, or those who wrote in the group."""
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    """What the documents gave to the prompt or to the quotation."""
    verbatim: bool = True
    """Whether the person read what the model wrote, and not what something made of it on the way out."""

    @property
    def trainable(self) -> bool:
        """Whether a model was asked: only then can one learn from it."""
        return bool(self.prompt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of a person's verdicts were kept."""

    good: int = 0
    bad: int = 0
    corrected: int = 0


def put(connection: sa.Connection, example: Example) -> None:
    """Keep the example in the place of this person's earlier one for the same reply.

    The same verdict again changes its time and nothing else; one that is older than what is kept changes nothing.
    """
    values = _values(example)
    run(connection, _AGAIN, values)
    run(connection, _PUT, values)


def take_back(connection: sa.Connection, key: Key, at: float = math.inf) -> None:
    """Remove a person's example unless it was judged later than ``at``; nothing happens where there is none."""
    run(connection, f"DELETE FROM ft_examples WHERE {_SAME} AND at <= :at", dict(zip(_KEY, key, strict=True), at=at))


def answered_again(connection: sa.Connection, turn: str, replaced: str, at: float) -> None:
    """Note that a person asked again: the reply ``turn`` took the place of ``replaced``. A weak sign, no verdict."""
    statement = "INSERT INTO ft_again (turn, replaced, at) VALUES (:turn, :replaced, :at) ON CONFLICT (turn) DO NOTHING"
    run(connection, statement, {"turn": turn, "replaced": replaced, "at": at})


def newest(connection: sa.Connection, limit: int) -> list[Example]:
    """The examples judged last, newest first."""
    query = f"SELECT {', '.join(COLUMNS)} FROM ft_examples ORDER BY at DESC, turn LIMIT :limit"
    return [example(row) for row in run(connection, query, {"limit": limit})]


def kept(connection: sa.Connection, after: float, until: float) -> dict[Key, float]:
    """When each example was judged: those of later than ``after``, up to ``until``."""
    query = f"SELECT {', '.join(_KEY)}, at FROM ft_examples WHERE at > :after AND at <= :until"
    rows = run(connection, query, {"after": after, "until": until})
    return {(row.turn, row.channel, row.person): row.at for row in rows}


def tally(connection: sa.Connection, channel: str, person: str) -> Tally:
    """What one person has judged."""
    row = run(
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
    """Up to ``limit`` turns of which something is kept, above ``after``, in the order of their ids."""
    query = (
        "SELECT turn FROM ft_examples WHERE turn > :after UNION SELECT turn FROM ft_again WHERE turn > :after"
        " ORDER BY turn LIMIT :limit"
    )
    return list(run(connection, query, {"after": after, "limit": limit}).scalars())


def drop_turns(connection: sa.Connection, gone: Sequence[str]) -> None:
    """Remove everything that is kept of these turns."""
    for table in ("ft_examples", "ft_again"):
        run(connection, f"DELETE FROM {table} WHERE turn = :turn", [{"turn": turn} for turn in gone])


def drop_conversation(connection: sa.Connection, key: str) -> None:
    """Remove every example of a conversation."""
    run(connection, "DELETE FROM ft_examples WHERE conversation = :key", {"key": key})


def drop_person(connection: sa.Connection, channel: str, person: str) -> None:
    """Remove what this person judged, what has or may have their words in its prompt, and what they chose."""
    whose = {"channel": channel, "person": person}
    run(connection, "DELETE FROM ft_examples WHERE channel = :channel AND person = :person", whose)
    inside = "replace(people, :named, '') <> people"  # not LIKE: an id may have signs that mean something there
    for name in (person, UNKNOWN):
        named = {"channel": channel, "named": _json(name)}  # as it stands in the list of people
        run(connection, f"DELETE FROM ft_examples WHERE channel = :channel AND {inside}", named)
    run(connection, "DELETE FROM ft_choices WHERE channel = :channel AND person = :person", whose)


def prompt_id(prompt: Sequence[PromptMessage]) -> str:
    """The same for the same messages; "" for none."""
    return hashlib.sha256(_dump(prompt).encode()).hexdigest() if prompt else ""


_KEY = ("turn", "channel", "person")
_SAME = " AND ".join(f"{name} = :{name}" for name in _KEY)
COLUMNS = tuple(one.name for one in fields(Example))
"""The columns `example` reads."""
_STORED = (*COLUMNS, "prompt_id")
_JUDGED = ("verdict", "reasons", "comment", "correction")
_AGAIN = f"UPDATE ft_examples SET at = :at WHERE {_SAME} AND {' AND '.join(f'{name} = :{name}' for name in _JUDGED)}"
_PUT = (
    f"INSERT INTO ft_examples ({', '.join(_STORED)}) VALUES ({', '.join(':' + name for name in _STORED)})"
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _STORED if name not in _KEY)
    + f" WHERE ft_examples.at <= excluded.at AND ({' OR '.join(f'ft_examples.{n} <> excluded.{n}' for n in _JUDGED)})"
)


def _values(example: Example) -> dict[str, Any]:
    values = {name: getattr(example, name) for name in COLUMNS}
    lists = {name: _dump(values[name]) for name in ("prompt", "citations", "passages")}
    plain = {name: _json(values[name]) for name in ("reasons", "people", "sampling")}
    flags = {name: int(values[name]) for name in ("consent", "verbatim")}
    return values | lists | plain | flags | {"prompt_id": prompt_id(example.prompt)}


def example(row: Any) -> Example:
    """The example of a row with `COLUMNS`."""
    values: dict[str, Any] = {name: getattr(row, name) for name in COLUMNS}
    for name, kind in (("prompt", PromptMessage), ("citations", Citation), ("passages", Passage)):
        values[name] = tuple(kind(**one) for one in json.loads(values[name] or "[]"))
    for name in ("reasons", "people"):
        values[name] = tuple(json.loads(values[name] or "[]"))
    for name in ("consent", "verbatim"):
        values[name] = bool(values[name])
    values["sampling"] = json.loads(values["sampling"] or "{}")
    return Example(**values)


def _dump(records: Sequence[Any]) -> str:
    return _json([asdict(record) for record in records])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
