"""What only a server has: other bots on it, tools of other versions, a password, a schema."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.store import Store
from tests.store.backup.conftest import BackUp, Restore
from tests.store.backup.test_archive import manifest, read, write
from tests.store.conftest import OpenStore

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]


async def test_a_restore_beside_another_bot_is_refused(store: Store, back_it_up: BackUp, restore_it: Restore) -> None:
    back_it_up()
    with pytest.raises(StoreError, match="other connections use the database: stop every bot"):
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
