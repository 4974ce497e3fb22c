"""A run begun, and followed to its end: on a terminal, in a pipe, for scripts."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import run_async
from botcore.cli.train.lines import Lines
from botcore.errors import TrainingError

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.plan import Plan
    from botcore.training.runs import Record, Run

__all__ = [
    "RunName",
    "accelerate_file",
    "base_of",
    "begin",
    "engine_python",
    "finish",
    "fits_its_base",
    "follow",
    "hash_of_base",
    "leave",
    "window_of",
]

RunName = Annotated[str, typer.Argument(help="The run's name, as `botcore train list` says it.")]


def base_of(settings: "Settings", base: str) -> str:
    """The folder that ``--base`` means; `TrainingError` names what could be meant."""
    from botcore.engine.model import find_model
    from botcore.errors import ModelError
    from botcore.training.runs import all_runs, find_run

    if not base:
        return ""
    if base in {record.id for record in all_runs(settings.bot.data_dir)}:
        run = find_run(settings.bot.data_dir, base)
        if not run.model.is_dir():
            raise TrainingError(_why_no_base(run))
        return str(run.model)
    try:
        return find_model(base, data_dir=settings.bot.data_dir).source
    except ModelError as error:
        raise TrainingError(f"{base} is no base, as there is no run of that name: {error}") from None


def _why_no_base(run: "Run") -> str:
    if "adapter" in run.read().outputs:
        return f"{run.id} has made an adapter and no model; botcore train merge {run.id} makes one of it and its base"
    return f"{run.id} has made no model yet; botcore train resume {run.id}"


def fits_its_base(record: "Record") -> None:
    """Raises `TrainingError` where a run's adapter does not, as its base has other weights by now."""
    if record.base_hash and record.base_hash != hash_of_base(record.plan):
        raise TrainingError(
            f"{record.base} has other weights than when {record.id} began, and an adapter fits no others than those; "
            "train anew on these"
        )


def hash_of_base(plan: "Plan") -> str:
    """Of the weights that an adapter is learnt beside; "" where none is."""
    from botcore.models.adapter import base_hash
    from botcore.newfile import plainly

    with plainly(f"cannot read {plan.base}"):
        return base_hash(Path(plan.base)) if plan.lora and plan.base else ""


def accelerate_file(name: str) -> str:
    """The file of ``--accelerate`` in full, "" for none. Raises `TrainingError` where it is not there."""
    if name and not Path(name).is_file():
        raise TrainingError(f"there is no file {name}; `accelerate config --config_file {name}` writes one")
    return str(Path(name).resolve()) if name else ""


def window_of(settings: "Settings", base: str) -> int:
    """Positions of the base; 0 where it does not say."""
    from botcore.engine.model import find_model

    return find_model(base, data_dir=settings.bot.data_dir).window


def begin(settings: "Settings", kind: str, plan: "Plan", *, json: bool) -> "Record":
    """A new run, with its progress in the terminal; how it ended."""
    from botcore.clock import SystemClock
    from botcore.training.runs import new_run

    python = engine_python(settings)
    run = new_run(settings.bot.data_dir, kind, plan, at=SystemClock().now(), base_hash=hash_of_base(plan))
    return follow(run, python, json=json)


def engine_python(settings: "Settings") -> Path:
    """The engine's, before anything is begun."""
    from botcore.engine.environment import find_engine

    return run_async(find_engine(settings.engine, settings.bot.data_dir)).path


def follow(run: "Run", python: Path, *, json: bool) -> "Record":
    """The run to its end, with its progress in the terminal; how it ended."""
    lines = Lines(json)
    lines.say({"event": "stage", "text": f"{run.id} in {run.folder}"})
    try:
        record = run_async(_followed(run, python, lines))
    except asyncio.CancelledError:
        typer.echo(f"botcore: killed; botcore train resume {run.id} goes on from the last state saved", err=True)
        raise typer.Exit(130) from None
    lines.end(record)
    return record


def finish(settings: "Settings", run: "Run", python: Path, *, json: bool) -> None:
    """The run to its end, an adapter that it has made offered to the bot; leaves with its status."""
    from botcore.cli.train.offer import hand_over

    leave(hand_over(settings, follow(run, python, json=json), json=json))


def leave(record: "Record") -> None:
    """Leave with the exit status of a run that ended so: 0 done, 130 stopped, 1 anything else."""
    if record.state != "done":
        raise typer.Exit(130 if record.state == "stopped" else 1)


async def _followed(run: "Run", python: Path, lines: "Lines") -> "Record":
    from botcore.clock import SystemClock
    from botcore.training.conduct import conduct

    stop, loop, main = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def interrupted() -> None:
        if stop.is_set() and main:
            main.cancel()
        stop.set()
        lines.say({"event": "stage", "text": "saving after this step; Ctrl-C again ends it at once, unsaved"})

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    return await conduct(run, python, clock=SystemClock(), heard=lines.say, stop=stop)
