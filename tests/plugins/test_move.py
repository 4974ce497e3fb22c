"""What the bundled plugins and channels keep comes along from SQLite to PostgreSQL, and is as good there."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import botcore_qa
from botcore.store import Store
from botcore.store.backup import back_up, restore
from botcore.testing import ManualClock
from botcore_finetune import examples
from botcore_telegram import moves
from tests.plugins.conftest import HANDBOOK, Ingest
from tests.plugins.test_qa_ingest import found

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]

MIGRATIONS = {"qa": botcore_qa.MIGRATIONS, "ft": examples.MIGRATIONS, "telegram": moves.MIGRATIONS}
QUESTION = "How many days of holiday do I get?"


async def opened(store: Store) -> Store:
    for name, scripts in MIGRATIONS.items():
        await store.migrate(name, scripts)
    return store


def fill(connection: sa.Connection) -> None:
    """A row in each table that has none yet."""
    known = sa.MetaData()
    known.reflect(connection, only=[table for table in sa.inspect(connection).get_table_names() if "fts" not in table])
    for table in known.sorted_tables:
        if (
            table.name.startswith(tuple(f"{name}_" for name in MIGRATIONS))
            and not connection.execute(table.select()).all()
        ):
            connection.execute(table.insert().values({column.name: sample(column) for column in table.columns}))


def sample(column: "sa.Column[Any]") -> object:
    kind = column.type.python_type
    return bytes(range(256)) if kind is bytes else kind(7)


def rows(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """All that plugins keep, but for what each database makes of it for itself."""
    tables = [
        table for table in sa.inspect(connection).get_table_names() if table.startswith(("qa_", "ft_", "telegram_"))
    ]
    found = {
        table: connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()
        for table in tables
        if "fts" not in table
    }
    return {
        table: sorted(({name: row[name] for name in row if name != "words"} for row in all), key=repr)
        for table, all in found.items()
    }


async def test_documents_examples_and_moved_groups_come_along(url: str, tmp_path: Path, ingest: Ingest) -> None:
    archive, data, small = tmp_path / "bot.tar.gz", tmp_path / "data", f"sqlite:///{tmp_path}/data/botcore.db"
    told: Any = {"version": "1", "now": 0, "report": lambda *_: None}
    async with Store(small, clock=ManualClock(), data_dir=data) as store:
        await opened(store)
        await ingest(store, [HANDBOOK])
        sources = await found(store, QUESTION)
        await store.write(fill)
        before = await store.read(rows)
        assert all(before.values())
        back_up(small, data, archive, **told)
    assert restore(archive, url, data, **told).follow == ("ft", "qa", "telegram")
    async with Store(url, clock=ManualClock(), data_dir=data) as store:
        await opened(store)
        assert await store.read(rows) == before
        assert sources
        assert await found(store, QUESTION) == sources
        (tmp_path / "more.md").write_text("# More\n\nThe archive is in the basement.")
        await ingest(store, [tmp_path / "more.md"])
        assert await found(store, "Where is the archive?") == ["more.md"]
