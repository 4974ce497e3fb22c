"""``botcore train sft`` and ``merge``: answers, learnt by an adapter or by the whole model."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from botcore.cli.common import AsJson, ConfigFiles, settings_for
from botcore.cli.train.conduct import RunName, accelerate_file, base_of, begin, fits_its_base, leave, window_of
from botcore.cli.train.offer import hand_over

__all__ = ["merge", "sft"]


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
    epochs: Annotated[
        float, typer.Option(min=0, max=1000, help="Times through the rows; 0 = three, and few rows up to eight times.")
    ] = 0.0,
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
    found = base_of(settings, base)
    plan = Plan(
        rows=str(rows.resolve()),
        base=found,
        lora=0 if full else lora,
        context=min(context, window_of(settings, found) or context),
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
        accelerate=accelerate_file(accelerate),
    )
    leave(hand_over(settings, begin(settings, "sft", plan, json=json), json=json))


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
    if record.state == "refused":
        raise TrainingError(f"{name} is refused: {record.reason}")
    fits_its_base(record)
    leave(begin(settings, "merge", Plan(base=record.base, adapter=adapter), json=json))
