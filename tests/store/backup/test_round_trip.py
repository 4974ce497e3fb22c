"""What was backed up is what is there after a restore, on both databases."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.store import Store, schema
from botcore.store.tables import metadata
from botcore.testing.clock import ManualClock
from tests.store.backup.conftest import BackUp, Restore
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, feedback, place, send_one
from tests.store.test_migrations import newer, step


async def texts(store: Store) -> list[str]:
    return [entry.text for entry in await store.history(place().key)]


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def take_away(url: str, data_dir: Path) -> None:
    """As on a new machine: no file, no table."""
    if url.startswith("sqlite"):
        shutil.rmtree(data_dir)
        return
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            connection.exec_driver_sql(f"DROP TABLE {table}")


async def test_a_restore_brings_back_what_was_backed_up_and_keeps_what_was_there(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path
) -> None:
    upload = tmp_path / "data" / "web" / "uploads" / "plan.pdf"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"first plan")
    async with make_store() as store:
        claim = await begin(store, "before")
        await answer(store, claim, "yes")
        await store.accept([feedback(1, reply=claim.turn)])
        made = back_it_up()  # while it is open
        await answer(store, await begin(store, "after"), "no")
    upload.write_bytes(b"second plan")
    (upload.parent / "late.pdf").touch()

    done = restore_it(force=True)

    assert made.counts == done.counts == {
        "conversations": 1, "exchanges": 1, "judgements": 1, "waiting": 0, "unsent": 0,
    }  # fmt: skip
    assert upload.read_bytes() == b"first plan"
    assert not (upload.parent / "late.pdf").exists()
    async with make_store() as store:
        assert await texts(store) == ["before", "yes"]
        await answer(store, await begin(store, "go on"), "gladly")
    assert all(path.exists() for path in done.kept)
    assert len(done.kept) == 2
    assert b"second plan" in listing(tmp_path / "data").values()


async def test_a_restore_can_be_undone(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store() as store:
        back_it_up()
        await answer(store, await begin(store, "precious"), "indeed")
    kept = next(path for path in restore_it(force=True).kept if "web" not in path.name)
    if kept.name.endswith(".tar.gz"):
        kept.rename(archive)
        restore_it(force=True, now=60)
    else:
        kept.rename(kept.with_name("botcore.db"))
    async with make_store() as store:
        assert await texts(store) == ["precious", "indeed"]


async def test_a_restore_into_nothing_needs_no_force_and_keeps_nothing(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, url: str, tmp_path: Path
) -> None:
    async with make_store() as store:
        await answer(store, await begin(store, "hi"))
        back_it_up()
    take_away(url, tmp_path / "data")
    assert restore_it().kept == ()
    async with make_store() as store:
        assert await texts(store) == ["hi", "hello"]


async def test_a_backup_from_before_an_upgrade_is_upgraded_again(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    step(scripts, "0001", None, 'op.create_table("qa_document", sa.Column("id", sa.Integer, primary_key=True))')
    async with make_store() as store:
        await answer(store, await begin(store, "before"))
        await store.migrate("qa", scripts)
        back_it_up()
    monkeypatch.setattr(schema, "CORE", newer(tmp_path / "newer", "0900"))
    later = sa.MetaData()
    monkeypatch.setattr(schema, "metadata", later)
    for table in (*metadata.tables.values(), sa.Table("later", sa.MetaData())):
        table.to_metadata(later)
    line = 'sa.Column("document", sa.Integer, sa.ForeignKey("qa_document.id"), primary_key=True)'
    step(scripts, "0002", "0001", f'op.create_table("qa_line", {line})')
    async with make_store() as store:
        await store.migrate("qa", scripts)

    restore_it(force=True)

    async with make_store() as store:
        await store.migrate("qa", scripts)
        assert await texts(store) == ["before", "hello"]


async def test_without_force_nothing_is_replaced(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path
) -> None:
    async with make_store():
        back_it_up()
    before = listing(tmp_path / "data")
    with pytest.raises(StoreError, match="is there already; --force restores over it"):
        restore_it()
    assert listing(tmp_path / "data") == before


async def test_a_part_that_was_in_the_air_is_settled_by_the_next_start(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, clock: ManualClock
) -> None:
    async with make_store("one") as store:
        await send_one(store, await begin(store))
        back_it_up()
    assert restore_it(force=True).counts["unsent"] == 1
    async with make_store("two") as store:
        await clock.advance(60)  # on PostgreSQL no lock says that the one who sent is gone: its lease does
        claim = await store.claim_next()
    assert claim is not None
    assert [row.state for row in claim.parts] == ["uncertain"]
