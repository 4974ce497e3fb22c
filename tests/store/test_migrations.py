"""Migrations: the core's from empty to what `tables.py` says; a plugin's own, which nobody misses when it is gone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from botcore.errors import StoreError
from botcore.store import Store, schema
from botcore.store.tables import metadata
from tests.store.conftest import OpenStore
from tests.store.kit import answer, begin

STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade() -> None:
    {body}
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A plugin's first migration."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    step(folder, "0001", None, 'op.create_table("qa_document", sa.Column("id", sa.Integer, primary_key=True))')
    return folder


def step(folder: Path, revision: str, down: str | None, body: str) -> None:
    (folder / f"{revision}_step.py").write_text(STEP.format(revision=revision, down=down, body=body))


async def tables(store: Store) -> set[str]:
    return await store.read(lambda connection: set(sa.inspect(connection).get_table_names()))


async def test_the_migrations_make_the_tables_as_written(store: Store) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    assert await store.read(differences) == []


async def test_a_second_start_changes_nothing(make_store: OpenStore) -> None:
    async with make_store() as store:
        await begin(store)
    async with make_store() as store:
        assert (await store.counts())["running"] == 1


async def test_a_plugin_has_its_own_migrations(store: Store, scripts: Path) -> None:
    await store.migrate("qa", scripts)
    assert {"qa_document", "alembic_version_qa"} <= await tables(store)
    step(scripts, "0002", "0001", 'op.add_column("qa_document", sa.Column("title", sa.Text))')
    await store.migrate("qa", scripts)
    await store.migrate("qa", scripts)
    await store.write(lambda c: c.exec_driver_sql("INSERT INTO qa_document (id, title) VALUES (1, 'x')"))


async def test_a_removed_plugin_is_not_missed(make_store: OpenStore, scripts: Path) -> None:
    async with make_store() as store:
        await store.migrate("qa", scripts)
    shutil.rmtree(scripts)
    async with make_store() as store:
        await begin(store)
        assert "qa_document" in await tables(store)


async def test_two_plugins_do_not_meet(store: Store, scripts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    step(other, "0001", None, 'op.create_table("memory_fact", sa.Column("id", sa.Integer, primary_key=True))')
    await store.migrate("qa", scripts)
    await store.migrate("memory", other)
    assert {"qa_document", "memory_fact"} <= await tables(store)


async def test_a_migration_that_fails_leaves_nothing_behind(store: Store, scripts: Path) -> None:
    step(scripts, "0002", "0001", 'op.execute("SELECT * FROM nowhere")')
    with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        await store.migrate("qa", scripts)
    assert not {"qa_document", "alembic_version_qa"} & await tables(store)


async def test_an_older_plugin_on_newer_tables_is_told(store: Store, scripts: Path) -> None:
    step(scripts, "0002", "0001", "pass")
    await store.migrate("qa", scripts)
    (scripts / "0002_step.py").unlink()
    with pytest.raises(StoreError, match="a newer version of qa"):
        await store.migrate("qa", scripts)


async def test_a_table_that_another_plugin_has_is_told(store: Store, scripts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    step(other, "0001", None, 'op.create_table("qa_document", sa.Column("id", sa.Integer, primary_key=True))')
    await store.migrate("qa", scripts)
    with pytest.raises(StoreError, match=r"the migrations of memory: .*already exists; its tables must be .* memory_…"):
        await store.migrate("memory", other)


async def test_a_table_without_its_plugins_prefix_is_refused_and_not_made(store: Store, scripts: Path) -> None:
    with pytest.raises(StoreError, match=r"of memory make or drop qa_document; its tables must .* memory_…"):
        await store.migrate("memory", scripts)
    assert not {"qa_document", "alembic_version_memory"} & await tables(store)


async def test_a_migration_drops_no_table_of_others(store: Store, scripts: Path) -> None:
    step(scripts, "0002", "0001", 'op.drop_table("inbox")')  # as `alembic revision --autogenerate` writes it
    with pytest.raises(StoreError, match=r"the migrations of qa make or drop inbox; its tables must .* qa_…"):
        await store.migrate("qa", scripts)
    assert "inbox" in await tables(store)


async def test_a_folder_of_migrations_may_be_a_text(store: Store, scripts: Path) -> None:
    await store.migrate("qa", str(scripts))  # type: ignore[arg-type]
    assert "qa_document" in await tables(store)


async def test_two_plugins_of_one_name_are_warned_of(
    store: Store, scripts: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other"
    shutil.copytree(scripts, other)
    await store.migrate("qa", scripts)
    await store.migrate("qa", other)
    assert f"two plugins call their tables qa: {scripts} and {other}" in caplog.text


async def test_a_revision_unlike_its_files_name_is_told_before_it_counts(store: Store, scripts: Path) -> None:
    (scripts / "0002_more.py").write_text(STEP.format(revision="more", down="0001", body="pass"))
    with pytest.raises(StoreError, match="the file 0002_… must say revision = '0002', it says 'more'"):
        await store.migrate("qa", scripts)
    assert "qa_document" not in await tables(store)


@pytest.mark.filterwarnings("ignore:Revision 0002 referenced")  # alembic says it, and fails with a KeyError
@pytest.mark.parametrize(("revision", "down"), [("0002", None), ("0003", "0002")])
async def test_migrations_that_do_not_follow_each_other_are_told(
    store: Store, scripts: Path, revision: str, down: str | None
) -> None:
    step(scripts, revision, down, "pass")
    with pytest.raises(StoreError, match="no line of migrations; each down_revision names the one before"):
        await store.migrate("qa", scripts)


@pytest.mark.parametrize(
    ("without", "told"),
    [("down_revision", "there is no down_revision in it"), ("def upgrade", "there is no upgrade in it")],
)
async def test_a_file_that_lacks_a_part_is_told_by_name(store: Store, scripts: Path, without: str, told: str) -> None:
    step(scripts, "0002", "0001", "pass")
    file = scripts / "0002_step.py"
    file.write_text(file.read_text().replace(without, f"{without}s"))
    with pytest.raises(StoreError, match=f"{file.name}: {told}"):
        await store.migrate("qa", scripts)
    assert "qa_document" not in await tables(store)


@pytest.mark.parametrize("kind", ["async def upgrade() -> None:\n    pass", "def upgrade():\n    yield"])
async def test_an_upgrade_that_would_run_nothing_does_not_count_as_done(store: Store, scripts: Path, kind: str) -> None:
    step(scripts, "0002", "0001", "pass")
    file = scripts / "0002_step.py"
    file.write_text(file.read_text().replace("def upgrade() -> None:\n    pass", kind))
    with pytest.raises(StoreError, match=f"{file.name}: upgrade must be a plain def"):
        await store.migrate("qa", scripts)
    assert "qa_document" not in await tables(store)


async def test_an_async_function_is_refused_before_anybody_waits_for_it(store: Store) -> None:
    async def later(connection: sa.Connection) -> None:
        return None

    for way in (store.write, store.read):
        with pytest.raises(TypeError, match="the database takes a plain def"):
            await way(later)


async def test_an_error_keeps_peoples_words_to_itself(store: Store) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised:
        await store.write(lambda c: c.execute(sa.text("INSERT INTO nowhere VALUES (:said)"), {"said": "my secret"}))
    assert "my secret" not in str(raised.value)


def newer(folder: Path, revision: str) -> Path:
    """The core's migrations and one more, which adds to every table on a message's path."""
    shutil.copytree(schema.CORE, folder)
    down = max(file.name.partition("_")[0] for file in folder.glob("[0-9]*_*.py"))
    columns = "".join(
        f'op.add_column("{table}", sa.Column("later", sa.Text, nullable=False, server_default=""))\n    '
        for table in ("conversation", "inbox", "turn", "outbox", "feedback")
    )
    step(folder, revision, down, columns + 'op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))')
    return folder


async def test_an_older_process_works_on_beside_a_newer_one_and_may_be_started_again(
    make_store: OpenStore, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_store("older") as older:
        await answer(older, await begin(older, "before"))
        monkeypatch.setattr(schema, "CORE", newer(tmp_path / "newer", "0900"))
        if older.dialect == "postgresql":
            async with make_store("newer") as store:
                assert "later" in await tables(older)
                await answer(older, await begin(older, "beside"))
                await answer(store, await begin(store, "with the newer one"))
    async with make_store("newer") as store:
        assert "later" in await tables(store)
    monkeypatch.undo()
    async with make_store("older again") as store:
        await answer(store, await begin(store, "afterwards"))
    assert "the schema of a newer botcore (0900" in caplog.text


async def test_an_older_process_refuses_a_schema_that_was_not_only_added_to(
    make_store: OpenStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "CORE", newer(tmp_path / "newer", "1001"))
    async with make_store():
        pass
    monkeypatch.undo()
    with pytest.raises(StoreError, match="written by a newer botcore"):
        async with make_store():
            pass


async def test_a_folder_without_migrations_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no migrations in"):
        await store.migrate("qa", tmp_path)


def test_alembic_is_not_loaded_for_a_database_that_is_up_to_date(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom botcore.clock import SystemClock\n"
        "from botcore.store import Store\n"
        "async def main():\n"
        f"    async with Store('sqlite:///{tmp_path}/x.db', clock=SystemClock(), data_dir=Path('{tmp_path}')):\n"
        "        print('alembic' in sys.modules)\n"
        "asyncio.run(main())\n"
    )
    said = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]
