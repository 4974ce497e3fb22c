"""``botcore train pretrain``: a model from text, or one that goes on learning from it."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import typer

from botcore.cli.common import AsJson, ConfigFiles, settings_for
from botcore.cli.train.conduct import accelerate_file, base_of, begin, leave

__all__ = ["pretrain"]


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
        base=base_of(settings, base),
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
        accelerate=accelerate_file(accelerate),
    )
    leave(begin(settings, "pretrain", plan, json=json))
