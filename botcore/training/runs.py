"""The folder of a run, below ``data_dir/training``: what was asked for, how it stands, what came out.

    run.json         the record; written by whoever conducts the run, whole or not at all
    metrics.jsonl    one line per logged step and per look at the held-out part
    samples.jsonl    texts it wrote on the way
    data/            the tokens, and the card that says where they came from
    checkpoint/      the last whole state: model, optimizer, random numbers, place in the data
    lessons/         what people taught, until it is learnt
    model/           what came out, as the engine loads it; or adapter/, a LoRA beside its base
    log              everything the trainer printed

A run that says it runs while nobody holds its lock was interrupted: it can be resumed like one that was stopped.
"""

import dataclasses
import fcntl
import heapq
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from botcore.errors import TrainingError
from botcore.newfile import new_file, plainly
from botcore.training.plan import Plan, plan_from

__all__ = [
    "Record",
    "Run",
    "State",
    "all_runs",
    "find_run",
    "lines_of",
    "new_run",
    "newest_runs",
    "next_folder",
    "number_of",
    "runs_in",
    "some_lines",
]

State = Literal["new", "running", "interrupted", "stopped", "failed", "refused", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run as ``run.json`` has it."""

    id: str
    kind: str
    base: str = ""
    data: str = ""
    """The hash of what it learnt from."""
    seed: int = 0
    state: State = "new"
    reason: str = ""
    began: float = 0.0
    ended: float = 0.0
    """Unix seconds, 0 = not yet."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """The newest of each kind: step, loss, perplexity, …"""
    outputs: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The whole plan."""

    @property
    def plan(self) -> Plan:
        """The arguments, as they are used."""
        return plan_from(self.arguments)


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def model(self) -> Path:
        """Where the finished model lies."""
        return self.folder / "model"

    @property
    def lessons(self) -> Path:
        """Where what people taught lies, until it is learnt."""
        return self.folder / "lessons"

    @property
    def stop_note(self) -> Path:
        """A file that asks the trainer to save and end."""
        return self.folder / "stop"

    def read(self) -> Record:
        """The record; a run that nobody runs is never *running*."""
        try:
            record = Record(**json.loads((self.folder / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise TrainingError(f"{self.folder} holds no readable run.json") from None
        if record.state == "running" and not self.locked():
            return dataclasses.replace(record, state="interrupted", reason="its process is gone")
        return record

    def drop_lessons(self) -> None:
        """Keep no longer what people taught: it is learnt, and that is on record."""
        if self.lessons.is_dir():
            for done_with in (self.folder / "checkpoint", self.lessons):
                shutil.rmtree(done_with, ignore_errors=True)

    def write(self, record: Record) -> None:
        """Replace the record, whole. Raises `StoreError` where the disk refuses; the old one then stands."""
        with new_file(self.folder / "run.json", force=True) as file:
            file.write(json.dumps(dataclasses.asdict(record), ensure_ascii=False, indent=1).encode())

    def change(self, **changes: Any) -> Record:
        """The record with these changes, written."""
        record = dataclasses.replace(self.read(), **changes)
        self.write(record)
        return record

    def locked(self) -> bool:
        """Whether some process conducts it now."""
        try:
            with self.alone():
                return False
        except TrainingError:
            return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else conducts this run meanwhile. Raises `TrainingError` where somebody does."""
        with plainly(f"cannot use {self.folder}"):
            file = (self.folder / "lock").open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TrainingError(f"{self.id} is running already; Ctrl-C there saves and stops it") from None
            yield


def new_run(data_dir: Path, kind: str, plan: Plan, *, at: float) -> Run:
    """A folder of its own, with the record in it."""
    home = _home(data_dir)
    with plainly(f"cannot make a run in {home}"):
        home.mkdir(parents=True, exist_ok=True)
        run = Run(next_folder(home, kind))
    run.write(Record(id=run.id, kind=kind, base=plan.base, seed=plan.seed, began=at, arguments=plan.as_json()))
    return run


def number_of(path: Path) -> int:
    """3 for ``sft-3``, 0 where there is none."""
    tail = path.name.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else 0


def next_folder(home: Path, kind: str) -> Path:
    """A new folder ``KIND-N`` in ``home``, after the last one; two processes never get the same."""
    number = max(map(number_of, home.glob(f"{kind}-*")), default=0)
    while True:
        number += 1
        folder = home / f"{kind}-{number}"
        try:
            folder.mkdir()
        except FileExistsError:  # another process took this number
            continue
        return folder


def all_runs(data_dir: Path) -> list[Record]:
    """Every run that can be read, oldest first."""
    found = list[Record]()
    for path in _home(data_dir).glob("*/run.json"):
        try:
            found.append(Run(path.parent).read())
        except TrainingError:
            continue
    return sorted(found, key=lambda record: (record.began, record.id))


def runs_in(data_dir: Path) -> list[Run]:
    """Every run's folder."""
    return [Run(path.parent) for path in sorted(_home(data_dir).glob("*/run.json"))]


def newest_runs(data_dir: Path, most: int) -> list[Record]:
    """Of the runs that can be read, as many as were written last, newest first: for a page that looks often."""
    written = list[tuple[float, Path]]()
    for path in _home(data_dir).glob("*/run.json"):
        with suppress(OSError):
            written.append((path.stat().st_mtime, path.parent))
    found = list[Record]()
    for _, folder in heapq.nlargest(most, written):
        with suppress(TrainingError):
            found.append(Run(folder).read())
    return found


def find_run(data_dir: Path, name: str) -> Run:
    """The run of this name. Raises `TrainingError` where there is none."""
    run = Run(_home(data_dir) / name)
    if Path(name).name != name or not (run.folder / "run.json").is_file():
        raise TrainingError(f"there is no run {name}; `botcore train list` says which there are")
    return run


def lines_of(file: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; a last line that a crash cut short is left out."""
    found = list[dict[str, Any]]()
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


STRETCHES, STRETCH, TAIL = 224, 512, 16 * 1024
"""Bytes of a stretch, which is two whole lines of metrics, and of the file's end: 128 KiB in all."""


def some_lines(file: Path) -> list[dict[str, Any]]:
    """As `lines_of`, for 128 KiB whatever the size of the file: of a longer one its end, and lines from all over it.

    Of a file that is not there, none.
    """
    try:
        with file.open("rb") as source:
            return [line for text in _stretches(source) for line in _objects(text)]
    except OSError:
        return []


def _stretches(source: BinaryIO) -> Iterator[bytes]:
    size = os.fstat(source.fileno()).st_size
    whole = STRETCHES * STRETCH + TAIL
    if size <= whole:
        yield source.read(whole)
        return
    for number in range(STRETCHES):
        yield _whole_lines(source, (size - TAIL - STRETCH) * number // (STRETCHES - 1), STRETCH)
    yield _whole_lines(source, size - TAIL, TAIL)


def _whole_lines(source: BinaryIO, at: int, length: int) -> bytes:
    """From there on, without the line that began before; one that is cut short at the end is no JSON."""
    source.seek(at)
    text = source.read(length)
    return text[text.find(b"\n") + 1 :] if at else text


def _objects(text: bytes) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                yield value


def _home(data_dir: Path) -> Path:
    return data_dir.resolve() / "training"
