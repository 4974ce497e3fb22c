"""What a driver's error means: nothing stored (try again), outcome unknown, or the caller's own mistake."""

import sqlite3

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
# Classes of SQLSTATE that are about the server: connection, resources, operator intervention, system, read-only.
_SERVER_CLASSES = ("08", "53", "57", "58", "25006")


def one_line(error: BaseException) -> str:
    """The driver's own words, without the statement and its values."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def is_conflict(error: BaseException) -> bool:
    """PostgreSQL asks for the same transaction again."""
    return isinstance(error, exc.DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONFLICTS


def is_disconnect(error: BaseException) -> bool:
    """The connection is gone."""
    return isinstance(error, exc.DBAPIError) and error.connection_invalidated


def is_read_only(error: BaseException) -> bool:
    """Somebody wrote where only reading is allowed."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    return (
        getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
        or getattr(cause, "sqlstate", None) == "25006"
    )


def as_store_error(error: BaseException, *, in_commit: bool = False) -> BaseException:
    """`StoreUnavailable` where the database is the trouble; the error itself where the caller is."""
    if in_commit and is_disconnect(error):
        unknown = StoreUnavailable(f"the connection broke during COMMIT, the outcome is unknown: {one_line(error)}")
        unknown.__cause__ = error
        return unknown
    if not _database_is_the_trouble(error):
        return error
    unavailable = StoreUnavailable(f"nothing was stored: {one_line(error)}")
    unavailable.__cause__ = error
    return unavailable


def _database_is_the_trouble(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        cause: BaseException | None = error
    elif isinstance(error, exc.DBAPIError):
        cause = error.orig
    else:
        return False
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _FILE_CODES
    state = getattr(cause, "sqlstate", None) or ""
    return is_disconnect(error) or is_conflict(error) or state.startswith(_SERVER_CLASSES) or not state
