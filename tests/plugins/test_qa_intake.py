"""A reading that ends early, in whatever way, leaves nothing that looks as if it were going on."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.store import Store
from botcore.testing import ManualClock, until
from botcore_qa import QASettings, index
from botcore_qa.documents import Found
from botcore_qa.intake import Intake, Step
from tests.documents import prose
from tests.plugins.conftest import held

SCOPE = "person/web//ana"


@pytest.fixture
def book(tmp_path: Path) -> Found:
    file = tmp_path / "book.txt"
    file.write_text("\n\n".join(prose(number) for number in range(100)))
    return Found(path="book.txt", source="book.txt", file=file)


def intake(store: Store) -> Intake:
    return Intake(database=store, settings=QASettings(), clock=ManualClock(), origin="upload", scope=SCOPE)


async def states(store: Store) -> list[str]:
    query = "SELECT state FROM qa_document"
    return await store.read(lambda connection: [*connection.exec_driver_sql(query).scalars()])


async def test_a_failure_in_the_middle_is_told_and_the_document_leaves(store: Store, book: Found) -> None:
    def fails(_: Step) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await intake(store).take(book, None, fails)
    assert await states(store) == ["leaving"]


async def test_cancelled_in_the_middle_the_document_leaves(store: Store, book: Found) -> None:
    async def read() -> None:
        task = asyncio.current_task()
        assert task
        await intake(store).take(book, None, lambda _: (task.cancel(), None)[1])

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(read())
    assert await states(store) == ["leaving"]


async def test_cancelled_while_it_begins_the_document_leaves(store: Store, book: Found) -> None:
    def lock(connection: sa.Connection) -> None:
        if store.dialect == "postgresql":  # on SQLite there is one writer
            connection.exec_driver_sql("LOCK TABLE qa_document")

    async with held(store, lock):
        reading = asyncio.create_task(intake(store).take(book, None, lambda _: None))
        await until(lambda: "qa begins a document" in {task.get_name() for task in asyncio.all_tasks()})
        reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await states(store) == ["leaving"]


async def test_passages_on_their_way_count_for_all_together(store: Store) -> None:
    document = index.Document(path="a", source="a", title="a", hash="h", origin="upload", scope=SCOPE)
    id = await store.write(partial(index.begin, document=document))
    row = index.Row(heading="a", body="b", heading_stems="a", body_stems="b", page=0)
    await store.write(partial(index.add, id=id, scope=SCOPE, place=0, rows=[row] * 30))
    await store.write(partial(index.add, id=id, scope=SCOPE, place=30, rows=[row] * 12))
    assert await store.read(index.uploaded) == 42
