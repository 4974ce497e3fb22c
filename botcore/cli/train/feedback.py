"""``botcore train feedback``: what people taught becomes an adapter, which is offered where it has not collapsed."""

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from botcore.cli.common import AsJson, ConfigFiles, run_async, settings_for
from botcore.cli.plugins import load_with_visit
from botcore.cli.train.conduct import base_of, engine_python, finish, hash_of_base, window_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botcore.registry import WriteLessons
    from botcore.settings import Settings
    from botcore.training.mix import Method
    from botcore.training.plan import Plan
    from botcore.training.runs import Run

__all__ = ["feedback"]

CAREFUL = 2e-4
"""For a model of ordinary size."""
SMALL, SMALL_RATES = 100_000_000, {"sft": 2e-3, "dpo": 2e-3, "kto": 5e-4}
"""A model of fewer parameters needs more to learn anything in a hundred steps. Thumbs say what not to say, and nothing
to say instead: KTO collapses at rates that the others bear."""


def feedback(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of `botcore feedback export`; none = what the bot has stored.")
    ] = None,
    method: Annotated[
        Literal["sft", "kto", "dpo"] | None,
        typer.Option(help="sft: answers, kto: thumbs, dpo: pairs. Left out: as suits what is there."),
    ] = None,
    base: Annotated[str, typer.Option(help="The model to teach: as --base of sft; empty = engine.model.")] = "",
    lora: Annotated[int, typer.Option(min=1, max=512, help="Rank of the adapter.")] = 16,
    context: Annotated[int, typer.Option(min=8, max=131_072, help="Longer lessons, in tokens, are skipped.")] = 1024,
    batch: Annotated[int, typer.Option(min=2, max=65_536, help="Rows of a step.")] = 4,
    steps: Annotated[int, typer.Option(min=0, help="Steps; 0 = few lessons often, many once.")] = 0,
    rate: Annotated[float, typer.Option(min=0.0, max=1.0, help="Peak rate; 0 = as suits base and method.")] = 0.0,
    beta: Annotated[float, typer.Option(min=0.001, max=100.0, help="kto, dpo: more = closer to the base.")] = 0.1,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between saves.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Decides the order, and what is held out.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="On a CPU; 0 = all cores but one.")] = 0,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Learn from what people taught: corrections, thumbs, better answers. Ctrl-C saves and stops."""
    settings = settings_for(config)
    python, found = engine_python(settings), base_of(settings, base or settings.engine.model)
    told = {"lora": lora, "beta": beta, "batch": batch, "steps": steps, "rate": rate, "save_every": save_every}
    plan = _plan(found, min(context, window_of(settings, found) or context), **told, seed=seed, threads=threads)
    finish(settings, _prepared(settings, plan, files or [], method), python, json=json)


def _plan(base: str, context: int, **told: Any) -> "Plan":
    """What somebody chose, and what suits a short run."""
    from botcore.training.plan import Plan

    return Plan(base=base, context=context, warmup=10, weight_decay=0.0, precision="fp32", log_every=5, **told)


def _prepared(settings: "Settings", plan: "Plan", files: list[Path], asked: "Method | None") -> "Run":
    """A run with its lessons and the method for them; none where there are too few."""
    from botcore.clock import SystemClock
    from botcore.training.runs import new_run

    run = new_run(settings.bot.data_dir, "feedback", plan, at=SystemClock().now())
    try:
        run.lessons.mkdir()
        left_out = _gathered(settings, run.lessons, files)
        method = _method(run, asked, left_out)
        plan = dataclasses.replace(plan, method=method, rate=plan.rate or _rate(plan.base, method))
        run.change(arguments=plan.as_json(), base_hash=hash_of_base(plan))
    except BaseException:
        shutil.rmtree(run.folder)
        raise
    return run


def _gathered(settings: "Settings", folder: Path, files: list[Path]) -> "Mapping[str, int]":
    """The lessons in the run's folder: from these files, or as the plugin that keeps them writes them."""
    from botcore.errors import TrainingError
    from botcore.newfile import plainly
    from botcore.training.rows import readable

    for number, file in enumerate(files):
        with plainly(f"cannot copy {file}"):
            shutil.copyfile(readable(file), folder / f"{number}.jsonl")
    if files:
        return {}
    write = load_with_visit(settings).registered.lessons
    if write is None:
        raise TrainingError("no plugin keeps what people think of replies; add [plugins.finetune] to the configuration")
    return run_async(_written(write, folder))


async def _written(write: "WriteLessons", folder: Path) -> "Mapping[str, int]":
    return await write(folder)


def _method(run: "Run", asked: "Method | None", left_out: "Mapping[str, int]") -> "Method":
    from botcore.errors import TrainingError
    from botcore.training.lessons import LessonReader
    from botcore.training.mix import chosen_method

    lessons = list(LessonReader(sorted(run.lessons.glob("*.jsonl"))).lessons())
    try:
        return chosen_method(lessons, asked)
    except TrainingError as error:
        others = "".join(f"; left out: {number} {reason}" for reason, number in left_out.items())
        raise TrainingError(f"{error}{others}; `botcore feedback list` shows what there is") from None


def _rate(base: str, method: "Method") -> float:
    from botcore.models.weights import tensors_of, weights_in

    parameters = sum(tensors_of(weights_in(Path(base))).values())
    return SMALL_RATES[method] if parameters < SMALL else CAREFUL
