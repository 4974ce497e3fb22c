"""A backup of SQLite restored on PostgreSQL: everything is there, and goes on."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.errors import StoreError, StoreUnavailable
from botcore.store import Store, schema
from botcore.store.backup import restore
from botcore.store.tables import metadata
from botcore.testing.clock import ManualClock
from tests.store.backup.conftest import BackUp, Restore, silent
from tests.store.backup.test_round_trip import listing, texts
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, feedback, place, say, send_one
from tests.store.test_migrations import newer, step, tables

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]

Save = Callable[[], object]
Patch = pytest.MonkeyPatch
TALLY = """op.create_table(
        "tally_board", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(8), nullable=False),
        sqlite_autoincrement=True)
    op.create_table(
        "tally_a_mark", sa.Column("board", sa.Integer, sa.ForeignKey("tally_board.id"), primary_key=True),
        sa.Column("good", sa.Boolean), sa.Column("more", sa.JSON), sa.Column("vector", sa.LargeBinary),
        sa.Column("share", sa.Double), sa.Column("at", sa.DateTime), sa.Column("cost", sa.Numeric(10, 2)))
    op.bulk_insert(sa.table("tally_board", sa.column("name")), [{"name": "first"}])"""
MARK = sa.table(
    "tally_a_mark",
    *map(
        sa.column,
        ("board", "good", "more", "vector", "share", "at", "cost"),
        (sa.Integer, sa.Boolean, sa.JSON, sa.LargeBinary, sa.Double, sa.DateTime, sa.Numeric(10, 2)),
    ),
)


@pytest.fixture
def small(tmp_path: Path, clock: ManualClock) -> OpenStore:
    """The store on SQLite that the bot had so far."""

    def make(owner: str | None = None) -> Store:
        return Store(f"sqlite:///{tmp_path}/data/botcore.db", clock=clock, data_dir=tmp_path / "data", owner=owner)

    return make


@pytest.fixture
def save(back_it_up: BackUp, tmp_path: Path) -> Save:
    """Make a backup of that."""
    return lambda: back_it_up(url=f"sqlite:///{tmp_path}/data/botcore.db")


@pytest.fixture
def tally(tmp_path: Path) -> Path:
    """The migrations of a plugin."""
    folder = tmp_path / "tally"
    folder.mkdir()
    step(folder, "0001", None, TALLY)
    return folder


def rows(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All there is of the core, but for what each start writes."""
    tables = [table for table in metadata.sorted_tables if table.name != "probe"]
    return {table.name: sorted(tuple(row) for row in connection.execute(sa.select(table))) for table in tables}


async def marks(store: Store) -> list[Any]:
    found = await store.read(lambda connection: connection.execute(sa.select(MARK)).all())
    return [row._asdict() for row in found]


async def waiting(store: Store) -> set[str]:
    """Tables whose rows are not where they belong yet."""
    return {table for table in await tables(store) if table.startswith("botcore_moved")}


async def test_every_row_is_the_same_afterwards(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore
) -> None:
    async with small() as store:
        claim = await begin(store, "Grüße \U0001f600 \\N \\x41 \t\n 'quoted' {}")
        await answer(store, claim, "yes")
        await store.accept([feedback(1, reply=claim.turn, comment="100 %")])
        await send_one(store, await begin(store, "in the air", chat="c2"))
        await store.dead_letter(channel="slack", account="", event_id="x", payload="{", reason="no text")
        save()
        before = await store.read(rows)
    done = restore_it()
    assert done.counts == {"conversations": 2, "exchanges": 2, "judgements": 1, "waiting": 0, "unsent": 1}
    assert (done.kept, done.follow) == ((), ())
    async with make_store() as store:
        assert await store.read(rows) == before
        assert await waiting(store) == set()


async def test_conversations_go_on_and_no_number_comes_back(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore
) -> None:
    async with small() as store:
        await answer(store, await begin(store, "before"), "yes")
        await say(store, "the second message", chat="c2")
        await store.forget(place("c2").key)
        save()
    restore_it()
    async with make_store() as store:
        await answer(store, await begin(store, "go on"), "gladly")
        assert await texts(store) == ["before", "yes", "go on", "gladly"]
        assert await store.read(lambda c: c.exec_driver_sql("SELECT max(id) FROM inbox").scalar_one()) == 3


async def test_a_plugins_rows_follow_when_it_comes_whatever_their_types_are(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tally: Path
) -> None:
    mark = {
        "board": 2, "good": True, "more": {"a": [1, None, "\u00e9"]}, "vector": bytes(range(256)),
        "share": 0.1 + 0.2, "at": datetime(2026, 1, 2, 3, 4, 5, 678901), "cost": Decimal("12.50"),
    }  # fmt: skip
    async with small() as store:
        await store.migrate("tally", tally)
        await store.write(lambda c: c.exec_driver_sql("UPDATE tally_board SET id = 2, name = 'nul' || char(0)"))
        await store.write(lambda c: c.execute(sa.insert(MARK), mark))
        await store.write(lambda c: c.exec_driver_sql("CREATE VIRTUAL TABLE tally_find USING fts5(body)"))
        save()
    assert restore_it().follow == ("tally",)
    step(tally, "0002", "0001", "op.execute('UPDATE tally_a_mark SET share = share * 2')")
    async with make_store() as store:
        assert await waiting(store) >= {"botcore_moved_tally_board", "botcore_moved_tally_a_mark"}
        await store.migrate("tally", tally)
        assert await marks(store) == [mark | {"share": 0.6000000000000001}]
        assert await waiting(store) == set()
        await store.write(lambda c: c.exec_driver_sql("INSERT INTO tally_board (name) VALUES ('next')"))
        boards = await store.read(lambda c: c.exec_driver_sql("SELECT id, name FROM tally_board ORDER BY id").all())
        assert boards == [(2, "nul\ufffd"), (3, "next")]


async def test_rows_that_do_not_fit_keep_waiting_and_say_why(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tally: Path
) -> None:
    async with small() as store:
        await store.migrate("tally", tally)
        await store.write(lambda c: c.exec_driver_sql("UPDATE tally_board SET name = 'longer than eight'"))
        save()
    restore_it()
    async with make_store() as store:
        with pytest.raises(sa.exc.DataError, match="too long for type character varying"):
            await store.migrate("tally", tally)
        assert "botcore_moved_tally_board" in await waiting(store)
        assert "tally_board" not in await tables(store)


async def test_an_older_plugin_does_not_take_the_rows_of_a_newer_one(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tally: Path
) -> None:
    step(tally, "0002", "0001", "pass")
    async with small() as store:
        await store.migrate("tally", tally)
        save()
    restore_it()
    (tally / "0002_step.py").unlink()
    async with make_store() as store:
        with pytest.raises(StoreError, match=r"written by a newer version of tally \(schema 0002"):
            await store.migrate("tally", tally)


async def test_a_backup_of_an_older_version_is_brought_up_to_date(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tmp_path: Path, monkeypatch: Patch
) -> None:
    async with small() as store:
        await answer(store, await begin(store, "before"), "yes")
        save()
    monkeypatch.setattr(schema, "CORE", newer(tmp_path / "newer", "0900"))
    restore_it()
    async with make_store() as store:
        assert await texts(store) == ["before", "yes"]
        assert "later" in await tables(store)


async def test_what_waits_is_in_a_backup_and_goes_with_the_next_restore(
    small: OpenStore, make_store: OpenStore, save: Save, back_it_up: BackUp, restore_it: Restore, tally: Path
) -> None:
    async with small() as store:
        await store.migrate("tally", tally)
        save()
    restore_it()
    back_it_up(force=True)
    restore_it(force=True)
    async with make_store() as store:
        await store.migrate("tally", tally)
        assert await store.read(lambda c: c.exec_driver_sql("SELECT name FROM tally_board").scalar_one()) == "first"


async def test_what_is_there_is_replaced_only_by_force_and_kept(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tmp_path: Path
) -> None:
    async with small() as store:
        await answer(store, await begin(store, "small"), "yes")
        save()
    async with make_store() as store:
        await answer(store, await begin(store, "big"), "indeed")
    before = listing(tmp_path / "data")
    with pytest.raises(StoreError, match=r"the table .* is there already; --force restores over it"):
        restore_it()
    assert listing(tmp_path / "data") == before
    [kept] = restore_it(force=True).kept
    assert kept.name.endswith(".tar.gz")
    async with make_store() as store:
        assert await texts(store) == ["small", "yes"]


async def test_a_move_beside_the_bot_on_sqlite_is_refused(small: OpenStore, save: Save, restore_it: Restore) -> None:
    async with small():
        save()
        with pytest.raises(StoreUnavailable, match="in use by another botcore"):
            restore_it(force=True)


async def test_a_move_that_fails_takes_everything_back(
    small: OpenStore, make_store: OpenStore, save: Save, restore_it: Restore, tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "data" / "web").mkdir(parents=True)
    (tmp_path / "data" / "web" / "plan.pdf").write_text("old")
    async with small() as store:
        await answer(store, await begin(store, "small"), "yes")
        save()
    async with make_store() as store:
        await answer(store, await begin(store, "precious"), "indeed")
    (tmp_path / "data" / "web" / "plan.pdf").write_text("new")

    def full(table: str, done: int, total: int) -> None:
        if table == "moving turn":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_it(force=True, report=full)
    assert (tmp_path / "data" / "web" / "plan.pdf").read_text() == "new"
    async with make_store() as store:
        assert await texts(store) == ["precious", "indeed"]
        assert await waiting(store) == set()


async def test_there_is_no_way_back_to_sqlite(
    make_store: OpenStore, back_it_up: BackUp, archive: Path, tmp_path: Path
) -> None:
    async with make_store():
        back_it_up()
    small = f"sqlite:///{tmp_path}/small/botcore.db"
    with pytest.raises(StoreError, match="one of PostgreSQL: there is no way from there to SQLite"):
        restore(archive, small, tmp_path / "small", version="1", now=0, report=silent)
