"""``data_dir/models``: each fetched model in a folder of its own, beside the record of what was fetched.

models/Qwen--Qwen3-0.6B/                  whole and checked, or not there
models/Qwen--Qwen3-0.6B/botcore-model.json   revision, licence, hashes
models/.fetching/Qwen--Qwen3-0.6B/        what a fetch has so far, by the hub's hashes: the next one goes on here
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from botcore.errors import ModelError
from botcore.newfile import new_file

__all__ = ["Record", "RecordedFile", "Shelf", "checked_name", "differences", "sha256_of"]

RECORD = "botcore-model.json"
NAME = re.compile(r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFile:
    """One file as it was fetched."""

    name: str
    bytes: int
    sha256: str
    hub: str
    """What the hub said it must be: ``sha256:…`` of a large file, ``git:…`` of a small one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where a model came from, and its files."""

    name: str
    revision: str
    """The commit."""
    endpoint: str
    licence: str
    fetched: str
    """When, in UTC."""
    files: tuple[RecordedFile, ...]

    @property
    def bytes(self) -> int:
        """All files together."""
        return sum(file.bytes for file in self.files)


def checked_name(name: str) -> str:
    """``name`` where a hub could have it: ``model`` or ``owner/model``. Raises `ModelError`."""
    if len(name) > 96 or not NAME.fullmatch(name) or "--" in name or ".." in name:
        raise ModelError(f"{name!r} is no model's name; a hub's look like owner/model, a folder's begin with / or ./")
    return name


class Shelf:
    """The fetched models of one data directory. Nothing is kept in memory: each look is at the disk."""

    def __init__(self, data_dir: Path) -> None:
        self.path: Path = data_dir / "models"

    def folder(self, name: str) -> Path:
        """Where the model of this name lies, or would."""
        return self.path / checked_name(name).replace("/", "--")

    def parts(self, name: str) -> Path:
        """Where a fetch of it keeps what it has."""
        return self.path / ".fetching" / self.folder(name).name

    def record(self, name: str) -> Record | None:
        """Its record; None where it was not fetched to the end."""
        return read_record(self.folder(name))

    def records(self) -> list[Record]:
        """All fetched models by name."""
        folders = sorted(self.path.iterdir()) if self.path.is_dir() else []
        return [record for folder in folders if (record := read_record(folder))]

    def unfinished(self) -> Iterator[tuple[str, int]]:
        """(name, bytes so far) of each fetch that was interrupted."""
        folders = sorted((self.path / ".fetching").glob("*/"))
        for folder in folders:
            if size := sum(file.stat().st_size for file in folder.iterdir()):
                yield folder.name.replace("--", "/"), size

    def publish(self, folder: Path, record: Record) -> Path:
        """Give a finished folder its record and its name; an older one of that name is gone then."""
        text = json.dumps(asdict(record), ensure_ascii=False, indent=1)
        with new_file(folder / RECORD, force=True) as file:
            file.write(f"{text}\n".encode())
        target, old = self.folder(record.name), self.path / f".old-{folder.name}"
        shutil.rmtree(old, ignore_errors=True)  # left by a kill
        if target.exists():
            target.replace(old)
        folder.replace(target)
        shutil.rmtree(old, ignore_errors=True)
        return target


def read_record(folder: Path) -> Record | None:
    """The record in this folder; None where there is none that can be read."""
    try:
        raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return Record(**{**raw, "files": tuple(RecordedFile(**file) for file in raw["files"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def differences(folder: Path, record: Record) -> Iterator[tuple[str, str]]:
    """(file, what is wrong with it) for each that is not as it was fetched; reads every byte."""
    for file in record.files:
        path = folder / file.name
        if not path.is_file():
            yield file.name, "is missing"
        elif path.stat().st_size != file.bytes:
            yield file.name, f"has {path.stat().st_size} bytes, not {file.bytes}"
        elif sha256_of(path) != file.sha256:
            yield file.name, "is not what was fetched (SHA-256 differs)"
    known = {file.name for file in record.files}
    for path in sorted(folder.glob("*.safetensors")):
        if path.name not in known:
            yield path.name, "was not fetched, and would be loaded"


def sha256_of(path: Path) -> str:
    """The hash of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
