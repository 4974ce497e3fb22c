"""A run's adapter offered to the bot; of what was learnt from people, answers before and after are shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import counted, print_json, run_async

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.runs import Record, Run
    from botcore.versions import Lora

__all__ = ["hand_over"]

SHOWN = 3
"""Answers, before and after."""
FIGURES = ("loss", "documents", "skipped", "taught", "asked", "kept", "others")
"""What of the run stays with the version."""


def hand_over(settings: "Settings", record: "Record", *, json: bool) -> "Record":
    """The same record; the adapter that it has made is a version of the bot's model now."""
    from botcore.training.runs import find_run

    if record.kind == "feedback" and record.outputs:
        _offer(settings, find_run(settings.bot.data_dir, record.id), record, json=json)
    elif record.kind == "sft" and record.state == "done" and "adapter" in record.outputs:
        _offer_answers(settings, record, json=json)
    return record


def _offer(settings: "Settings", run: "Run", record: "Record", *, json: bool) -> None:
    """Offer the adapter, or put it on record as refused; say what changed, and how to use it."""
    version = run_async(_offered(settings, record))
    if json:
        print_json({"event": "offered", "name": version.name, "state": version.state, "reason": version.reason})
        return
    for line in _told(run, record):
        typer.echo(line)
    if version.state == "offered":
        typer.echo(f"Use it: botcore lora use {version.name}")
    else:
        typer.echo("Nothing uses it. Try again with a lower --rate, fewer --steps, or after more corrections.")


def _offer_answers(settings: "Settings", record: "Record", *, json: bool) -> None:
    """Offer what `train sft` has learnt beside its base, under the run's name."""
    from botcore.errors import BotcoreError

    try:
        run_async(_known(settings, record.id))
    except BotcoreError as error:  # the training stands all the same
        typer.echo(f"! it is not offered: {error}", err=True)
    else:
        if not json:
            typer.echo(f"  compare it: botcore lora try {record.id} · let the bot use it: botcore lora use {record.id}")


async def _known(settings: "Settings", name: str) -> None:
    from botcore.bot import visiting
    from botcore.cli.lora_offer import offered

    async with visiting(settings) as bot:
        await offered(bot, name)


async def _offered(settings: "Settings", record: "Record") -> "Lora":
    from botcore.bot import visiting

    async with visiting(settings) as bot:
        return await bot.loras.offer(
            Path(record.outputs["adapter"]),
            name=record.id,
            base=_base_name(settings, record.base),
            method=record.plan.method,
            run=record.id,
            dataset_hash=record.data,
            figures={name: record.metrics[name] for name in FIGURES if name in record.metrics},
            refused=record.reason if record.state == "refused" else "",
        )


def _base_name(settings: "Settings", base: str) -> str:
    """What the configuration calls it, where it is the bot's model."""
    from botcore.engine.model import find_model
    from botcore.errors import EngineUnavailable

    try:
        same = find_model(settings.engine.model, data_dir=settings.bot.data_dir).source == base
    except EngineUnavailable:
        same = False
    return settings.engine.model if same else base


def _told(run: "Run", record: "Record") -> list[str]:
    from botcore.training.progress import sentence
    from botcore.training.runs import lines_of

    told = record.metrics
    skipped = f", {told['skipped']} skipped (data/card.json says why)" if told.get("skipped") else ""
    learnt = f"{counted(told['documents'], 'lesson')} by {record.plan.method}{skipped}"
    lines = [f"  {learnt}; {sentence({**told, 'event': 'looked'})}"]
    for sample in _changed(lines_of(run.folder / "samples.jsonl"))[:SHOWN]:
        lines += [f"  “{_short(sample['prompt'])}”"]
        lines += [f"    {when:<6}  {_short(sample[when])}" for when in ("before", "after")]
    return lines


def _changed(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those first that changed."""
    return sorted(samples, key=lambda one: one["before"] == one["after"])


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 100 else f"{plain[:99]}…"
