"""The one database: open it, close it, run functions on the store's own threads. No table is known here."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, nullcontext, suppress
from functools import partial
from pathlib import Path
from types import CoroutineType
from typing import Concatenate, Literal, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.clock import Clock
from botcore.errors import StoreError, StoreUnavailable
from botcore.store import schema
from botcore.store.engines import database_file, make_engine, parse, reader, shown
from botcore.store.faults import as_store_error, one_line
from botcore.store.locks import locks_of, refuse_network_file_system
from botcore.store.notices import Notice, listen
from botcore.store.seat import Former, Seat
from botcore.store.threads import MAX_BATCH, Crew, batched, each_alone, read_only
from botcore.store.trouble import Trouble

__all__ = ["Database"]

P = ParamSpec("P")
T = TypeVar("T")
log: logging.Logger = logging.getLogger(__name__)


class Database:
    """Threads, transactions, migrations. ``url`` is where it lies, without the password."""

    url: str
    dialect: Literal["sqlite", "postgresql"]
    owner: str
    """This run of this process, in leases."""

    def __init__(self, url: str, *, clock: Clock, data_dir: Path, owner: str | None = None, alone: bool = True) -> None:
        """``alone=False`` visits the database of a bot that may be running: no lock is taken, no lease touched."""
        self._parsed = parse(url)
        self._clock = clock
        self._file = database_file(self._parsed)
        self._locks = locks_of(self._file, data_dir) if alone else ()
        self._seat = Seat(data_dir) if alone else None
        self.former: Former = Former()
        """The process that was here before and never left properly."""
        self._engine: sa.Engine | None = None
        self._crews: tuple[Crew, ...] = ()
        self._trouble = Trouble(clock)
        self._migrated = dict[str, Path]()
        self.url = shown(self._parsed)
        self.dialect = "postgresql" if self._file is None else "sqlite"
        self.owner = owner or secrets.token_hex(8)

    async def __aenter__(self) -> Self:
        """Lock, connect, migrate, start the threads. Raises `StoreUnavailable` or `StoreError` with the next step."""
        await asyncio.to_thread(self._open)  # file locks and the first connection block
        loop = asyncio.get_running_loop()
        for crew in self._crews:
            crew.start(loop)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what was queued, close the files, let the next process in."""
        await asyncio.to_thread(self._close)  # waits for the last commit

    async def write(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``fn(connection, …)`` after its transaction was committed.

        ``fn`` is synchronous, does no I/O, takes < 5 ms and may be run twice; what it tries and catches, it tries in
        ``connection.begin_nested()``. Raises `StoreUnavailable` where nothing was stored (or, saying so, where the
        outcome is unknown). Cancellation only ends the waiting.
        """
        try:
            result = await self._crew(0).run(lambda connection: fn(connection, *args, **kwargs))
        except StoreUnavailable as error:
            self._trouble.met(error)
            raise
        if self._trouble.now:
            self._trouble.passed()
        return _plain(result)

    async def read(self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``fn(connection, …)``, which only reads."""
        return _plain(await self._crew(1).run(lambda connection: fn(connection, *args, **kwargs)))

    async def notices(self) -> AsyncGenerator[Notice, None]:
        """What any process commits from now on, for ever; ends at once with SQLite, where there is no other process."""
        if self.dialect == "postgresql" and self._engine is not None:
            async with aclosing(listen(self._engine, self._clock)) as notices:
                async for notice in notices:
                    yield notice

    async def checkpoint(self) -> None:
        """Bring what the write-ahead log holds into the file and empty it, as far as readers let us. SQLite only."""
        if self._file is not None and self._engine is not None:
            await asyncio.to_thread(_checkpoint, self._engine)  # waits for whoever reads

    async def migrate(self, name: str, scripts: Path) -> None:
        """Bring a plugin's tables up to date by the files in ``scripts``, counted in ``alembic_version_<name>``."""
        if not name.isidentifier():
            raise StoreError(f"{name!r} cannot name a version table: use letters, digits and _")
        scripts = Path(scripts)  # a str is what many have at hand
        if self._migrated.setdefault(name, scripts) != scripts:
            log.warning("two plugins call their tables %s: %s and %s", name, self._migrated[name], scripts)
        await self.write(schema.migrate, name, scripts)

    async def unclaimed(self) -> list[str]:
        """What plugins called the tables they have here, of those that did not ask for them (`migrate`) this time."""
        return sorted({*await self.read(schema.revisions)} - {"core", *self._migrated})

    def note_address(self, address: str) -> None:
        """What a second start on the same data_dir is told."""
        for lock in self._locks:
            lock.note(address)

    def _crew(self, index: int) -> Crew:
        if not self._crews:
            raise StoreUnavailable("the store is not open")
        return self._crews[index]

    def _open(self) -> None:
        try:
            self._acquire()
            if self._seat:
                self.former = self._seat.find()
            self._engine = make_engine(self._parsed)
            self._prepare(self._engine)
        except BaseException:
            self._close()
            raise
        if self._seat:
            self._seat.take(self.owner)
        self._crews = self._hire(self._engine)

    def _acquire(self) -> None:
        # On a server several processes may share a data_dir: the first of them is found there.
        with nullcontext() if self._file else suppress(StoreUnavailable):
            for lock in self._locks:
                lock.acquire()
        if self._file is not None:
            _make(self._file)

    def _prepare(self, engine: sa.Engine) -> None:
        try:
            with engine.begin() as connection:
                schema.migrate(connection, "", schema.CORE)
                self._opened(connection)
        except Exception as error:
            if not isinstance(as_store_error(error), StoreUnavailable | exc.DBAPIError):
                raise
            raise StoreUnavailable(f"cannot open {self.url}: {one_line(error)}") from error

    def _opened(self, connection: sa.Connection) -> None:
        """For whoever knows the tables: a first look, before anybody else's."""

    def _hire(self, engine: sa.Engine) -> tuple[Crew, Crew]:
        if self.dialect == "sqlite":
            writers = Crew("write", engine.connect, batched, threads=1, batch=MAX_BATCH)
        else:
            writers = Crew("write", engine.connect, each_alone, threads=4, batch=1)
        return writers, Crew("read", partial(reader, engine), read_only, threads=2, batch=1)

    def _close(self) -> None:
        for crew in self._crews:
            crew.stop()
        self._crews = ()
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        if self._seat:
            self._seat.leave()
        for lock in self._locks:
            lock.release()


def _make(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        refuse_network_file_system(file)
        if not file.exists():
            file.touch(mode=0o600)  # SQLite gives what it writes beside it the same mode
    except OSError as error:
        raise StoreUnavailable(f"cannot write to {file.parent}: {error.strerror}") from None


def _checkpoint(engine: sa.Engine) -> None:
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _plain(result: T) -> T:
    """``result``; of an async function it is a coroutine, and nothing has been done."""
    if isinstance(result, CoroutineType):
        result.close()
        raise TypeError("the database takes a plain def: it runs on a thread of its own, where nothing is awaited")
    return result
