"""The bundled plugins in a whole bot, and a store with the index in it: on SQLite, on PostgreSQL where there is one."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

import botcore_qa
from botcore.store import Store
from botcore.testing import ManualClock
from tests.store.conftest import own_schema, postgres

Ingest = Callable[..., Awaitable[botcore_qa.Summary]]
HANDBOOK = Path(__file__).with_name("handbook")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Both databases, one after the other."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store/botcore.db"
        return
    with own_schema(postgres()) as url:
        yield url


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with the tables of the qa plugin."""
    async with Store(url, clock=ManualClock(), data_dir=tmp_path / "store") as opened:
        await opened.migrate("qa", botcore_qa.MIGRATIONS)
        yield opened


@pytest.fixture
def ingest() -> Ingest:
    """`botcore_qa.ingest` at a time that stands still."""
    return partial(botcore_qa.ingest, clock=ManualClock())


@asynccontextmanager
async def held(store: Store, work: Callable[[sa.Connection], object]) -> AsyncIterator[None]:
    """While this is entered, ``work`` is done, but not committed."""
    done, release = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        work(connection)
        done.set()
        assert release.wait(20)

    async with asyncio.TaskGroup() as group:
        group.create_task(store.write(hold), name="holds what it wrote")
        assert await asyncio.to_thread(done.wait, 20)
        try:
            yield
        finally:
            release.set()


def readers() -> list[int]:
    """Our children that read a document now."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split() if is_reader(int(pid))]


def is_reader(pid: int) -> bool:
    try:
        return b"botcore_qa.reader" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # it has ended meanwhile
