"""PostgreSQL's own tools, called so that no secret stands in their command line, and what they say in one line.

The connection goes to libpq in a service file of a private folder, https://www.postgresql.org/docs/current/libpq-pgservice.html,
the password in the child's environment. Only the bot's tables are dumped and replaced, so that what others keep in the
same database, or even in the same schema, stays theirs.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.errors import StoreError
from botcore.store import moved, schema
from botcore.store.backup.archive import Report
from botcore.store.backup.contents import Counts, look
from botcore.store.engines import make_engine, shown
from botcore.store.faults import one_line

__all__ = ["Server", "serving"]

_SCHEMA_ITSELF = re.compile(r"\d+; \d+ \d+ (?:COMMENT - |ACL - )?SCHEMA\b")
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""
_LOOKS = 5
"""At who else is there, 0.2 s apart: a connection that was closed just now may still be on its way out."""


class Server:
    """One database of a server, with the tools to dump and restore it; ``folder`` is private to us."""

    def __init__(self, connection: sa.Connection, url: sa.URL, folder: Path) -> None:
        self._connection, self._folder = connection, folder
        with connection.begin():
            self.namespace: str = connection.exec_driver_sql("SELECT current_schema()").scalar() or ""
            """The schema the bot's tables lie in."""
            self._version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
        if not self.namespace:
            raise StoreError(f"{shown(url)} has no schema to work in: create one, or set search_path in [store] url")
        self._environ = _environ(connection, url, folder)

    def dump(self, target: Path) -> tuple[dict[str, str], Counts]:
        """Write the dump; returns revisions and counts of the very snapshot that was dumped."""
        tool = self._tool("pg_dump")
        connection = self._connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")  # the tool takes its time
            snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar()
            found = look(connection)
            tables = (f"--table={self._quoted(table)}" for table in schema.ours(connection))
            # Uncompressed: the archive around it is compressed.
            self._run(
                tool, "--format=custom", "--compress=0", "--lock-wait-timeout=10s", *tables,
                f"--snapshot={snapshot}", f"--file={target}", "--dbname=service=botcore",
            )  # fmt: skip
        return found

    def restore(self, dump: Path, old: Sequence[str]) -> Counts:
        """Put the dump in the place of the tables ``old``, in one transaction; returns the counts afterwards.

        Those go whether the dump has them or not: a later schema may have more, and its migration makes them again.
        """
        wanted, script = self._folder / "wanted", self._folder / "script.sql"
        wanted.write_text("\n".join(self._listed(dump)))
        self._run(
            self._tool("pg_restore"), "--no-owner", "--no-privileges", "--clean", "--if-exists",
            f"--use-list={wanted}", f"--file={script}", str(dump),
        )  # fmt: skip
        self._run(
            self._tool("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--single-transaction",
            "--set=ON_ERROR_STOP=1", *(f"--command={drop}" for drop in self._drops(old)), f"--file={script}",
            "--dbname=service=botcore",
        )  # fmt: skip
        with self._connection.begin():
            return look(self._connection)[1]

    def move(self, file: Path, old: Sequence[str], report: Report) -> Counts:
        """As `restore`, but from an SQLite database. A plugin's rows wait there until it runs its migrations."""
        with self._connection.begin():
            for limit in ("idle_in_transaction_session_timeout", "statement_timeout"):
                self._connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
            for drop in self._drops(old):
                self._connection.exec_driver_sql(drop)
            moved.fetch(file, self._connection, report)
            report("bringing it up to date", 0, 0)
            schema.migrate(self._connection, "", schema.CORE)
            return look(self._connection)[1]

    def _drops(self, tables: Sequence[str]) -> Iterator[str]:
        if tables:
            yield f"DROP TABLE {', '.join(map(self._quoted, tables))}"

    def _quoted(self, table: str) -> str:
        """The table's name as SQL has it, and pg_dump a pattern that means no other."""
        return ".".join('"' + name.replace('"', '""') + '"' for name in (self.namespace, table))

    def _listed(self, dump: Path) -> Iterator[str]:
        """What is in the dump, but for the schema itself, which is there already."""
        for line in self._run(self._tool("pg_restore"), "--list", str(dump)).splitlines():
            if not _SCHEMA_ITSELF.match(line):
                yield line

    def check(self, dump: Path) -> None:
        """Raise `StoreError` where pg_restore cannot read the dump."""
        list(self._listed(dump))

    def tables(self, names: Iterable[str]) -> list[str]:
        """The bot's tables that are there, those of these plugins and others. Raises `StoreError` for newer ones."""
        with self._connection.begin():
            current = schema.revisions(self._connection).get("core", "")
            schema.refuse_newer(current, "", schema.CORE, "the database")
            return schema.ours(self._connection, names)

    def refuse_others(self) -> None:
        """Raise `StoreError` where another connection uses the database: bots, on whatever machine, hold some."""
        others = 0
        for _ in range(_LOOKS):
            with self._connection.begin():
                others = self._connection.exec_driver_sql(_OTHERS).scalar_one()
                if not others:
                    return
                self._connection.exec_driver_sql("SELECT pg_sleep(0.2)")
        raise StoreError(f"{others} other connections use the database: stop every bot that works with it first")

    def refuse_other_namespace(self, namespace: str) -> None:
        """Raise `StoreError` where the tables of a backup would not come to where the bot looks for them."""
        if namespace != self.namespace:
            raise StoreError(
                f"the backup's tables lie in the schema {namespace}, this bot's in {self.namespace}: "
                "set search_path in [store] url"
            )

    def _tool(self, name: str) -> str:
        """The path of a tool that is new enough for this server."""
        major = self._version
        path = shutil.which(name)
        needed = f"install PostgreSQL's client programs of version {major} (Debian: postgresql-client-{major})"
        if path is None:
            raise StoreError(f"{name} is not on the path: {needed}")
        found = re.search(r"\d+", self._run(path, "--version"))
        if found is None or int(found[0]) < major:
            raise StoreError(f"{path} is of version {found[0] if found else '?'}, the server of {major}: {needed}")
        return path

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        if done.returncode:
            raise StoreError(_said(done.stderr) or f"{Path(command[0]).name} ended with status {done.returncode}")
        return done.stdout


@contextmanager
def serving(url: sa.URL, folder: Path) -> Iterator[Server]:
    """The server behind ``url``. Raises `StoreError` where it cannot be reached."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            yield Server(connection, url, folder)
    except exc.DBAPIError as error:
        raise StoreError(f"{shown(url)}: {one_line(error)}") from None
    finally:
        engine.dispose()


def _environ(connection: sa.Connection, url: sa.URL, folder: Path) -> Mapping[str, str]:
    """The child's environment: where the service file is, and the password."""
    _, given = connection.dialect.create_connect_args(url)
    password = given.pop("password", None)
    known = {key: value for key, value in given.items() if isinstance(value, str | int)}  # the rest is psycopg's own
    service = folder / "service"
    service.touch(mode=0o600)
    service.write_text("[botcore]\n" + "".join(f"{key}={value}\n" for key, value in known.items()))
    environ = os.environ | {"PGSERVICEFILE": str(service), "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C"}
    return environ if password is None else environ | {"PGPASSWORD": str(password)}


def _said(stderr: str) -> str:
    """The first complaint of a tool."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line.lower()), lines[0] if lines else "")
