"""Opening: who has it, where it lies, what is wrong, in one line each."""

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.clock import Clock
from botcore.errors import SettingsError, StoreError, StoreUnavailable
from botcore.store import Store
from botcore.store.engines import make_engine, parse, shown
from botcore.store.locks import refuse_network_file_system
from tests.disk import no_more_than
from tests.store.conftest import OpenStore
from tests.store.kit import begin


def at(folder: Path, clock: Clock, file: str = "x.db") -> Store:
    return Store(f"sqlite:///{folder}/{file}", clock=clock, data_dir=folder)


async def test_a_second_start_is_told_where_the_first_one_runs(tmp_path: Path, clock: Clock) -> None:
    async with at(tmp_path, clock) as first:
        first.note_address("http://127.0.0.1:8080")
        with pytest.raises(StoreUnavailable) as told:
            async with at(tmp_path, clock):
                pass
    assert str(told.value) == (
        f"{tmp_path} is in use by another botcore (process {os.getpid()}) at http://127.0.0.1:8080; "
        "stop that one first, or give this one another data_dir"
    )
    async with at(tmp_path, clock):  # the refused start broke nothing, the closed one left nothing
        pass


async def test_one_file_is_not_opened_from_two_folders(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path}/shared/x.db"
    async with Store(url, clock=clock, data_dir=tmp_path / "a"):
        with pytest.raises(StoreUnavailable, match="in use"):
            async with Store(url, clock=clock, data_dir=tmp_path / "b"):
                pass


async def test_folders_are_made(tmp_path: Path, clock: Clock) -> None:
    async with at(tmp_path / "not" / "yet", clock) as store:
        await begin(store)


async def test_what_people_wrote_is_for_the_bots_user_alone(tmp_path: Path, clock: Clock) -> None:
    async with at(tmp_path, clock) as store:
        await begin(store)
        assert modes(tmp_path) == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob("x.db*")}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://x/y", "mysql is not supported"),
        ("postgresql://user:secret@host:port/name", "not a database URL"),
        ("sqlite://", "names no file"),
        ("sqlite://data/botcore.db", "three slashes"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_wrong_url_says_what_is_wrong(url: str, said: str, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(SettingsError, match=said):
        Store(url, clock=clock, data_dir=tmp_path)


async def test_a_server_that_is_not_there(tmp_path: Path, clock: Clock) -> None:
    store = Store("postgres://bot:secret@/bot?host=/nonexistent", clock=clock, data_dir=tmp_path)
    assert store.dialect == "postgresql"
    assert "secret" not in store.url
    with pytest.raises(StoreUnavailable, match=r"cannot open postgresql://bot:\*\*\*@") as told:
        async with store:
            pass
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_line_to_the_server_that_went_dead_is_noticed_within_a_minute_or_as_the_url_says() -> None:
    def asked(url: str) -> dict[str, Any]:
        engine, found = make_engine(parse(url)), dict[str, Any]()

        @sa.event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
            found.update(parameters)
            raise ConnectionRefusedError

        with pytest.raises(ConnectionRefusedError):
            engine.connect()
        return found

    usual = asked("postgresql://db.example/bot")
    assert usual["keepalives_idle"] + usual["keepalives_interval"] * usual["keepalives_count"] < 60
    assert usual["tcp_user_timeout"] < 60_000
    assert usual["connect_timeout"] == 10
    assert asked("postgresql://db.example/bot?connect_timeout=3")["connect_timeout"] == "3"


def test_a_password_in_the_urls_query_is_one_and_is_not_shown() -> None:
    url = parse("postgresql://me@db/bot?password=hunter2&sslmode=require")
    assert url.password == "hunter2"
    assert shown(url) == "postgresql://me:***@db/bot?sslmode=require"


async def test_a_file_that_is_no_database(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "x.db").write_text("not a database, but long enough to be looked at " * 10)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        async with at(tmp_path, clock):
            pass


async def test_a_folder_that_cannot_be_made(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot write to"):
        async with at(tmp_path / "file" / "data", clock):
            pass


async def test_a_disk_without_room_is_told_in_one_line_and_leaves_no_lock_behind(tmp_path: Path, clock: Clock) -> None:
    async with at(tmp_path, clock):
        pass
    with no_more_than(0), pytest.raises(StoreUnavailable, match=r"cannot open sqlite:///\S+/x.db: disk I/O error"):
        async with at(tmp_path, clock):
            pass
    async with at(tmp_path, clock):
        pass


async def test_who_leaves_a_disk_without_room_leaves_it_properly(tmp_path: Path, clock: Clock) -> None:
    async with at(tmp_path, clock) as store:
        with no_more_than(0):
            store.note_address("http://127.0.0.1:8080")
    assert (tmp_path / "lock").read_text() == ""


async def test_a_visitor_is_told_of_a_folder_that_cannot_be_made_as_well(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot write to"):
        async with Store(
            f"sqlite:///{tmp_path}/file/data/x.db", clock=clock, data_dir=tmp_path / "file" / "data", alone=False
        ):
            pass


async def test_a_newer_database_is_refused(make_store: OpenStore) -> None:
    async with make_store() as store:
        await store.write(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match="written by a newer botcore"):
        async with make_store():
            pass


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /mnt/share nfs4 rw 0 0
/dev/vdb /mnt/share/local ext4 rw 0 0
//box/with /mnt/with\\040space cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("/srv", ""),
        ("/mnt/share/data", "nfs4"),
        ("/mnt/share/local", ""),
        ("/mnt/shared", ""),
        ("/mnt/with space", "cifs"),
    ],
)
def test_a_network_file_system_is_refused(folder: str, refused: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    file = Path(folder) / "x.db"
    if not refused:
        refuse_network_file_system(file, mounts)
        return
    with pytest.raises(StoreUnavailable, match=rf"network file system \({refused}\)"):
        refuse_network_file_system(file, mounts)
