"""Which examples: by verdict, channel and time for lists and exports, and those that stand beside one.

Pages are read newest first behind the last one seen, so an export of any size holds one page in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botcore_finetune.examples import COLUMNS, Example, example, prompt_id
from botcore_finetune.sql import run

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Found", "Value", "Which", "count", "of_reply", "page", "replies_like", "rivals", "successors"]

Value = Literal["good", "bad", "corrected"]
RIVALS = 5
"""Bad replies that one good reply is set against: more would let one prompt fill the file."""
_VALUES = {"good": "e.verdict > 0", "bad": "e.verdict < 0", "corrected": "e.correction <> ''"}
_KEY = ("at", "turn", "channel", "person")
# Somebody said the opposite about the same words after the same prompt: neither is a lesson.
_CONTESTED = (
    "EXISTS (SELECT 1 FROM ft_examples o WHERE o.prompt_id = e.prompt_id AND o.reply = e.reply"
    " AND o.verdict = -e.verdict AND e.verdict <> 0 AND e.prompt_id <> '') AS contested"
)
_REPLACED = "EXISTS (SELECT 1 FROM ft_again a WHERE a.replaced = e.turn) AS replaced"
_FOUND = f"{', '.join(f'e.{name}' for name in COLUMNS)}, {_CONTESTED}, {_REPLACED}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which examples are meant; the empty one means all."""

    value: Value | None = None
    channel: str = ""
    since: float = 0.0
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An example, and what others make of it."""

    example: Example
    contested: bool = False
    """Somebody judged the same reply to the same prompt the other way."""
    replaced: bool = False
    """The person asked again: a weak sign, and no pair by itself."""

    @property
    def key(self) -> tuple[float, str, str, str]:
        """Where it stands in the order."""
        one = self.example
        return one.at, one.turn, one.channel, one.person


def page(
    connection: sa.Connection, which: Which, limit: int, after: tuple[float, str, str, str] | None = None
) -> list[Found]:
    """Up to ``limit`` examples, newest first, behind the one with the key ``after``."""
    conditions, values = _conditions(which)
    if after is not None:
        names = [f"after_{name}" for name in _KEY]
        conditions.append(f"({', '.join(f'e.{name}' for name in _KEY)}) < ({', '.join(':' + name for name in names)})")
        values |= dict(zip(names, after, strict=True))
    order = ", ".join(f"e.{name} DESC" for name in _KEY)
    query = f"SELECT {_FOUND} FROM ft_examples e{_where(conditions)} ORDER BY {order} LIMIT :limit"
    return _found(connection, query, values | {"limit": limit})


def count(connection: sa.Connection, which: Which) -> int:
    """How many examples are meant."""
    conditions, values = _conditions(which)
    return int(run(connection, f"SELECT count(*) FROM ft_examples e{_where(conditions)}", values).scalar_one())


def of_reply(connection: sa.Connection, turn: str) -> list[Found]:
    """Every verdict on one reply, newest first."""
    query = f"SELECT {_FOUND} FROM ft_examples e WHERE e.turn = :turn ORDER BY e.at DESC, e.person"
    return _found(connection, query, {"turn": turn})


def replies_like(connection: sa.Connection, beginning: str, limit: int = 5) -> list[str]:
    """The judged replies whose id begins so."""
    begins = "substr(turn, 1, :length) = :beginning"
    query = f"SELECT DISTINCT turn FROM ft_examples WHERE {begins} ORDER BY turn LIMIT :limit"
    values = {"length": len(beginning), "beginning": beginning, "limit": limit}
    return list(run(connection, query, values).scalars())


def rivals(connection: sa.Connection, good: Example) -> list[Found]:
    """Bad replies to the same prompt, and the bad one that this good reply took the place of."""
    query = (
        f"SELECT {_FOUND} FROM ft_examples e WHERE e.verdict < 0 AND e.turn <> :turn"
        " AND e.reply <> :reply AND (e.prompt_id = :prompt_id OR e.turn = :again) AND e.prompt_id <> ''"
        " ORDER BY e.at DESC, e.turn, e.channel, e.person LIMIT :limit"
    )
    values = {"turn": good.turn, "reply": good.reply, "again": good.again, "prompt_id": prompt_id(good.prompt)}
    return _found(connection, query, values | {"limit": RIVALS})


def successors(connection: sa.Connection, turn: str) -> list[str]:
    """The replies that took the place of this one, judged or not, oldest first."""
    query = "SELECT turn FROM ft_again WHERE replaced = :turn ORDER BY at, turn LIMIT 20"
    return list(run(connection, query, {"turn": turn}).scalars())


def _conditions(which: Which) -> tuple[list[str], dict[str, Any]]:
    conditions = [_VALUES[which.value]] if which.value else []
    values = dict[str, Any]()
    if which.channel:
        conditions.append("e.channel = :channel")
        values["channel"] = which.channel
    if which.since:
        conditions.append("e.at >= :since")
        values["since"] = which.since
    return conditions, values


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _found(connection: sa.Connection, query: str, values: dict[str, Any]) -> list[Found]:
    return [
        Found(example=example(row), contested=bool(row.contested), replaced=bool(row.replaced))
        for row in run(connection, query, values)
    ]
