"""A backup beside a running bot, a restore beside one, and what either leaves where it fails."""
# ruff: noqa: ASYNC240 - nobody else waits for these loops

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path, PurePosixPath

import pytest

from botcore.errors import StoreError, StoreUnavailable
from botcore.store import Store
from botcore.store.backup import back_up, sqlite
from botcore.store.backup.kept import keeps, kept_files
from botcore.testing.clock import ManualClock
from tests.store.backup.conftest import BackUp, Restore, silent
from tests.store.backup.test_round_trip import listing, texts
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin, say


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/botcore.db"


async def test_a_backup_shows_one_moment_and_holds_up_no_writer(
    store: Store, back_it_up: BackUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await answer(store, await begin(store, "before"))
    monkeypatch.setattr(sqlite, "PAGES", 1)
    slices = []
    with closing(sqlite3.connect(tmp_path / "data" / "botcore.db", timeout=0, isolation_level=None)) as busy:

        def write(what: str, done: int, total: int) -> None:
            if what == "copying":  # the bot writes between any two slices: it would begin again for ever
                slices.append(done)
                busy.execute("INSERT INTO turn (id) VALUES (?)", [len(slices)])

        made = back_it_up(report=write)
    assert len(slices) > 10
    assert slices == sorted(slices)
    assert made.counts["exchanges"] == 1


async def test_an_archive_is_its_owners_alone_and_replaces_nothing(
    store: Store, back_it_up: BackUp, archive: Path
) -> None:
    back_it_up()
    assert archive.stat().st_mode & 0o777 == 0o600
    first = archive.read_bytes()
    with pytest.raises(StoreError, match="exists; give another name, or --force"):
        back_it_up(now=60)
    assert archive.read_bytes() == first
    back_it_up(now=60, force=True)
    assert archive.read_bytes() != first


@pytest.mark.parametrize("spoil", ["gone", "no database", "damaged", "not ours"])
async def test_a_backup_that_fails_leaves_nothing(
    spoil: str, make_store: OpenStore, back_it_up: BackUp, archive: Path, tmp_path: Path
) -> None:
    async with make_store() as store:
        for n in range(50):
            await say(store, "x" * 2000, chat=f"c{n}")
    file = tmp_path / "data" / "botcore.db"
    if spoil == "gone":
        file.unlink()
    elif spoil == "no database":
        file.write_bytes(b"no database at all" * 100)
    elif spoil == "damaged":
        with file.open("r+b") as open_file:
            open_file.seek(4096 * 3)
            open_file.write(b"\xff" * 4096 * 20)
    else:
        file.unlink()
        sqlite3.connect(file).execute("CREATE TABLE cats (name)").connection.close()
    with pytest.raises(StoreError) as told:
        back_it_up()
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_a_place_that_cannot_be_written_is_named(store: Store, url: str, tmp_path: Path) -> None:
    for place, told in ((tmp_path, "is a folder"), (tmp_path / "no" / "x.tar.gz", "there is no folder .*no to write")):
        with pytest.raises(StoreError, match=told):
            back_up(url, tmp_path / "data", place, version="1", now=0, report=silent)


async def test_a_restore_beside_a_running_bot_is_refused_and_says_where_it_runs(
    store: Store, back_it_up: BackUp, restore_it: Restore
) -> None:
    back_it_up()
    store.note_address("http://127.0.0.1:8080")
    with pytest.raises(StoreUnavailable, match=r"in use by another botcore \(process \d+\) at http://127.0.0.1:8080"):
        restore_it(force=True)


async def test_a_restore_that_fails_half_way_takes_everything_back(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path
) -> None:
    web = tmp_path / "data" / "web"
    web.mkdir(parents=True)
    (web / "plan.pdf").write_text("old")
    async with make_store() as store:
        back_it_up()
        await answer(store, await begin(store, "precious"))
    (web / "plan.pdf").write_text("new")
    (tmp_path / "data" / "botcore.db.before-restore-19700101T000000Z").touch()
    before = listing(tmp_path / "data")
    with pytest.raises(StoreError, match="exists: wait a second and restore again"):
        restore_it(force=True)
    assert listing(tmp_path / "data") == before
    async with make_store() as store:
        assert await texts(store) == ["precious", "hello"]


async def test_a_damaged_database_is_kept_as_it_is_and_its_wal_is_not_taken_for_the_new_ones(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path
) -> None:
    async with make_store() as store:
        await answer(store, await begin(store, "good"))
        back_it_up()
    file = tmp_path / "data" / "botcore.db"
    file.write_bytes(b"rubbish")
    file.with_name("botcore.db-wal").write_bytes(b"its own")
    [kept] = restore_it(force=True).kept
    assert kept.read_bytes() == b"rubbish"
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"its own"
    async with make_store() as store:
        assert await texts(store) == ["good", "hello"]


async def test_a_database_that_lies_elsewhere_is_restored_there(
    archive: Path, tmp_path: Path, clock: ManualClock
) -> None:
    url = f"sqlite:///{tmp_path}/data/db/x.db"  # below data_dir, as if it were a plugin's
    async with Store(url, clock=clock, data_dir=tmp_path / "data") as store:
        await answer(store, await begin(store, "good"))
        made = back_up(url, tmp_path / "data", archive, version="1", now=0, report=silent)
    assert made.files == 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("web/uploads/plan.pdf", True),
        ("slack/x-files/log.txt", True),
        ("web/aVisitorWhoseIdIs-wal/chat/1-cache", True),
        ("web/run/1-plan.before-restore-x.pdf", True),
        ("botcore.db", False),
        ("lock", False),
        ("run/engine.sock", False),
        ("logs/engine.log", False),
        ("engine-env/bin/python", False),
        ("models/owner--tiny/config.json", False),
        ("backups/monday.tar.gz", False),
        ("incoming/attachment-x", False),
        ("web/cache/thumb.png", False),
        ("web/x.lock", False),
        ("web/x.sock", False),
        ("web/x.part", False),
        ("web/.hidden", False),
        (".restore-abc/files/web/x", False),
        ("web.before-restore-19700101T000000Z/plan.pdf", False),
    ],
)
def test_what_belongs_into_a_backup(name: str, kept: bool, tmp_path: Path) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert keeps(PurePosixPath(name)) is kept
    assert [str(path) for path, _ in kept_files(tmp_path, None)] == ([name] if kept else [])


def test_links_and_pipes_do_not_belong_into_a_backup(tmp_path: Path, url: str) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "link").symlink_to("/etc/passwd")
    (tmp_path / "web" / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "web" / "pipe")
    assert list(kept_files(tmp_path, None)) == []


async def test_what_a_killed_bot_left_in_the_wal_is_in_the_backup_and_in_what_is_kept(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path, archive: Path
) -> None:
    data, killed = tmp_path / "data", tmp_path / "killed"
    async with make_store() as store:
        await answer(store, await begin(store, "hi"))
        shutil.copytree(data, killed)  # as after kill -9: nothing was brought from the WAL into the file
    shutil.rmtree(data)
    killed.rename(data)
    assert (data / "botcore.db-wal").stat().st_size
    assert back_it_up().counts["exchanges"] == 1
    [kept] = restore_it(force=True).kept
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT count(*) FROM turn").fetchone() == (1,)
