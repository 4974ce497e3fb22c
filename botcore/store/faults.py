"""What a driver's error means: nothing stored (try again), outcome unknown, or the caller's own mistake."""

import sqlite3
from typing import Any

from sqlalchemy import exc

from botcore.errors import StoreUnavailable

__all__ = ["as_store_error", "is_conflict", "is_disconnect", "is_read_only", "one_line"]

# Result codes of https://sqlite.org/rescode.html that are about the file, not about the statement.
_FILE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_NOMEM,
}
# Serialization failure and deadlock: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
_CONFLICTS = {"40001", "40P01"}
# SQLSTATEs that end the connection: its own class, a server that stops, a transaction that lasted too long.
_GONE = ("08", "57P", "25P03", "25P04")
# Classes of SQLSTATE that are about the server: connection, resources, operator intervention, system, read-only, locks.
_SERVER_CLASSES = ("08", "53", "57", "58", "25006", "55P03")


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, with or without SQLAlchemy's clothes."""
    return error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error


def _state(error: BaseException) -> str | None:
    """PostgreSQL's SQLSTATE; "" where the server could not say one, None where this is no error of psycopg's."""
    cause: Any = _cause(error)
    return (cause.sqlstate or "") if hasattr(cause, "sqlstate") else None


def one_line(error: BaseException) -> str:
    """The driver's own words, without the statement and its values."""
    cause = _cause(error)
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def is_conflict(error: BaseException) -> bool:
    """PostgreSQL asks for the same transaction again."""
    return _state(error) in _CONFLICTS


def is_disconnect(error: BaseException) -> bool:
    """The connection is gone."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    state = _state(error)
    return state is not None and (state.startswith(_GONE) or (state == "" and _is_operational(error)))


def _is_operational(error: BaseException) -> bool:
    # psycopg is an extra: its classes are known here only by name.
    return any(base.__name__ == "OperationalError" for base in type(_cause(error)).__mro__)


def is_read_only(error: BaseException) -> bool:
    """Somebody wrote where only reading is allowed."""
    return _sqlite_code(error) == sqlite3.SQLITE_READONLY or _state(error) == "25006"


def _sqlite_code(error: BaseException) -> int:
    return int(getattr(_cause(error), "sqlite_errorcode", 0)) & 0xFF


def as_store_error(error: BaseException, *, in_commit: bool = False) -> BaseException:
    """`StoreUnavailable` where the database is the trouble; the error itself where the caller is."""
    if in_commit and is_disconnect(error):
        what = "the connection broke during COMMIT, the outcome is unknown"
    elif _database_is_the_trouble(error):
        what = "nothing was stored"
    else:
        return error
    unavailable = StoreUnavailable(f"{what}: {one_line(error)}")
    unavailable.__cause__ = error
    return unavailable


def _database_is_the_trouble(error: BaseException) -> bool:
    if _sqlite_code(error) in _FILE_CODES or is_disconnect(error):
        return True
    return (_state(error) or "").startswith((*_CONFLICTS, *_SERVER_CLASSES))
