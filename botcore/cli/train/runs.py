"""``botcore train resume|list|show``: runs gone on with, listed, and shown."""

import dataclasses
from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, settings_for
from botcore.cli.train.conduct import RunName, engine_python, finish, fits_its_base
from botcore.cli.train.lines import line

if TYPE_CHECKING:
    from botcore.training.runs import Record

__all__ = ["list_runs", "resume", "show_run"]


def resume(name: RunName, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Go on with a run that was stopped, killed or failed, from the last state it saved."""
    from botcore.errors import TrainingError
    from botcore.training.runs import find_run

    settings = settings_for(config)
    run = find_run(settings.bot.data_dir, name)
    record = run.read()
    if record.state in ("done", "refused"):
        raise TrainingError(f"{name} is {record.state}; botcore train show {name} says what came out")
    if record.kind == "feedback" and not record.plan.method:
        raise TrainingError(f"{name} ended before its lessons were there; botcore train feedback begins another one")
    fits_its_base(record)
    finish(settings, run, engine_python(settings), json=json)


def list_runs(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List all runs, oldest first."""
    from botcore.training.runs import all_runs

    records = all_runs(settings_for(config).bot.data_dir)
    if json:
        print_json([dataclasses.asdict(record) for record in records])
        return
    for record in records:
        typer.echo(line(record))
    if not records:
        typer.echo("There are no runs; botcore train pretrain FOLDER begins one.")


def show_run(name: RunName, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Show one run: its settings, its curve, its last samples, what came out."""
    from botcore.training.jsonl import lines_of
    from botcore.training.runs import find_run

    run = find_run(settings_for(config).bot.data_dir, name)
    record, metrics = run.read(), lines_of(run.folder / "metrics.jsonl")
    samples = lines_of(run.folder / "samples.jsonl")
    if json:
        print_json({**dataclasses.asdict(record), "curve": metrics, "samples": samples})
    else:
        _show(record, metrics, samples)


def _show(record: "Record", metrics: list[dict[str, Any]], samples: list[dict[str, Any]]) -> None:
    from botcore.training.progress import curve, printable

    typer.echo(line(record))
    for name in ("reason", "base", "data"):
        if value := getattr(record, name):
            typer.echo(f"{name:<12} {value}")
    for name, where in record.outputs.items():
        typer.echo(f"{name:<12} {where}")
    told = {name: value for name, value in record.arguments.items() if value not in ("", None, {}, [], 0)}
    typer.echo(f"{'arguments':<12} " + ", ".join(f"{name} {value}" for name, value in told.items()))
    losses = [line["loss"] for line in metrics if line.get("kind") == "step"]
    if losses:
        typer.echo(f"{'loss':<12} {losses[0]:.3f} {curve(losses)} {losses[-1]:.3f}")
    for sample in samples[-3:]:
        typer.echo(f"{'sample':<12} {printable(sample['text'])[:160]}")
