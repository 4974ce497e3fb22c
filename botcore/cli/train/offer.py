"""A run's adapter offered to the bot; of what was learnt from people, answers before and after are shown."""

from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import counted, opened, print_json, run_async

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.runs import Record, Run
    from botcore.versions import Lora

__all__ = ["hand_over"]

SHOWN = 3
"""Answers, before and after."""


def hand_over(settings: "Settings", record: "Record", *, json: bool) -> "Record":
    """The same record; the adapter that it has made is a version of the bot's model now, or on record as refused."""
    from botcore.errors import BotcoreError
    from botcore.training.runs import find_run

    if "adapter" not in record.outputs:
        return record
    try:
        version = run_async(_known(settings, record.id))
    except BotcoreError as error:  # the training stands all the same
        typer.echo(f"! it is not offered: {error}", err=True)
        return record
    if json:
        print_json({"event": "offered", "name": version.name, "state": version.state, "reason": version.reason})
        return record
    if record.kind == "feedback":
        typer.echo("\n".join(_told(find_run(settings.bot.data_dir, record.id), record)))
    typer.echo(_next(version))
    return record


async def _known(settings: "Settings", name: str) -> "Lora":
    from botcore.cli.lora_offer import newly_offered

    async with opened(settings) as bot:
        return await newly_offered(bot, name)


def _next(version: "Lora") -> str:
    if version.state == "refused":
        return "  nothing uses it; try again with a lower --rate, fewer --steps, or after more corrections"
    return f"  compare it: botcore lora try {version.name} · let the bot use it: botcore lora use {version.name}"


def _told(run: "Run", record: "Record") -> list[str]:
    from botcore.training.jsonl import lines_of
    from botcore.training.progress import sentence

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
    from botcore.training.progress import printable

    said = printable(text)
    return said if len(said) <= 100 else f"{said[:99]}…"
