"""Training runs: how those stand that run now, or the newest one; and a row for each of the newest twenty."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botcore.panels import Cell, Figure, Rows, Series, Widget
from botcore.training.jsonl import some_lines
from botcore.training.progress import duration
from botcore.training.runs import Record, Run, find_run, newest_runs

__all__ = ["read"]

RUNS, SHOWN, SAMPLES = 20, 3, 3
SAMPLE_WIDTH = 400
NO_RUNS = (
    "Nothing was trained yet. `botcore train sft ROWS.jsonl` teaches a model answers, `botcore train pretrain FOLDER` "
    "trains one on text; while it learns, its curve is here."
)
GOES_ON = ("interrupted", "stopped", "failed")


def read(data_dir: Path) -> Sequence[Widget]:
    """Reads files: not for the event loop. A run of any length costs the same, some 10 ms."""
    records = newest_runs(data_dir, RUNS)
    live = [record for record in records if record.state == "running"] or records[:1]
    shown = [widget for record in live[:SHOWN] for widget in _run(find_run(data_dir, record.id), record)]
    return [*shown, _table(records)]


def _table(records: Sequence[Record]) -> Rows:
    return Rows(
        title="Runs",
        columns={
            "Run": "text",
            "State": "state",
            "Base": "text",
            "Began": "time",
            "Step": "number",
            "Loss": "number",
            "Perplexity": "number",
            "Why": "text",
            "What to do": "code",
        },
        rows=[_row(record) for record in records],
        empty=NO_RUNS,
    )


def _row(record: Record) -> Sequence[Cell]:
    figures = [_number(record.metrics.get(name)) for name in ("step", "loss", "perplexity")]
    do = f"botcore train {'resume' if record.state in GOES_ON else 'show'} {record.id}"
    return record.id, record.state, _base(record), record.began, *figures, record.reason, do


def _base(record: Record) -> str:
    return Path(record.base).name if record.base else "from nothing"


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None


def _run(run: Run, record: Record) -> Iterator[Widget]:
    lines = some_lines(run.folder / "metrics.jsonl")
    steps = [line for line in lines if line.get("kind") == "step"]
    looks = [line for line in lines if line.get("kind") == "look"]
    yield from _figures(record, steps[-1] if steps else {}, looks[-1] if looks else {})
    yield Series(
        title=f"Loss of {record.id}",
        lines={name: found for name, of in (("training", steps), ("held out", looks)) if (found := _points(of))},
        x="step",
        y="loss",
        empty="The run has not logged a step yet.",
    )
    samples = some_lines(run.folder / "samples.jsonl")[-SAMPLES:]
    if samples:
        rows = [(_number(line.get("step")), _short(line.get("text", ""))) for line in reversed(samples)]
        yield Rows(title="What it writes", columns={"Step": "number", "Text": "text"}, rows=rows)


def _figures(record: Record, step: Mapping[str, Any], look: Mapping[str, Any]) -> Iterator[Widget]:
    running = record.state == "running"
    speed, left = _number(step.get("speed")), _number(step.get("left"))
    yield Figure(name=record.id, value=record.state, kind="state", note=f"on {_base(record)}")
    yield Figure(
        name="Progress",
        value=1.0 if record.state == "done" else _progress(record, step),
        kind="share",
        note=f"about {duration(left)} left" if running and left is not None else "",
    )
    yield Figure(name="Step", value=_number(step.get("step")), kind="number")
    yield Figure(name="Loss", value=_number(step.get("loss")), kind="number", note="training")
    yield Figure(name="Perplexity", value=_number(look.get("perplexity")), kind="number", note="held out")
    yield Figure(name="Speed", value=round(speed) if speed else None, kind="number", note="tokens a second")


def _progress(record: Record, step: Mapping[str, Any]) -> float | None:
    """As the trainer said it, else by the steps it was told to make."""
    said, steps = _number(step.get("progress")), _number(record.arguments.get("steps"))
    if said is not None:
        return said
    return min(1.0, step.get("step", 0) / steps) if steps else None


def _points(lines: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    pairs = ((_number(line.get("step")), _number(line.get("loss"))) for line in lines)
    return [(step, loss) for step, loss in pairs if step is not None and loss is not None]


def _short(text: object) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= SAMPLE_WIDTH else words[: SAMPLE_WIDTH - 1] + "…"
