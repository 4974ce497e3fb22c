"""``botcore eval model``: how good a model is, in figures that can be held against the last ones."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, command_group, opened, print_json, run_async, settings_for
from botcore.cli.train.conduct import base_of, engine_python

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.evaluations import Task
    from botcore.training.progress import Event
    from botcore.training.questions import Question

__all__ = ["app"]

app: typer.Typer = command_group("Measure models.")

WORDS = {
    "instruction": "instructions right",
    "quote": "quotes right",
    "refusal": "refusals right",
    "false_refusal": "false refusals",
    "distinct_1": "stories: distinct words",
    "distinct_2": "stories: distinct pairs",
    "repeated_4": "stories: said again",
    "words": "stories: words",
    "perplexity": "perplexity",
    "bits_per_byte": "bits per byte",
}
SHARES = ("instruction", "quote", "refusal", "false_refusal", "distinct_1", "distinct_2", "repeated_4")


@app.callback()
def group() -> None:
    """Measure models."""


@app.command("model")
def model(
    name: Annotated[str, typer.Argument(help="A run, a folder, a model that was fetched; else the engine's.")] = "",
    questions: Annotated[Path | None, typer.Option(help="JSON lines of your own questions.")] = None,
    texts: Annotated[list[str] | None, typer.Option(help="Folders and files of text: perplexity of these.")] = None,
    base: Annotated[str, typer.Option(help="An evaluation or its file to compare with; else the last one.")] = "",
    lora: Annotated[str, typer.Option(help="A LoRA version, a run that made one, or an adapter's folder.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the stories, which are sampled.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="On a CPU; 0 = all cores but one.")] = 0,
    answers: Annotated[bool, typer.Option("--answers", help="Show the wrong answers, and the stories.")] = False,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Ask a model questions with known answers: quotes, refusals, instructions, stories, and texts for perplexity."""
    from botcore.clock import SystemClock
    from botcore.training.evaluations import changes, evaluate, find_result, last_of, new_evaluation

    settings = settings_for(config)
    data_dir = settings.bot.data_dir
    before = find_result(data_dir, base) if base else None
    asked = _asked(questions, texts or [])
    task = _task(settings, name, asked, lora, seed, threads)
    python = engine_python(settings)
    folder = new_evaluation(data_dir, task, asked)
    said = _Said(json)
    said.hear({"event": "stage", "text": f"{folder.name}: {task.name} in {folder}"})
    try:
        result = run_async(evaluate(folder, python, clock=SystemClock(), heard=said.hear))
    except asyncio.CancelledError:
        raise typer.Exit(130) from None
    said.end()
    before = before or last_of(data_dir, task.set_hash, before=folder.name)
    compared = changes(result, before) if before else []
    if json:
        print_json({**result, "before": before and before.get("id"), "changes": [_plain(one) for one in compared]})
        return
    _show(result, before, {one.name: one for one in compared})
    if answers:
        _show_answers(result)


def _asked(questions: Path | None, texts: list[str]) -> "list[Question]":
    """What is asked: the file's questions, the texts, or both; what came with botcore where neither is given."""
    from botcore.training.questions import BUNDLED, read_questions, texts_as_questions

    own = read_questions(questions) if questions else []
    own += texts_as_questions(texts) if texts else []
    return own or read_questions(BUNDLED)


def _task(settings: "Settings", name: str, asked: "list[Question]", adapter: str, seed: int, threads: int) -> "Task":
    from botcore.training.evaluations import Task
    from botcore.training.questions import hash_of

    chosen = name or settings.engine.model
    base = base_of(settings, chosen)
    if adapter:
        _fits(settings, adapter, base)
    return Task(
        model=base,
        name=chosen + (f" with {adapter}" if adapter else ""),
        set_hash=hash_of(asked),
        adapter=_adapter(settings, adapter),
        seed=seed,
        threads=threads,
    )


def _adapter(settings: "Settings", name: str) -> str:
    """The folder that ``--lora`` means: a version is copied below ``data_dir/loras`` when it is offered."""
    from botcore.errors import TrainingError
    from botcore.loras import LORAS
    from botcore.training.runs import all_runs

    if not name:
        return ""
    data_dir = settings.bot.data_dir
    made = [record.outputs.get("adapter", "") for record in all_runs(data_dir) if record.id == name]
    for folder in (data_dir / LORAS / name, *map(Path, filter(None, made)), Path(name)):
        if (folder / "adapter_config.json").is_file():
            return str(folder.resolve())
    raise TrainingError(f"{name} is no LoRA version, no run that made one, and no adapter's folder; botcore lora list")


def _fits(settings: "Settings", name: str, base: str) -> None:
    """Raises `TrainingError` where the adapter was made for other weights; where nobody knows, it is measured."""
    from botcore.errors import TrainingError
    from botcore.models.adapter import base_hash
    from botcore.newfile import plainly

    theirs, weights = run_async(_made_for(settings, name))
    with plainly(f"cannot read {base}"):
        if weights and weights != base_hash(Path(base)):
            raise TrainingError(
                f"{name} was made for {theirs}, and {base} has other weights; botcore eval model {theirs}"
            )


async def _made_for(settings: "Settings", name: str) -> tuple[str, str]:
    """The base of a version or of a run's adapter, and the hash of its weights; "" where nobody knows."""
    from botcore.training.runs import all_runs

    known = {record.id: (record.base, record.base_hash) for record in all_runs(settings.bot.data_dir)}
    async with opened(settings) as bot:
        known |= {version.name: (version.base, version.base_hash) for version in await bot.loras.list()}
    return known.get(name, ("", ""))


class _Said:
    """What is said while it runs; on a terminal a line overwrites the one before."""

    def __init__(self, as_json: bool) -> None:
        self._quiet = as_json
        self._live = sys.stderr.isatty()
        self._told = -1.0

    def hear(self, event: "Event") -> None:
        from botcore.training.progress import sentence

        if self._quiet or not (text := sentence(event)):
            return
        if self._live:
            typer.echo(f"\r\x1b[K… {text}"[:110], nl=event["event"] != "asked", err=True)
        elif event.get("progress", 1.0) >= self._told + 0.1:
            self._told = event.get("progress", self._told)
            typer.echo(f"… {text}", err=True)

    def end(self) -> None:
        if self._live and not self._quiet:
            typer.echo("\r\x1b[K", nl=False, err=True)


def _show(result: Mapping[str, Any], before: Mapping[str, Any] | None, compared: Mapping[str, Any]) -> None:
    from botcore.training.evaluations import flat

    beside = f" beside {before['id']} ({before['name']})" if before else ""
    typer.echo(f"✓ {result['id']}: {result['name']}{beside}, {result['seconds']:.0f} s")
    for name, value in flat(result["figures"]).items():
        counts = result["figures"].get(name)
        of = f"{counts['right']}/{counts['of']}" if isinstance(counts, Mapping) and "of" in counts else ""
        typer.echo(f"  {WORDS[name]:<24} {_number(name, value):>9} {of:>9}{_beside(compared.get(name))}".rstrip())
    typer.echo(f"Kept in data_dir/evaluations/{result['id']}; --base names another one to compare with.")


def _beside(change: Any) -> str:
    if change is None:
        return ""
    verdict = {True: "better", False: "worse", None: ""}[change.better]
    return f"   was {_number(change.name, change.before)} {verdict}"


def _number(name: str, value: float) -> str:
    return f"{value:.1%}" if name in SHARES else f"{value:,.2f}"


def _show_answers(result: Mapping[str, Any]) -> None:
    from botcore.training.progress import printable

    for one in result["answers"]:
        if one["kind"] == "story" or one.get("right") is False:
            typer.echo(f"  {one['kind']}: {printable(one['ask'])} → {printable(one['answer'])[:200]}")


def _plain(change: Any) -> dict[str, Any]:
    return {"name": change.name, "now": change.now, "before": change.before, "better": change.better}
