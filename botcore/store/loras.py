"""LoRA versions in the database: one row each, for ever. Whoever owns an engine looks once a second what is wanted.

``state`` is what somebody wants, ``live``, ``progress`` and ``told_at`` are what an engine says of it. They are written
apart: a word of the engine's about an older wish never undoes a newer one.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.errors import ModelError
from botcore.store.encoding import clean_text, dump
from botcore.store.notices import notify
from botcore.store.sql import Statement, const
from botcore.store.tables import lora
from botcore.versions import Lora, LoraState

__all__ = ["add", "every", "off", "set_aside", "settle", "tell", "use", "wish"]

_COLUMNS = tuple(lora.c[one.name] for one in fields(Lora))
_WANTED = Statement(sa.select(*_COLUMNS).where(lora.c.state == const("serving")).order_by(lora.c.changed_at))
_LAST = Statement(
    sa.select(lora.c.reason)
    .where(lora.c.state == const("off"))
    .order_by(lora.c.changed_at.desc())
    .limit(const(1))
    .offset(const(0))
)


def add(connection: sa.Connection, version: Lora) -> None:
    """A new version. Raises `ModelError` where there was ever one of this name."""
    texts = {name: clean_text(value) if isinstance(value, str) else value for name, value in asdict(version).items()}
    try:
        with connection.begin_nested():
            row = texts | {"figures": dump(dict(version.figures)), "live": int(version.live)}
            connection.execute(sa.insert(lora).values(row))
    except exc.IntegrityError:
        raise ModelError(f"there is a LoRA version {version.name} already; its name is never used again") from None


def every(connection: sa.Connection) -> list[Lora]:
    """All of them, oldest first."""
    return [_version(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(lora.c.made_at, lora.c.name))]


def wish(connection: sa.Connection) -> tuple[Lora | None, str]:
    """What is to be in service; where nothing is, why what was wanted last could not be, "" = it could."""
    if wanted := _wanted(connection):
        return wanted[-1], ""
    return None, _LAST(connection).scalar() or ""


def _wanted(connection: sa.Connection) -> list[Lora]:
    """The newest wish last; there is one at most, unless somebody wrote into the table."""
    return [_version(row) for row in _WANTED(connection)]


def use(connection: sa.Connection, name: str, *, now: float) -> Lora:
    """Want this one in service, and no other. Raises `ModelError` where there is none, or it was refused."""
    found = {version.name: version for version in every(connection)}.get(name)
    if found is None:
        raise ModelError(f"there is no LoRA version {name}; `botcore lora list` says which there are")
    if found.state == "refused":
        raise ModelError(f"{name} was refused: {found.reason}")
    off(connection, now=now, but=name)
    if found.state != "serving":
        _set(connection, [name], state="serving", reason="", now=now)
    return next(version for version in every(connection) if version.name == name)


def off(connection: sa.Connection, *, now: float, but: str = "") -> list[str]:
    """Want none in service; the names of those that were wanted. That one could not be is trouble no more."""
    names = [version.name for version in _wanted(connection) if version.name != but]
    _set(connection, names, state="off", reason="", now=now)
    if not but:
        connection.execute(sa.update(lora).where(lora.c.state == "off").values(reason=""))
    return names


def set_aside(connection: sa.Connection, version: Lora, reason: str, *, now: float) -> bool:
    """An engine cannot serve it: off, with the reason. False where somebody has wished anew since it looked."""
    mine = (lora.c.name == version.name, lora.c.state == "serving", lora.c.changed_at == version.changed_at)
    values = {"state": "off", "reason": clean_text(reason), "changed_at": now, "told_at": now, "live": 0}
    done = connection.execute(sa.update(lora).where(*mine).values(values | {"progress": ""})).rowcount == 1
    notify(connection, "lora", version.name)
    return done


def tell(connection: sa.Connection, name: str, *, progress: str, now: float) -> None:
    """What an engine is doing about it."""
    said = {"progress": clean_text(progress), "told_at": now}
    connection.execute(sa.update(lora).where(lora.c.name == name).values(said))


def settle(connection: sa.Connection, name: str, *, now: float) -> None:
    """An engine has this version in service and no other, "" = none."""
    ends = sa.update(lora).where(lora.c.live == 1, lora.c.name != name)
    connection.execute(ends.values(live=0, progress="", told_at=now))
    connection.execute(sa.update(lora).where(lora.c.name == name).values(live=1, progress="", told_at=now))


def _set(connection: sa.Connection, names: Sequence[str], *, state: LoraState, reason: str, now: float) -> None:
    values: dict[str, Any] = {"state": state, "reason": reason, "changed_at": now, "progress": ""}
    values |= {"live": 0} if state == "serving" else {}  # else a process that died would still say so
    connection.execute(sa.update(lora).where(lora.c.name.in_(names)).values(values))
    for name in names:
        notify(connection, "lora", name)


def _version(row: Any) -> Lora:
    values = dict(zip((column.name for column in _COLUMNS), row, strict=True))
    return Lora(**values | {"figures": json.loads(values["figures"] or "{}"), "live": bool(values["live"])})
