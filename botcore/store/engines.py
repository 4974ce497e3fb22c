"""From a URL to an SQLAlchemy engine: which database, with which settings, and what is wrong with the URL."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from botcore.errors import SettingsError, StoreError

__all__ = ["database_file", "make_engine", "parse", "reader", "require", "shown"]

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a power cut must not take back what was acknowledged
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA secure_delete = ON",  # what is deleted is overwritten: most builds do so anyway, and `forget` promises it
    "PRAGMA journal_size_limit = 67108864",  # bytes the WAL file may keep after a burst
)

# A network that drops packets says nothing: without these a query waits for a quarter of an hour, an idle line two.
_LINE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
FROZEN_MS = 10_000
"""In the middle of a transaction, then the server undoes it. A process that is frozen there, or was cut off without a
word, would hold its rows for hours, and hold up whoever wants one of them: less than a lease outlives a heartbeat."""


def parse(url: str) -> sa.URL:
    """The URL of a database we can use. Raises `SettingsError` saying which part is wrong."""
    if url.startswith("postgres://"):
        url = "postgresql://" + url.removeprefix("postgres://")
    try:
        parsed = sa.make_url(url)
    except (exc.ArgumentError, ValueError):  # the latter of a port that is no number
        raise SettingsError(
            "[store] url is not a database URL: use sqlite:///path/to/file.db or postgresql://user@host/name"
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.host:
                raise SettingsError(f"[store] url {url} needs three slashes: sqlite:///path/to/file.db")
            if not parsed.database or parsed.database == ":memory:":
                raise SettingsError(f"[store] url {url} names no file: use sqlite:///path/to/file.db")
        case "postgresql":
            parsed = _plainly_secret(parsed.set(drivername="postgresql+psycopg"))
        case other:
            raise SettingsError(f"[store] url: {other} is not supported: use sqlite:///… or postgresql://…")
    return parsed


def _plainly_secret(url: sa.URL) -> sa.URL:
    """The same URL with a password that stood in its query, as libpq allows, where everybody looks for one."""
    given = url.query.get("password")
    return url.set(password=given).difference_update_query(["password"]) if isinstance(given, str) else url


def shown(url: sa.URL) -> str:
    """The URL for people: without its password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def database_file(url: sa.URL) -> Path | None:
    """Where an SQLite database lies, None for a server."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def require(url: str) -> None:
    """Raise `StoreError` where an SQLite database does not exist: to open it would make one."""
    file = database_file(parse(url))
    if file is not None and not file.is_file():
        told = "call this in the bot's folder, start a new bot once, or check bot.data_dir and [store] url"
        raise StoreError(f"there is no database at {file}: {told}")


def make_engine(url: sa.URL) -> sa.Engine:
    """An engine whose connections are ready for use; connects to nothing yet.

    Its errors keep a statement's values to themselves: people's words belong into no log.
    """
    if url.get_backend_name() != "sqlite":
        try:
            # What the URL says itself holds: connect_args would win over it.
            line = {name: value for name, value in _LINE.items() if name not in url.query}
            engine = sa.create_engine(url, pool_size=10, connect_args=line, hide_parameters=True)
        except ModuleNotFoundError:
            raise SettingsError("[store] url: postgresql needs psycopg; pip install 'botcore[postgres]'") from None
        event.listen(engine, "connect", _limit)
        return engine
    engine = sa.create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _limit(connection: Any, _: object) -> None:
    # Not as an option of the connection: PgBouncer refuses those.
    connection.execute(f"SET idle_in_transaction_session_timeout = {FROZEN_MS}")
    connection.commit()


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    # None: the driver begins no transactions of its own accord; `_begin` says which kind.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("botcore_reading", False)
    driver: Any = connection.connection.dbapi_connection  # SQLAlchemy's way to it costs as much as a message's INSERT
    # IMMEDIATE: a write that began as a read could not wait for another writer, it would fail.
    driver.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def reader(engine: sa.Engine) -> sa.Connection:
    """A connection that cannot write."""
    connection = engine.connect()
    if engine.dialect.name != "sqlite":
        return connection.execution_options(postgresql_readonly=True)
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA query_only = ON")
    return connection.execution_options(botcore_reading=True)
