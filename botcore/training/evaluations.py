"""Evaluations: a model under questions, as a guarded child in the engine's environment; kept, and held against others.

    data_dir/evaluations/eval-3/    task.json, questions.jsonl, log, and result.json where it came to an end

Figures are compared where the questions are the same, and nowhere else.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.engine.child import Child, Launch
from botcore.errors import TrainingError
from botcore.newfile import new_file, plainly
from botcore.training import start
from botcore.training.conduct import Hearing, environment
from botcore.training.plan import Plan
from botcore.training.progress import Event
from botcore.training.questions import FOUND, QUESTIONS, Question, write_questions
from botcore.training.runs import next_folder, number_of

__all__ = ["Change", "Task", "changes", "evaluate", "find_result", "flat", "last_of", "new_evaluation"]

BETTER_LOWER = frozenset({"perplexity", "bits_per_byte", "false_refusal", "repeated_4"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Who is asked, and how; the questions lie beside it."""

    model: str
    """The folder."""
    name: str
    """The model's name, for people."""
    set_hash: str
    adapter: str = ""
    """The folder of a LoRA adapter that is put on the model."""
    seed: int = 0
    """Of the stories, which are sampled."""
    threads: int = 0
    """0 = as the environment says: all cores but one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure beside what it was."""

    name: str
    now: float
    before: float
    better: bool | None
    """None where it is the same, or neither is better."""


def new_evaluation(data_dir: Path, task: Task, questions: Sequence[Question]) -> Path:
    """A folder of its own, with the task and the questions in it."""
    home = data_dir / "evaluations"
    with plainly(f"cannot make an evaluation in {home}"):
        home.mkdir(parents=True, exist_ok=True)
        folder = next_folder(home, "eval")
        write_questions(folder / QUESTIONS, questions)
        (folder / "task.json").write_text(json.dumps(dataclasses.asdict(task), indent=1), encoding="utf-8")
    return folder


async def evaluate(folder: Path, python: Path, *, clock: Clock, heard: Callable[[Event], None]) -> Mapping[str, Any]:
    """The result, which then lies in the folder too. Cancelling this kills the child; nothing is kept of it.

    Raises `TrainingError` with the child's own words where it fails.
    """
    task = Task(**json.loads((folder / "task.json").read_text(encoding="utf-8")))
    hearing, began = Hearing(heard), clock.now()
    launch = Launch(
        python=python,
        command=[str(python), start.__file__, str(folder), "examine"],
        environment=environment(Plan(threads=task.threads), os.environ),
        log=folder / "log",
        notes=folder,
    )
    async with Child(launch, clock=clock, on_line=hearing.line) as child:
        code = await child.ended()
    if hearing.end.get("state") != "done":
        reason = hearing.end.get("reason") or hearing.without_a_word("the evaluation", code)
        raise TrainingError(f"{reason}; all of it: {folder / 'log'}")
    result = {
        "id": folder.name,
        **dataclasses.asdict(task),
        "began": began,
        "seconds": clock.now() - began,
        **json.loads((folder / FOUND).read_text(encoding="utf-8")),
    }
    with new_file(folder / "result.json", force=True) as file:
        file.write(json.dumps(result, ensure_ascii=False, indent=1).encode())
    (folder / FOUND).unlink()
    return result


def find_result(data_dir: Path, name: str) -> dict[str, Any]:
    """The result of an evaluation, by its name or as a file. `TrainingError` says which there are."""
    home = data_dir / "evaluations"
    place = home / name / "result.json"
    for file in (place, Path(name), Path(name) / "result.json"):
        if file.is_file():
            return _read(file)
    there = [
        path.parent.name for path in sorted(home.glob("eval-*/result.json"), key=lambda path: number_of(path.parent))
    ]
    raise TrainingError(f"there is no evaluation {name}; there are: {', '.join(there[-20:]) or 'none yet'}")


def last_of(data_dir: Path, set_hash: str, *, before: str = "") -> dict[str, Any] | None:
    """The newest result with these questions, that of the evaluation ``before`` left out."""
    files = sorted((data_dir / "evaluations").glob("eval-*/result.json"), key=lambda path: -number_of(path.parent))
    for file in files:
        try:
            result = _read(file)
        except TrainingError:
            continue
        if result.get("set_hash") == set_hash and result.get("id") != before:
            return result
    return None


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found["figures"], dict):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise TrainingError(f"{file} is no result of botcore eval model")


def changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[Change]:
    """Every figure that both have. `TrainingError` where the questions differ."""
    if now["set_hash"] != before.get("set_hash"):
        raise TrainingError(
            f"{before.get('id', 'that result')} answered other questions, so there is nothing to compare"
        )
    earlier = flat(before["figures"])
    return [_change(name, value, earlier[name]) for name, value in flat(now["figures"]).items() if name in earlier]


def flat(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures as one number each: of what is right or wrong the share."""
    found: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            parts = {name: value["share"]} if "share" in value else {key: value[key] for key in value}
            found |= {key: float(part) for key, part in parts.items()}
        else:
            found[name] = float(value)
    return found


def _change(name: str, now: float, before: float) -> Change:
    neutral = now == before or name == "words"
    lower = name in BETTER_LOWER
    return Change(name=name, now=now, before=before, better=None if neutral else (now < before) == lower)
