"""A run that has made an adapter of its own ends by offering it as a LoRA version."""

from typing import TYPE_CHECKING

import typer

from botcore.cli.common import run_async

if TYPE_CHECKING:
    from botcore.settings import Settings
    from botcore.training.runs import Record

__all__ = ["offered"]


def offered(settings: "Settings", record: "Record", *, json: bool) -> "Record":
    """The same record; what `train sft` has learnt beside its base is a LoRA version now."""
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
