"""An archive that is not sound, not ours, or wants to write elsewhere changes nothing and says why in one line."""
# ruff: noqa: ASYNC240 - nobody else waits for these loops

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from botcore.errors import StoreError
from tests.store.backup.conftest import BackUp, Restore
from tests.store.backup.test_round_trip import listing
from tests.store.conftest import OpenStore

Members = list[tuple[tarfile.TarInfo, bytes]]
Change = Callable[[Members], None]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/botcore.db"


def read(archive: Path) -> Members:
    with tarfile.open(archive) as tar:
        return [(info, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]


def write(archive: Path, members: Members) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))


def more(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Change:
    def change(members: Members) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        members.insert(0, (info, b"owned"))

    return change


def manifest(**changes: object) -> Change:
    def change(members: Members) -> None:
        info, data = members[-1]
        members[-1] = (info, json.dumps(json.loads(data) | changes).encode())

    return change


def spoil(members: Members) -> None:
    info, data = members[0]
    members[0] = (info, data[:5000] + b"!" + data[5001:])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (more("../../evil"), "which no backup of botcore does"),
        (more("/evil"), "which no backup of botcore does"),
        (more("files/../evil"), "which no backup of botcore does"),
        (more("files/web/../../evil"), "which no backup of botcore does"),
        (more("files/web/./evil"), "which no backup of botcore does"),
        (more("files/evil"), "which no backup of botcore does"),
        (more("files/run/engine.sock"), "which no backup of botcore does"),
        (more("lock"), "which no backup of botcore does"),
        (more("files/web/link", tarfile.SYMTYPE, "/etc"), "which no backup of botcore does"),
        (more("files/web/link", tarfile.LNKTYPE, "database.sqlite"), "which no backup of botcore does"),
        (more("files/web/pipe", tarfile.FIFOTYPE), "which no backup of botcore does"),
        (more("files/web", tarfile.DIRTYPE), "which no backup of botcore does"),
        (more("files/web/sparse", tarfile.GNUTYPE_SPARSE), "no backup"),
        (more("files/web/extra"), "files/web/extra is not what the manifest says"),
        (more("database.sqlite"), "'database.sqlite' twice"),
        (lambda members: members.pop(0), "database.sqlite is not what the manifest says"),
        (lambda members: members.pop(-1), "has no manifest"),
        (spoil, "database.sqlite is not what the manifest says"),
        (manifest(members=[]), "database.sqlite is not what the manifest says"),
        (manifest(members="all"), "manifest is not one of botcore's: members"),
        (manifest(format=2, botcore="9.9"), r"made by a newer botcore \(9.9\): upgrade first"),
        (manifest(store="postgresql"), "holds no database"),
    ],
)
async def test_a_forged_or_damaged_archive_is_refused(
    change: Change, told: str, make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store():
        back_it_up()
    members = read(archive)
    change(members)
    write(archive, members)
    await refused(restore_it, archive.parent, told)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
async def test_an_archive_that_was_cut_off_is_refused(
    part: float, make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store():
        back_it_up()
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * part)])
    await refused(restore_it, archive.parent, "no backup|no manifest")


async def test_what_is_no_archive_is_refused(restore_it: Restore, archive: Path) -> None:
    archive.write_bytes(b"SQLite format 3\x00 but not a tar")
    await refused(restore_it, archive.parent, "is no backup, or was cut off or damaged")
    archive.unlink()
    await refused(restore_it, archive.parent, "there is no such file")


async def test_an_archive_of_a_newer_schema_is_refused(
    make_store: OpenStore, back_it_up: BackUp, restore_it: Restore, archive: Path
) -> None:
    async with make_store() as store:
        await store.write(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
        back_it_up()
    await refused(restore_it, archive.parent, r"the backup was written by a newer botcore \(schema 9999.*upgrade")


async def refused(restore_it: Restore, folder: Path, told: str) -> None:
    before = listing(folder)
    with pytest.raises(StoreError, match=told) as error:
        restore_it(force=True)
    assert "\n" not in str(error.value)
    assert listing(folder) | {"data/lock": b""} == before | {"data/lock": b""}
