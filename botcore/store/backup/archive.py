"""The archive: a gzipped tar of plain files, and last a manifest with what each must be.

    database.sqlite | database.pgdump     the database
    files/<name>/…                        what plugins and channels keep below data_dir
    manifest.json                         last: an archive that was cut off has none

Reading trusts nothing: no links, no paths that lead out, no name twice, every byte as the manifest says.
"""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from botcore.errors import StoreError
from botcore.store.backup.kept import keeps

__all__ = ["DATABASE", "FILES", "Archive", "Manifest", "Member", "Report", "unpack"]

Report = Callable[[str, int, int], None]
"""Told what is being worked on, and how many of how many bytes are done (0 of 0 = nobody knows)."""

FORMAT = 1
DATABASE = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
FILES = "files"
_MANIFEST = "manifest.json"
_MANIFEST_LIMIT = 64 << 20
"""Bytes: the names of about 400,000 files."""
_LEVEL = 1
"""Of gzip: the bot beside it needs the processor more than the archive needs the last tenth of its size."""
_BLOCK = 1 << 20


class Member(BaseModel, frozen=True):
    """One file of the archive."""

    name: str
    size: int
    sha256: str


class Manifest(BaseModel):
    """What an archive holds, and what made it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    format: int = FORMAT
    botcore: str
    """The version that made it."""
    made_at: float
    """Unix seconds."""
    store: Literal["sqlite", "postgresql"]
    namespace: str = ""
    """The schema of PostgreSQL that the tables lie in."""
    revisions: dict[str, str]
    """Of the tables: ``core``, and what plugins call theirs."""
    counts: dict[str, int]
    members: tuple[Member, ...] = ()

    @property
    def files(self) -> int:
        """How many files of plugins and channels there are."""
        return sum(member.name.startswith(f"{FILES}/") for member in self.members)


class Archive:
    """An archive that is being written to an open file."""

    def __init__(self, file: IO[bytes], report: Report) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL)  # noqa: SIM115 - `finish` closes it
        self._report = report
        self._members = list[Member]()

    def add(self, name: str, path: Path) -> None:
        """Add a file as it is now; one that is gone meanwhile is left out."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            info = _info(name, os.fstat(file.fileno()).st_size)
            watched = _Watched(file, lambda done: self._report(name, done, info.size))
            self._tar.addfile(info, watched)
        self._members.append(Member(name=name, size=info.size, sha256=watched.digest()))

    def finish(self, manifest: Manifest) -> Manifest:
        """The manifest with all that was added, written as the archive's end."""
        whole = manifest.model_copy(update={"members": tuple(self._members)})
        data = whole.model_dump_json(indent=1).encode()
        self._tar.addfile(_info(_MANIFEST, len(data)), BytesIO(data))
        self._tar.close()
        return whole


def unpack(archive: Path, into: Path, report: Report) -> Manifest:
    """The manifest of an archive whose members now lie below ``into`` and are what it says.

    Raises `StoreError` for an archive that is cut off, damaged, not ours, or wants to write elsewhere.
    """
    try:
        with archive.open("rb") as raw, gzip.open(raw) as plain, tarfile.open(fileobj=plain, mode="r:") as tar:
            found, manifest = _members(tar, into, lambda: report("unpacking", raw.tell(), archive.stat().st_size))
            while plain.read(_BLOCK):  # to the end, where gzip's own sum is checked
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StoreError(f"{archive} is no backup, or was cut off or damaged: {error}") from None
    if manifest is None:
        raise StoreError(f"{archive} has no manifest: it is no backup of botcore, or was cut off")
    _agree(archive, found, manifest)
    return manifest


def _members(tar: tarfile.TarFile, into: Path, went_on: Callable[[], None]) -> tuple[list[Member], Manifest | None]:
    found, manifest = list[Member](), None
    for info in tar:
        if info.name == _MANIFEST and info.isreg():
            manifest = _manifest(tar, info)
        else:
            found.append(_extract(tar, info, into))
        went_on()
    return found, manifest


def _manifest(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Manifest:
    if info.size > _MANIFEST_LIMIT:
        raise StoreError(f"the archive's manifest has {info.size} bytes, more than any of ours")
    try:
        manifest = Manifest.model_validate_json(b"".join(_blocks(tar, info)))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise StoreError(f"the archive's manifest is not one of botcore's: {where} {problem['msg']}") from None
    if manifest.format > FORMAT:
        raise StoreError(f"the archive was made by a newer botcore ({manifest.botcore}): upgrade first")
    return manifest


def _extract(tar: tarfile.TarFile, info: tarfile.TarInfo, into: Path) -> Member:
    target = into / _inside(info)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    summed = hashlib.sha256()
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise StoreError(f"the archive holds {info.name!r} twice") from None
    with open(handle, "wb") as file:
        for block in _blocks(tar, info):
            summed.update(block)
            file.write(block)
    return Member(name=info.name, size=info.size, sha256=summed.hexdigest())


def _inside(info: tarfile.TarInfo) -> PurePosixPath:
    """The member's path where it is one that a backup of ours can hold."""
    path = PurePosixPath(info.name)
    ours = info.name in DATABASE.values() or (path.parts[:1] == (FILES,) and keeps(PurePosixPath(*path.parts[1:])))
    if not info.isreg() or info.issparse() or not ours or str(path) != info.name or {"..", "/"} & {*path.parts}:
        raise StoreError(f"the archive holds {info.name!r}, which no backup of botcore does: nothing was restored")
    return path


def _blocks(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(info)
    while file and (block := file.read(_BLOCK)):
        yield block


def _agree(archive: Path, found: list[Member], manifest: Manifest) -> None:
    """Raise `StoreError` naming the first member that is not as the manifest says."""
    here, said = ({member.name: member for member in members} for members in (found, manifest.members))
    for name in [*said, *here]:
        if here.get(name) != said.get(name):
            raise StoreError(f"{archive} is damaged: {name} is not what the manifest says; use another backup")
    if DATABASE[manifest.store] not in here:
        raise StoreError(f"{archive} holds no database")


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


class _Watched:
    """A file as tarfile reads it, summed and counted."""

    def __init__(self, file: IO[bytes], went_on: Callable[[int], None]) -> None:
        self._file, self._sum, self._done, self._went_on = file, hashlib.sha256(), 0, went_on

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self._sum.update(data)
        self._done += len(data)
        self._went_on(self._done)
        return data

    def digest(self) -> str:
        return self._sum.hexdigest()
