"""``botcore train``: models from one's own text. A run is a child process, and a folder below ``data_dir/training``."""

import asyncio
import dataclasses
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, run_async, settings_for

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.plan import Plan
    from botcore.training.progress import Event
    from botcore.training.runs import Record, Run

__all__ = ["app", "begin"]

app: typer.Typer = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train models on your own text.")

RunName = Annotated[str, typer.Argument(help="The run's name, as `botcore train list` says it.")]


@app.command("pretrain")
def pretrain(
    texts: Annotated[list[str], typer.Argument(help="Folders and files of text: .txt, .md, .rst, .jsonl.")],
    size: Annotated[str, typer.Option(help="From nothing: nano, tiny, mini, small, medium or large.")] = "mini",
    style: Annotated[Literal["qwen3", "gpt2"], typer.Option(help="From nothing: the architecture.")] = "qwen3",
    vocab: Annotated[int | None, typer.Option(min=263, max=262_144, help="From nothing: tokens, at most.")] = None,
    base: Annotated[str, typer.Option(help="Go on from a model: a run, a folder, one that was fetched, starter.")] = "",
    context: Annotated[int, typer.Option(min=8, max=131_072, help="Tokens of a row.")] = 256,
    batch: Annotated[int, typer.Option(min=1, max=65_536, help="Rows of a step.")] = 16,
    micro: Annotated[int, typer.Option(min=0, help="Rows a device holds at once; 0 = its share of a step.")] = 0,
    steps: Annotated[int, typer.Option(min=0, help="Steps; 0 = as --epochs says.")] = 0,
    epochs: Annotated[float, typer.Option(min=0.001, max=1000, help="Times through the text.")] = 1.0,
    rate: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Peak learning rate.")] = None,
    warmup: Annotated[int, typer.Option(min=0, help="Steps until the peak, at most a tenth of the run.")] = 100,
    clip: Annotated[float, typer.Option(min=0.0, help="Largest norm of a step's gradient; 0 = any.")] = 1.0,
    optimizer: Annotated[Literal["adamw", "muon"], typer.Option()] = "adamw",
    precision: Annotated[Literal["bf16", "fp32"], typer.Option()] = "bf16",
    held_out: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of the text only measured on.")] = 0.02,
    eval_every: Annotated[int, typer.Option(min=1, help="Steps between looks at the held-out part.")] = 200,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between saves.")] = 100,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between lines.")] = 10,
    samples: Annotated[int, typer.Option(min=0, max=20, help="Texts written at each look.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Decides first weights, order and what is held out.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="On a CPU; 0 = all cores but one.")] = 0,
    compile: Annotated[bool, typer.Option("--compile", help="Compile: begins later, then is faster.")] = False,
    accelerate: Annotated[str, typer.Option(help="A file of `accelerate config`: several GPUs, FSDP.")] = "",
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Train a model on text: from nothing, or on from a checkpoint. Ctrl-C saves and stops."""
    from botcore.training.plan import SIZES, Plan, shape_of
    from botcore.training.texts import files_of

    settings = settings_for(config)
    if size not in SIZES:
        raise typer.BadParameter(f"{size!r} is none of {', '.join(SIZES)}", param_hint="--size")
    files_of(texts)
    shape = shape_of(size, style)
    plan = Plan(
        texts=tuple(str(Path(one).resolve()) for one in texts),
        base=_base(settings, base),
        shape=None if base else dataclasses.replace(shape, vocab=vocab or shape.vocab),
        context=context,
        batch=batch,
        micro=micro,
        steps=steps,
        epochs=epochs,
        rate=rate if rate is not None else 1e-4 if base else 1e-3,
        warmup=warmup,
        clip=clip,
        optimizer=optimizer,
        precision=precision,
        held_out=held_out,
        eval_every=eval_every,
        save_every=save_every,
        log_every=log_every,
        samples=samples,
        seed=seed,
        threads=threads,
        compile=compile,
        accelerate=str(Path(accelerate).resolve()) if accelerate else "",
    )
    _leave(begin(settings, "pretrain", plan, json=json))


@app.command("sft")
def sft(
    rows: Annotated[Path, typer.Argument(help="JSON lines: prompt and completion, or messages.")],
    base: Annotated[
        str, typer.Option(help="The model to teach: a run, a folder, one that was fetched, starter.")
    ] = "starter",
    lora: Annotated[int, typer.Option(min=1, max=512, help="Rank of the adapter that is learnt.")] = 16,
    full: Annotated[bool, typer.Option("--full", help="Learn the whole model and no adapter.")] = False,
    context: Annotated[int, typer.Option(min=8, max=131_072, help="Longer rows, in tokens, are skipped.")] = 1024,
    batch: Annotated[int, typer.Option(min=1, max=65_536, help="Rows of a step.")] = 8,
    micro: Annotated[int, typer.Option(min=0, help="Rows a device holds at once; 0 = its share of a step.")] = 0,
    steps: Annotated[int, typer.Option(min=0, help="Steps; 0 = as --epochs says.")] = 0,
    epochs: Annotated[float, typer.Option(min=0.001, max=1000, help="Times through the rows.")] = 3.0,
    rate: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Peak learning rate.")] = None,
    precision: Annotated[Literal["bf16", "fp32"], typer.Option()] = "bf16",
    held_out: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of the rows only measured on.")] = 0.05,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between saves.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Decides the order and what is held out.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="On a CPU; 0 = all cores but one.")] = 0,
    accelerate: Annotated[str, typer.Option(help="A file of `accelerate config`: several GPUs, FSDP.")] = "",
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Teach a model answers, by an adapter or as a whole. Ctrl-C saves and stops."""
    from botcore.training.plan import Plan
    from botcore.training.rows import RowReader

    settings = settings_for(config)
    RowReader(rows)
    found = _base(settings, base)
    plan = Plan(
        rows=str(rows.resolve()),
        base=found,
        lora=0 if full else lora,
        context=min(context, _window(settings, found) or context),
        batch=batch,
        micro=micro,
        steps=steps,
        epochs=epochs,
        rate=rate if rate is not None else 1e-4 if full else 1e-3,
        weight_decay=0.0,
        precision=precision,
        held_out=held_out,
        eval_every=50,
        save_every=save_every,
        log_every=5,
        seed=seed,
        threads=threads,
        accelerate=str(Path(accelerate).resolve()) if accelerate else "",
    )
    _leave(_offered(settings, begin(settings, "sft", plan, json=json), json=json))


@app.command("merge")
def merge(name: RunName, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Merge the adapter that a run has made into its base: a model on its own, in safetensors."""
    from botcore.errors import TrainingError
    from botcore.training.plan import Plan
    from botcore.training.runs import find_run

    settings = settings_for(config)
    record = find_run(settings.bot.data_dir, name).read()
    adapter = record.outputs.get("adapter")
    if not adapter:
        raise TrainingError(f"{name} has made no adapter; botcore train show {name}")
    _leave(begin(settings, "merge", Plan(base=record.base, adapter=adapter), json=json))


@app.command("resume")
def resume(name: RunName, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Go on with a run that was stopped, killed or failed, from the last state it saved."""
    from botcore.errors import TrainingError
    from botcore.training.runs import find_run

    settings = settings_for(config)
    run = find_run(settings.bot.data_dir, name)
    if run.read().state == "done":
        raise TrainingError(f"{name} is done; botcore train show {name} says what came out")
    _leave(_offered(settings, _conduct(run, _python(settings), json=json), json=json))


@app.command("list")
def list_runs(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List all runs, oldest first."""
    from botcore.training.runs import all_runs

    records = all_runs(settings_for(config).bot.data_dir)
    if json:
        print_json([dataclasses.asdict(record) for record in records])
        return
    for record in records:
        typer.echo(_line(record))
    if not records:
        typer.echo("There are no runs; botcore train pretrain FOLDER begins one.")


@app.command("show")
def show_run(name: RunName, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Show one run: what it was told, its curve, its last samples, what came out."""
    from botcore.training.runs import find_run, lines_of

    run = find_run(settings_for(config).bot.data_dir, name)
    record, metrics = run.read(), lines_of(run.folder / "metrics.jsonl")
    samples = lines_of(run.folder / "samples.jsonl")
    if json:
        print_json({**dataclasses.asdict(record), "curve": metrics, "samples": samples})
    else:
        _show(record, metrics, samples)


def _base(settings: "Settings", base: str) -> str:
    """The folder that ``--base`` means; `TrainingError` names what could be meant."""
    from botcore.engine.model import find_model
    from botcore.errors import EngineUnavailable, TrainingError
    from botcore.training.runs import all_runs, find_run

    if not base:
        return ""
    if base in {record.id for record in all_runs(settings.bot.data_dir)}:
        run = find_run(settings.bot.data_dir, base)
        if not run.model.is_dir():
            raise TrainingError(f"{base} has made no model yet; botcore train resume {base}")
        return str(run.model)
    try:
        return find_model(base, data_dir=settings.bot.data_dir).source
    except EngineUnavailable as error:
        why = str(error).removeprefix("engine.model: ")
        raise TrainingError(f"{base} is no base, as there is no run of that name: {why}") from None


def _window(settings: "Settings", base: str) -> int:
    """Positions of the base; 0 where it does not say."""
    from botcore.engine.model import find_model

    return find_model(base, data_dir=settings.bot.data_dir).window


def begin(settings: "Settings", kind: str, plan: "Plan", *, json: bool) -> "Record":
    """A new run, with its progress in the terminal; how it ended."""
    from botcore.clock import SystemClock
    from botcore.training.runs import new_run

    python = _python(settings)
    run = new_run(settings.bot.data_dir, kind, plan, at=SystemClock().now())
    return _conduct(run, python, json=json)


def _python(settings: "Settings") -> Path:
    """The engine's, before anything is begun."""
    from botcore.engine.environment import find_engine

    return run_async(find_engine(settings.engine, settings.bot.data_dir)).path


def _conduct(run: "Run", python: Path, *, json: bool) -> "Record":
    lines = _Lines(json)
    lines.say({"event": "stage", "text": f"{run.id} in {run.folder}"})
    try:
        record = run_async(_conducted(run, python, lines))
    except asyncio.CancelledError:
        typer.echo(f"botcore: killed; botcore train resume {run.id} goes on from the last state saved", err=True)
        raise typer.Exit(130) from None
    lines.end(record)
    return record


def _offered(settings: "Settings", record: "Record", *, json: bool) -> "Record":
    """The same record; where it has made an adapter of its own, that is a LoRA version now."""
    from botcore.errors import BotcoreError

    if record.kind != "sft" or record.state != "done" or "adapter" not in record.outputs:
        return record
    try:
        run_async(_offer(settings, record.id))
    except BotcoreError as error:  # the training stands all the same
        typer.echo(f"! it is not offered: {error}", err=True)
    else:
        if not json:
            typer.echo(f"  compare it: botcore lora try {record.id} · let the bot use it: botcore lora use {record.id}")
    return record


async def _offer(settings: "Settings", name: str) -> None:
    from botcore.bot import visiting
    from botcore.cli.lora_offer import offered

    async with visiting(settings) as bot:
        await offered(bot, name)


def _leave(record: "Record") -> None:
    if record.state != "done":
        raise typer.Exit(130 if record.state == "stopped" else 1)


async def _conducted(run: "Run", python: Path, lines: "_Lines") -> "Record":
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


class _Lines:
    """What is said while it runs: on a terminal a step overwrites the step before."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._live = sys.stdout.isatty() and not as_json
        self._told = -1.0

    def say(self, event: "Event") -> None:
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
        if self._json:
            print_json({"event": "end", **dataclasses.asdict(record)})
        elif record.state == "done":
            made = ", ".join(f"the {what} is in {where}" for what, where in record.outputs.items())
            typer.echo(f"✓ {record.id}: {_figures(record)}; {made}")
        elif record.state == "stopped":
            typer.echo(f"! {record.id}: {record.reason}; botcore train resume {record.id} goes on from there")
        else:
            typer.echo(f"botcore: {record.reason}", err=True)


def _figures(record: "Record") -> str:
    formats = {"step": "{}", "loss": "{:.3f}", "perplexity": "{:,.2f}"}
    told = [f"{name} {form.format(record.metrics[name])}" for name, form in formats.items() if name in record.metrics]
    return ", ".join(told) or "nothing learnt yet"


def _line(record: "Record") -> str:
    base = f"on {Path(record.base).name}" if record.base else "from nothing"
    return f"{record.id:<14} {record.state:<12} {_when(record.began)}  {base:<16} {_figures(record)}"


def _show(record: "Record", metrics: list[dict[str, Any]], samples: list[dict[str, Any]]) -> None:
    from botcore.training.progress import curve

    typer.echo(_line(record))
    for name in ("reason", "base", "data", "outputs"):
        if value := getattr(record, name):
            typer.echo(f"{name:<12} {value}")
    told = {name: value for name, value in record.arguments.items() if value not in ("", None, {}, [], 0)}
    typer.echo(f"{'arguments':<12} " + ", ".join(f"{name} {value}" for name, value in told.items()))
    losses = [line["loss"] for line in metrics if line.get("kind") == "step"]
    if losses:
        typer.echo(f"{'loss':<12} {losses[0]:.3f} {curve(losses)} {losses[-1]:.3f}")
    for line in samples[-3:]:
        typer.echo(f"{'sample':<12} {' '.join(str(line['text']).split())[:160]}")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")
