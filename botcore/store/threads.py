"""The store's own threads, and how writes share commits. What is written is none of their business.

    SQLite       one writer: a batch is what queued while the last commit ran, no timer; a SAVEPOINT per caller
    PostgreSQL   four writers, one transaction per caller: in a shared batch callers would hold each other's row locks
    both         readers, one transaction per caller

A caller who is cancelled only stops waiting: the write completes.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from botcore.errors import StoreError, StoreUnavailable
from botcore.store.faults import as_store_error, is_conflict, is_disconnect, is_read_only

__all__ = ["Crew", "Job", "batched", "each_alone", "read_only"]

log: logging.Logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_BATCH = 500
MAX_WAITING = 10_000
"""Callers; beyond, the disk cannot keep up and waiting longer helps nobody."""
ENDS = ("begin", "close", "commit", "rollback")
"""Methods of a connection that no caller's function may use: the transaction it is in is not its own."""


class Job(NamedTuple):
    """One caller's function and where its result goes."""

    fn: Callable[[sa.Connection], Any]
    future: "asyncio.Future[Any]"


class Outcome(NamedTuple):
    """A finished job; exactly one of value and error counts."""

    job: Job
    value: Any = None
    error: BaseException | None = None


Work = Callable[[sa.Connection, Sequence[Job]], list[Outcome]]


class Crew:
    """Threads that serve one queue, each with a connection of its own."""

    def __init__(
        self, name: str, connect: Callable[[], sa.Connection], work: Work, *, threads: int, batch: int
    ) -> None:
        self._connect = connect
        self._work = work
        self._batch = batch
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"botcore-store-{name}-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve callers of this loop."""
        self._loop, self._open = loop, True
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is queued, then end the threads. Blocks."""
        if not self._open:
            return
        self._open = False
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def run(self, fn: Callable[[sa.Connection], T]) -> T:
        """What ``fn`` returned, after its commit. Raises `StoreUnavailable`, or what ``fn`` raised."""
        if not self._open or self._loop is None:
            raise StoreUnavailable("the store is not open")
        if self._queue.qsize() >= MAX_WAITING:
            raise StoreUnavailable(f"{MAX_WAITING} writes are waiting for the disk: try again later")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(Job(fn, future))
        return await future

    def _serve(self) -> None:
        connection: sa.Connection | None = None
        while (jobs := self._take()) is not None:
            try:
                connection = connection or _lent(self._connect())
                outcomes = self._work(connection, jobs)
            except BaseException as error:
                outcomes = [Outcome(job, error=as_store_error(error)) for job in jobs]
                _drop(connection)
                connection = None
            self._deliver(outcomes)
        _drop(connection)

    def _take(self) -> list[Job] | None:
        """The next jobs, at most a batch; None when it is time to end."""
        first = self._queue.get()
        if first is None:
            return None
        jobs = [first]
        with suppress(Empty):
            while len(jobs) < self._batch:
                job = self._queue.get_nowait()
                if job is None:
                    self._queue.put(None)  # the end comes after this batch
                    break
                jobs.append(job)
        return jobs

    def _deliver(self, outcomes: list[Outcome]) -> None:
        """One wake-up of the loop for the whole batch."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is gone: nobody waits any more
            self._loop.call_soon_threadsafe(_settle, outcomes)


def _lent(connection: sa.Connection) -> sa.Connection:
    """The same connection, which refuses what would end other callers' work, too; here it is asked of its class."""
    for method in ENDS:
        setattr(connection, method, _refused)
    return connection


def _refused(*_: object, **__: object) -> None:
    raise StoreError(
        "what a function has done is committed when it returns, and undone when it raises: "
        f"leave out {', '.join(ENDS)}; what it tries and catches it tries in `with connection.begin_nested()`"
    )


def _drop(connection: sa.Connection | None) -> None:
    if connection is not None:
        with suppress(Exception):
            sa.Connection.close(connection)


def _settle(outcomes: list[Outcome]) -> None:
    for job, value, error in outcomes:
        if job.future.done():
            if error is not None:
                log.warning("a write failed after its caller was cancelled: %s", error)
        elif error is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)


# ------------------------------------------------------------------ the three ways to work


def batched(connection: sa.Connection, jobs: Sequence[Job]) -> list[Outcome]:
    """SQLite: one commit for all; each in a savepoint, so that one caller's failure leaves the others whole."""
    if len(jobs) == 1:
        return [_lone(connection, jobs[0])]
    transaction = sa.Connection.begin(connection)
    raw: Any = connection.connection.driver_connection
    try:
        outcomes = [_in_savepoint(connection, raw, job) for job in jobs]
        transaction.commit()
    except BaseException:
        _undo(transaction)
        raise
    return outcomes


def _lone(connection: sa.Connection, job: Job) -> Outcome:
    """Without a savepoint: what undoes a lone caller's work undoes the batch."""
    transaction = sa.Connection.begin(connection)
    try:
        outcome = Outcome(job, value=job.fn(connection))
        transaction.commit()
    except BaseException as error:
        _undo(transaction)
        if as_store_error(error) is not error:
            raise  # the file is the trouble: the next batch gets a new connection
        return Outcome(job, error=error)
    return outcome


def _in_savepoint(connection: sa.Connection, raw: Any, job: Job) -> Outcome:
    raw.execute("SAVEPOINT caller")  # begin_nested() would cost 70 µs a caller
    try:
        outcome = Outcome(job, value=job.fn(connection))
        if not raw.in_transaction:
            raise StoreUnavailable("the outcome is unknown: a function has ended the transaction of all")
    except BaseException as error:
        if not raw.in_transaction:
            # On a full disk SQLite rolls back everything, earlier callers included: the batch fails as one.
            raise
        raw.execute("ROLLBACK TO caller")
        outcome = Outcome(job, error=as_store_error(error))
    raw.execute("RELEASE caller")
    return outcome


def _undo(transaction: sa.RootTransaction) -> None:
    if transaction.is_active:  # a `Session` on the connection may have ended it
        transaction.rollback()


def each_alone(connection: sa.Connection, jobs: Sequence[Job]) -> list[Outcome]:
    """PostgreSQL: a transaction per caller, tried once more where the database asks for it or the line was cut."""
    return [_alone(connection, job) for job in jobs]


def _alone(connection: sa.Connection, job: Job, *, again: bool = True) -> Outcome:
    transaction = sa.Connection.begin(connection)
    try:
        value = job.fn(connection)
        _refuse_undone(connection)
    except BaseException as error:
        _roll_back(connection, transaction, error)
        if again and (is_conflict(error) or is_disconnect(error)):
            return _alone(connection, job, again=False)
        return Outcome(job, error=as_store_error(error))
    try:
        transaction.commit()
    except BaseException as error:
        _roll_back(connection, transaction, error)
        if again and is_conflict(error):
            return _alone(connection, job, again=False)
        return Outcome(job, error=as_store_error(error, in_commit=True))
    return Outcome(job, value=value)


def _refuse_undone(connection: sa.Connection) -> None:
    """PostgreSQL undoes the whole transaction of an error that was caught, and says nothing at COMMIT."""
    raw: Any = connection.connection.driver_connection
    if raw.info.transaction_status.name == "INERROR":
        raise StoreError("nothing was stored: catch an error of the database around `with connection.begin_nested()`")


def _roll_back(connection: sa.Connection, transaction: sa.RootTransaction, error: BaseException | None) -> None:
    if error is not None and is_disconnect(error):
        connection.invalidate()  # the next begin connects anew
    with suppress(exc.DBAPIError):
        transaction.rollback()


def read_only(connection: sa.Connection, jobs: Sequence[Job]) -> list[Outcome]:
    """Each caller reads in a transaction of its own, which is then dropped."""
    return [_read(connection, job) for job in jobs]


def _read(connection: sa.Connection, job: Job, *, again: bool = True) -> Outcome:
    transaction = sa.Connection.begin(connection)
    try:
        outcome = Outcome(job, value=job.fn(connection))
    except BaseException as error:
        outcome = Outcome(job, error=error)
    _roll_back(connection, transaction, outcome.error)
    if outcome.error is None:
        return outcome
    if again and (is_conflict(outcome.error) or is_disconnect(outcome.error)):
        return _read(connection, job, again=False)
    if is_read_only(outcome.error):
        return Outcome(job, error=StoreError("this was a read: use `write` to change anything"))
    return Outcome(job, error=as_store_error(outcome.error))
