"""Forgetting what runs keep of people's words: the lines that say whose they are, and what was learnt from these.

    {…, "whose": {"people": [[channel, id], …], "conversations": [key, …]}}

The `finetune` plugin marks each line so. Files that somebody else exported say nothing, and are theirs to delete. When
lessons are learnt their words go and the marks stay: an adapter cannot unlearn, but it is known who taught it.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botcore.errors import TrainingError
from botcore.messages import Forgotten
from botcore.newfile import new_file, plainly
from botcore.training.runs import Run, runs_in

__all__ = ["CANNOT_UNLEARN", "forget_in_runs", "learnt_from", "note_whose"]

CANNOT_UNLEARN = "it learnt from what was forgotten since, and cannot unlearn; train again, and delete this one"
SAMPLES = "samples.jsonl"


def note_whose(run: Run) -> None:
    """Keep whose the lessons were, without a word of them. Raises `StoreError` where the disk refuses."""
    marks = {mark: None for file in _lessons(run) for mark in _marks(file)}
    if marks:
        with new_file(run.whose, force=True) as file:
            file.writelines(marks)


def _marks(file: Path) -> Iterator[bytes]:
    with plainly(f"cannot read {file}"):
        lines = file.read_bytes().splitlines()
    for whose in map(_whose, lines):
        if isinstance(whose, dict):
            yield json.dumps({"whose": whose}, ensure_ascii=False).encode() + b"\n"


def learnt_from(data_dir: Path, whom: Forgotten) -> list[str]:
    """The runs whose adapter learnt from it."""
    return [run.id for run in runs_in(data_dir) if _kept(run.whose, whom) is not None]


def forget_in_runs(data_dir: Path, whom: Forgotten) -> list[str]:
    """Take these lines out of every run; the runs that are at work just now, to be asked again when they end.

    Raises `StoreError` where a file cannot be written.
    """
    return [run.id for run in runs_in(data_dir) if not _forgot(run, whom)]


def _forgot(run: Run, whom: Forgotten) -> bool:
    """False where it will write samples of what it has read already."""
    if not _found(run, whom):
        return True
    try:
        with run.alone():
            found = _found(run, whom)
            if any(file.name != SAMPLES for file in found):
                _unlearn(run)
            for file, others in found.items():
                _replace(file, others)
    except TrainingError:
        return False
    return True


def _found(run: Run, whom: Forgotten) -> dict[Path, list[bytes]]:
    """The files that say something of theirs, with the lines of others."""
    files = (*_lessons(run), run.whose, run.folder / SAMPLES)
    return {file: others for file in files if (others := _kept(file, whom)) is not None}


def _unlearn(run: Run) -> None:
    """A run that has not ended begins anew; of an adapter that is made it is on record."""
    try:
        record = run.read()
    except TrainingError:  # without a record nobody can go on with it
        return
    if "adapter" not in record.outputs:
        for learnt in (run.folder / "checkpoint", run.folder / "adapter"):
            shutil.rmtree(learnt, ignore_errors=True)
    elif CANNOT_UNLEARN not in record.reason:
        run.change(reason="; ".join(filter(None, (record.reason, CANNOT_UNLEARN))))


def _lessons(run: Run) -> Sequence[Path]:
    return sorted(run.lessons.glob("*.jsonl"))


def _replace(file: Path, lines: list[bytes]) -> None:
    """An empty file would be an error to whoever goes on with the run."""
    if not lines:
        with plainly(f"cannot delete {file}"):
            file.unlink()
        return
    with new_file(file, force=True) as draft:
        draft.writelines(lines)


def _kept(file: Path, whom: Forgotten) -> list[bytes] | None:
    """The other lines; None where there is nothing to forget."""
    if not file.is_file():
        return None
    with plainly(f"cannot read {file}"):
        lines = file.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not _is_of(line, whom)]
    return kept if len(kept) < len(lines) else None


def _is_of(line: bytes, whom: Forgotten) -> bool:
    whose = _whose(line)
    try:
        if whom.conversation is not None:
            return whom.conversation.key in whose["conversations"]
        return [whom.channel, whom.person] in whose["people"]
    except (KeyError, TypeError):
        return False


def _whose(line: bytes) -> Any:
    """What a line says of it, None where nothing: cut short by a kill, or marked by nobody."""
    try:
        return json.loads(line)["whose"]
    except (ValueError, KeyError, TypeError):
        return None
