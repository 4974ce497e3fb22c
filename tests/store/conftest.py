"""Stores to test: SQLite always, PostgreSQL where BOTCORE_TEST_POSTGRES names a server (a schema for each test)."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.store import Store
from botcore.testing.clock import ManualClock

OpenStore = Callable[..., Store]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/botcore.db"
        return
    with own_schema(postgres()) as url:
        yield url


def postgres() -> sa.URL:
    """The server to test with; each test process has a database of its own there, for a restore wants it to itself."""
    server = os.environ.get("BOTCORE_TEST_POSTGRES")
    if not server:
        pytest.skip("BOTCORE_TEST_POSTGRES names no server")
    url, worker = sa.make_url(server), os.environ.get("PYTEST_XDIST_WORKER")
    return _own_database(url, f"botcore_{worker}") if worker else url


def _own_database(server: sa.URL, name: str) -> sa.URL:
    engine = sa.create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, suppress(sa.exc.ProgrammingError):  # it is there already
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.set(database=name)


class own_schema:
    """A schema for one test, gone afterwards."""

    def __init__(self, server: sa.URL) -> None:
        self._name = f"test_{secrets.token_hex(6)}"
        self._url = server.update_query_dict({"options": f"-csearch_path={self._name}"})
        self._engine = sa.create_engine(server.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)

    def __enter__(self) -> str:
        self._run(f"CREATE SCHEMA {self._name}")
        return self._url.render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP SCHEMA {self._name} CASCADE")

    def _run(self, statement: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
def make_store(url: str, clock: ManualClock, tmp_path: Path) -> OpenStore:
    """A store on this test's database, not yet opened."""

    def make(owner: str | None = None) -> Store:
        return Store(url, clock=clock, data_dir=tmp_path / "data", owner=owner)

    return make


@pytest.fixture
async def store(make_store: OpenStore) -> AsyncIterator[Store]:
    async with make_store("one") as store:
        yield store


@pytest.fixture
async def other(make_store: OpenStore, store: Store) -> AsyncIterator[Store]:
    """Another process on the same database; on SQLite, where there can be none, another owner in the same one."""
    async with AsyncExitStack() as stack:
        if store.dialect == "sqlite":
            yield _SameProcess(store, "two")
        else:
            yield await stack.enter_async_context(make_store("two"))


class _SameProcess(Store):
    """Shares an open store's threads under another owner's name."""

    def __init__(self, store: Store, owner: str) -> None:
        self.__dict__.update(store.__dict__)
        self.owner = owner
