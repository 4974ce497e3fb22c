"""Forgetting what runs keep of people's words: the lines of ``lessons/`` and ``samples.jsonl`` that say whose they are.

    {…, "whose": {"people": [[channel, id], …], "conversations": [key, …]}}

The `finetune` plugin marks each line so. Files that somebody else exported say nothing, and are theirs to delete.
"""

import json
from pathlib import Path
from typing import Any

from botcore.messages import Forgotten
from botcore.newfile import new_file, plainly
from botcore.training.runs import Run, runs_in

__all__ = ["forget_in_runs"]


def forget_in_runs(data_dir: Path, whom: Forgotten) -> list[str]:
    """Take these lines out of every run; the runs that learn from such lines just now, to be asked again when they end.

    Raises `StoreError` where a file cannot be written.
    """
    return [run.id for run in runs_in(data_dir) if not _forgot(run, whom)]


def _forgot(run: Run, whom: Forgotten) -> bool:
    """False where it will write samples of what it has read already."""
    lessons = sorted(run.lessons.glob("*.jsonl"))
    if any(_kept(file, whom) is not None for file in lessons) and run.locked():
        return False
    for file in (*lessons, run.folder / "samples.jsonl"):
        if (kept := _kept(file, whom)) is not None:
            _replace(file, kept)
    return True


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
    try:
        whose: Any = json.loads(line)["whose"]
        if whom.conversation is not None:
            return whom.conversation.key in whose["conversations"]
        return [whom.channel, whom.person] in whose["people"]
    except (ValueError, KeyError, TypeError):  # cut short by a kill, or marked by nobody
        return False
