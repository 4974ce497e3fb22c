"""What only a server has: other bots on it, tools of other versions, a password, a schema."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.store import Store, schema
from botcore.testing.clock import ManualClock
from tests.store.backup.conftest import BackUp, Restore
from tests.store.backup.test_archive import manifest, read, write
from tests.store.backup.test_round_trip import take_away
from tests.store.conftest import OpenStore
from tests.store.test_migrations import newer

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]


@pytest.mark.parametrize(
    ("home", "said"), [("data", "data is in use by"), ("other", "other connections use the database: stop every bot")]
)
async def test_a_restore_beside_a_bot_is_refused_wherever_that_one_lives(
    url: str, clock: ManualClock, tmp_path: Path, back_it_up: BackUp, restore_it: Restore, home: str, said: str
) -> None:
    async with Store(url, clock=clock, data_dir=tmp_path / home):
        back_it_up()
        with pytest.raises(StoreError, match=said):
            restore_it(force=True)


@pytest.fixture
def shared(url: str) -> Iterator[sa.Engine]:
    """Somebody else's use of the same schema."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


async def test_a_restore_leaves_what_others_have_in_the_schema_as_it_is(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, shared: sa.Engine
) -> None:
    run(shared, 'CREATE TABLE "Cats" (id serial, name text)', """INSERT INTO "Cats" (name) VALUES ('Tom')""")
    async with make_store():
        back_it_up()
    run(shared, """INSERT INTO "Cats" (name) VALUES ('Kim')""", "CREATE TABLE turns (id serial)")
    restore_it(force=True)
    run(shared, """INSERT INTO "Cats" (name) VALUES ('Ben')""", "INSERT INTO turns DEFAULT VALUES")
    with shared.connect() as connection:
        names = connection.exec_driver_sql('SELECT name FROM "Cats" ORDER BY id').scalars().all()
    assert names == ["Tom", "Kim", "Ben"]


async def test_what_others_have_in_the_schema_is_nothing_to_restore_over(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, shared: sa.Engine, url: str, tmp_path: Path
) -> None:
    async with make_store():
        back_it_up()
    take_away(url, tmp_path / "data")
    run(shared, "CREATE TABLE cats (id serial)")
    assert restore_it().kept == ()


async def test_a_restore_over_the_tables_of_a_newer_version_is_refused(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_store():
        back_it_up()
    with monkeypatch.context() as patched:
        patched.setattr(schema, "CORE", newer(tmp_path / "newer", "0900"))
        async with make_store():
            pass
    with pytest.raises(StoreError, match=r"the database was written by a newer botcore \(schema 0900.*: upgrade"):
        restore_it(force=True)


async def test_a_backup_of_another_schema_is_refused(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store():
        back_it_up()
    members = read(archive)
    manifest(namespace="elsewhere")(members)
    write(archive, members)
    with pytest.raises(StoreError, match="lie in the schema elsewhere, this bot's in test_"):
        restore_it(force=True)


async def test_a_backup_of_another_kind_is_refused(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store():
        back_it_up()
    members = read(archive)
    manifest(store="sqlite")(members)
    members[0][0].name = "database.sqlite"
    write(archive, members)
    with pytest.raises(StoreError, match="not what the manifest says"):
        restore_it(force=True)


def tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the programs of the machine are looked for instead."""
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    return tmp_path / "tools"


async def test_a_missing_tool_is_named_with_the_next_step(store: Store, back_it_up: BackUp, tools: Path) -> None:
    with pytest.raises(StoreError, match=r"pg_dump is not on the path: install .* \(Debian: postgresql-client-\d+\)"):
        back_it_up()


async def test_a_tool_older_than_the_server_is_named(store: Store, back_it_up: BackUp, tools: Path) -> None:
    tool(tools, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.1'")
    with pytest.raises(StoreError, match=r"pg_dump is of version 9, the server of \d+: install"):
        back_it_up()


async def test_no_password_stands_in_a_command_line_and_a_failure_is_one_line(
    store: Store, back_it_up: BackUp, url: str, tools: Path, tmp_path: Path
) -> None:
    tool(
        tools,
        "pg_dump",
        f"""[ "$1" = --version ] && echo 'pg_dump (PostgreSQL) 99' && exit 0
        echo "$@" > {tmp_path}/argv; echo "$PGPASSWORD" > {tmp_path}/password
        echo 'pg_dump: some hint' >&2; echo 'pg_dump: error: the server went away' >&2; exit 1""",
    )
    with pytest.raises(StoreError) as told:
        back_it_up(url=sa.make_url(url).set(password="hunter2").render_as_string(hide_password=False))
    assert str(told.value) == "pg_dump: error: the server went away"
    assert "hunter2" not in (tmp_path / "argv").read_text()
    assert (tmp_path / "password").read_text() == "hunter2\n"
