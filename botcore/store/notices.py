"""What other processes hear at the moment it is committed: PostgreSQL's NOTIFY. With SQLite there are no others.

A notice is a hurry, never the truth: it is lost with a cut connection, and everybody looks once a second anyway.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.clock import Clock
from botcore.store.faults import one_line
from botcore.store.sql import Statement, arg, const

__all__ = ["Notice", "listen", "notify"]

log: logging.Logger = logging.getLogger(__name__)

Kind = Literal["stop", "turn", "lead", "left", "lora", "lost"]
CHANNEL = "botcore"
KEY_BYTES = 7_000
"""PostgreSQL takes payloads below 8,000 bytes; a longer key is left to the look once a second."""
PAUSE_S = 1.0
"""Between two tries to listen."""

_NOTIFY = Statement(sa.select(sa.func.pg_notify(const(CHANNEL), arg("payload"))))


class Notice(NamedTuple):
    """Something was committed, here or in another process."""

    kind: Kind
    """``stop``: the running message is to end. ``turn``: one has ended. ``lead``: somebody leads no more.
    ``left``: one that stops leaves something to claim. ``lora``: another version is wanted.
    ``lost``: some were missed, look everywhere."""
    key: str = ""
    """The conversation's; for ``lead`` what was led, for ``lora`` the version, for ``left`` none."""


def notify(connection: sa.Connection, kind: Kind, key: str) -> None:
    """Tell every process that listens, if this transaction commits."""
    if connection.dialect.name == "postgresql" and len(key.encode()) <= KEY_BYTES:
        _NOTIFY(connection, payload=f"{kind} {key}")


async def listen(engine: sa.Engine, clock: Clock) -> AsyncGenerator[Notice, None]:
    """Notices for ever, each connection beginning with ``lost``; a cut connection is made again."""
    while True:
        try:
            async with _connected(engine) as raw:
                yield Notice("lost")
                async for payload in _payloads(raw):
                    kind, _, key = payload.partition(" ")
                    yield Notice(kind, key)  # type: ignore[arg-type]  # whoever notifies is this module
        except _errors(engine) as error:
            log.warning("cannot hear other processes, looking once a second instead: %s", one_line(error))
        await clock.sleep(PAUSE_S)


@asynccontextmanager
async def _connected(engine: sa.Engine) -> AsyncIterator[Any]:
    connecting = asyncio.ensure_future(asyncio.to_thread(_subscribe, engine))  # connecting blocks
    try:
        connection = await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_close_unwanted)
        raise
    try:
        yield connection.connection.driver_connection
    finally:
        _close(connection)


def _close_unwanted(connecting: "asyncio.Future[sa.Connection]") -> None:
    """Whoever waited for it was cancelled; a thread connects to the end all the same."""
    if not connecting.cancelled() and not connecting.exception():
        _close(connecting.result())


def _close(connection: sa.Connection) -> None:
    with suppress(*_errors(connection.engine)):
        connection.invalidate()  # it listens: nobody else may get it
    connection.close()


def _subscribe(engine: sa.Engine) -> sa.Connection:
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.exec_driver_sql(f"LISTEN {CHANNEL}")
    return connection


async def _payloads(raw: Any) -> AsyncGenerator[str, None]:
    loop, socket, readable = asyncio.get_running_loop(), raw.fileno(), asyncio.Event()
    loop.add_reader(socket, readable.set)
    try:
        while True:
            for notice in raw.notifies(timeout=0):
                yield notice.payload
            await readable.wait()
            readable.clear()
    finally:
        loop.remove_reader(socket)


def _errors(engine: sa.Engine) -> tuple[type[Exception], ...]:
    """The driver's own errors, and SQLAlchemy's around them."""
    return exc.SQLAlchemyError, engine.dialect.loaded_dbapi.Error
