"""Who allowed what, and what left the house: people's own choices and the record of every export."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from botcore_finetune.sql import run

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import sqlalchemy as sa

    from botcore_finetune.examples import Example

__all__ = ["Export", "Person", "allowed", "choice", "choices", "choose", "exports", "note", "people"]

Person = tuple[str, str]
"""Channel and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file that was written: who took what out, when, under which conditions."""

    id: str
    who: str
    """The account on the machine, as the operating system knows it."""
    format: str
    file: str
    options: Mapping[str, Any]
    sha256: str
    rows: int
    left_out: Mapping[str, int]
    """Reason to examples."""
    redacted: Mapping[str, int]
    """Kind to places."""
    at: float
    """Unix seconds."""


def choose(connection: sa.Connection, channel: str, person: str, *, allowed: bool, at: float) -> None:
    """Keep a person's own choice; the last one counts."""
    statement = (
        "INSERT INTO ft_choices (channel, person, allowed, at) VALUES (:channel, :person, :allowed, :at)"
        " ON CONFLICT (channel, person) DO UPDATE SET allowed = excluded.allowed, at = excluded.at"
    )
    run(connection, statement, {"channel": channel, "person": person, "allowed": int(allowed), "at": at})


def choice(connection: sa.Connection, channel: str, person: str) -> bool | None:
    """A person's own choice, None where there is none."""
    statement = "SELECT allowed FROM ft_choices WHERE channel = :channel AND person = :person"
    found = run(connection, statement, {"channel": channel, "person": person}).scalar()
    return None if found is None else bool(found)


def choices(connection: sa.Connection, asked: Collection[Person]) -> dict[Person, bool]:
    """The choices of those who made one."""
    made = {who: choice(connection, *who) for who in asked}
    return {who: said for who, said in made.items() if said is not None}


def allowed(one: Example, made: Mapping[Person, bool], *, default: bool) -> bool:
    """Whether everybody whose words are in the example lets training use it.

    A person's own choice wins, for what was judged before it too. Who made none follows the operator's setting: it must
    have been on when the example was judged, and still be on.
    """
    return all(made.get(person, default and one.consent) for person in people(one))


def people(one: Example) -> set[Person]:
    """Whose words are in it: who judged, and whose lines the prompt may carry."""
    return {(one.channel, person) for person in (one.person, *one.people)}


def note(connection: sa.Connection, export: Export) -> None:
    """Keep the record of an export."""
    values = {name: getattr(export, name) for name in _COLUMNS}
    packed = {name: json.dumps(dict(values[name]), ensure_ascii=False) for name in _PACKED}
    names = ", ".join(f":{name}" for name in _COLUMNS)
    run(connection, f"INSERT INTO ft_exports ({_NAMES}) VALUES ({names})", values | packed)


def exports(connection: sa.Connection, limit: int) -> list[Export]:
    """The newest exports, newest first."""
    query = f"SELECT {_NAMES} FROM ft_exports ORDER BY at DESC, id LIMIT :limit"
    rows = (dict(row._mapping) for row in run(connection, query, {"limit": limit}))
    return [Export(**row | {name: json.loads(row[name]) for name in _PACKED}) for row in rows]


_COLUMNS = tuple(one.name for one in fields(Export))
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)  # quoted: "rows" is a word of SQL
_PACKED = ("options", "left_out", "redacted")
