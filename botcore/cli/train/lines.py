"""What is said of a run: while it goes on, in a list, at its end."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from botcore.cli.common import nobody_reads, print_json, when

if TYPE_CHECKING:
    from botcore.training.progress import Event
    from botcore.training.runs import Record

__all__ = ["Lines", "figures", "line"]


class Lines:
    """What is said while it runs: on a terminal a step overwrites the step before."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._live = sys.stdout.isatty() and not as_json
        self._told = -1.0

    def say(self, event: "Event") -> None:
        """What the trainer said now; a run does not end because nobody reads it."""
        try:
            self._say(event)
        except BrokenPipeError:
            nobody_reads()

    def _say(self, event: "Event") -> None:
        from botcore.training.progress import sentence

        if self._json:
            if event["event"] != "end":
                print_json(event)
        elif event["event"] == "step" and not self._live:
            self._step(event)
        elif text := sentence(event):
            step = event["event"] == "step"
            start = "\r\x1b[K" if self._live else ""
            typer.echo(f"{start}… {text}"[:110] if step else f"{start}… {text}", nl=not step)

    def _step(self, event: "Event") -> None:
        """Where nothing can be overwritten, a line for each twentieth of the run."""
        from botcore.training.progress import sentence

        if event["progress"] >= self._told + 0.05:
            self._told = event["progress"]
            typer.echo(f"… {sentence(event)}")

    def end(self, record: "Record") -> None:
        """How the run ended."""
        if self._json:
            print_json({"event": "end", **dataclasses.asdict(record)})
        elif record.state == "done":
            made = ", ".join(f"the {what} is in {where}" for what, where in record.outputs.items())
            typer.echo(f"✓ {record.id}: {'; '.join(filter(None, (figures(record), made)))}")
        elif record.state == "refused":
            typer.echo(f"botcore: {record.id} is refused: {record.reason}", err=True)
        elif record.state == "stopped":
            typer.echo(f"! {record.id}: {record.reason}; botcore train resume {record.id} goes on from there")
        else:
            typer.echo(f"botcore: {record.reason}", err=True)


def figures(record: "Record") -> str:
    """The newest figures of a run; "" where there are none."""
    formats = {"step": "{}", "loss": "{:.3f}", "perplexity": "{:,.2f}"}
    told = [f"{name} {form.format(record.metrics[name])}" for name, form in formats.items() if name in record.metrics]
    return ", ".join(told)


def line(record: "Record") -> str:
    """A run in one line."""
    base = f"on {Path(record.base).name}" if record.base else "from nothing"
    told = figures(record) or "nothing learnt yet"
    return f"{record.id:<14} {record.state:<12} {when(record.began)}  {base:<16} {told}"
