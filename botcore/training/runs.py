"""The folder of a run, below ``data_dir/training``: what was asked for, how it stands, what came out.

    run.json         the record; written by whoever conducts the run, whole or not at all
    metrics.jsonl    one line per logged step and per look at the held-out part
    samples.jsonl    texts it wrote on the way
    data/            the tokens, and the card that says where they came from
    checkpoint/      the last whole state: model, optimizer, random numbers, place in the data
    lessons/         what people taught, until it is learnt
    whose.jsonl      whose that was, once it is
    model/           what came out, as the engine loads it; or adapter/, a LoRA beside its base
    log              everything the trainer printed

A run that says it runs while nobody holds its lock was interrupted: it can be resumed like one that was stopped.
"""

import dataclasses
import fcntl
import heapq
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from botcore.errors import TrainingError
from botcore.newfile import new_file, plainly
from botcore.training.plan import Plan, plan_from

__all__ = [
    "Record",
    "Run",
    "State",
    "all_runs",
    "find_run",
    "new_run",
    "newest_runs",
    "next_folder",
    "number_of",
    "runs_in",
]

State = Literal["new", "running", "interrupted", "stopped", "failed", "refused", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run as ``run.json`` has it."""

    id: str
    kind: str
    base: str = ""
    base_hash: str = ""
    """Of the base's weights where an adapter is learnt, which fits no others."""
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
    def whose(self) -> Path:
        """Says whose the lessons were, once they are learnt."""
        return self.folder / "whose.jsonl"

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


def new_run(data_dir: Path, kind: str, plan: Plan, *, at: float, base_hash: str = "") -> Run:
    """A folder of its own, with the record in it."""
    home = _home(data_dir)
    with plainly(f"cannot make a run in {home}"):
        home.mkdir(parents=True, exist_ok=True)
        run = Run(next_folder(home, kind))
    record = Record(id=run.id, kind=kind, base=plan.base, base_hash=base_hash, seed=plan.seed, began=at)
    run.write(dataclasses.replace(record, arguments=plan.as_json()))
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
    return sorted(_readable(runs_in(data_dir)), key=lambda record: (record.began, record.id))


def runs_in(data_dir: Path) -> list[Run]:
    """Every run's folder."""
    return [Run(path.parent) for path in sorted(_home(data_dir).glob("*/run.json"))]


def newest_runs(data_dir: Path, most: int) -> list[Record]:
    """Of the runs that can be read, as many as were written last, newest first: for a page that looks often."""
    written = list[tuple[float, Path]]()
    for run in runs_in(data_dir):
        with suppress(OSError):
            written.append(((run.folder / "run.json").stat().st_mtime, run.folder))
    return list(_readable(Run(folder) for _, folder in heapq.nlargest(most, written)))


def _readable(runs: Iterable[Run]) -> Iterator[Record]:
    for run in runs:
        with suppress(TrainingError):
            yield run.read()


def find_run(data_dir: Path, name: str) -> Run:
    """The run of this name. Raises `TrainingError` where there is none."""
    run = Run(_home(data_dir) / name)
    if Path(name).name != name or not (run.folder / "run.json").is_file():
        raise TrainingError(f"there is no run {name}; `botcore train list` says which there are")
    return run


def _home(data_dir: Path) -> Path:
    return data_dir.resolve() / "training"
