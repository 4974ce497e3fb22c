"""From a training run to a LoRA version: what `botcore train` ends with, and `botcore lora use RUN` begins with."""

import json
from collections.abc import Collection
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.bot import Bot
    from botcore.training.runs import Run
    from botcore.versions import Lora

__all__ = ["newly_offered", "offered"]


async def offered(bot: "Bot", name: str) -> "Lora":
    """The version of this name; of a training run that has made an adapter, it is offered first. `BotcoreError`."""
    from botcore.errors import ModelError, TrainingError
    from botcore.training.runs import find_run

    known = {version.name: version for version in await bot.loras.list()}
    if name in known:
        return known[name]
    try:
        run = find_run(bot.data_dir, name)
    except TrainingError:
        raise ModelError(f"there is no LoRA version {name}; `botcore lora list` says which there are") from None
    return await _offered(bot, run, name)


async def newly_offered(bot: "Bot", run: str) -> "Lora":
    """The version of what a run has made just now, with its name or, where that is taken, one like it.

    A version keeps its name for ever; a run whose folder was deleted leaves its own to the next.
    """
    from botcore.training.runs import find_run

    known = [version.name for version in await bot.loras.list()]
    return await _offered(bot, find_run(bot.data_dir, run), _free(run, known))


def _free(name: str, taken: Collection[str]) -> str:
    others = (f"{name}.{number}" for number in count(2))
    return name if name not in taken else next(other for other in others if other not in taken)


async def _offered(bot: "Bot", run: "Run", name: str) -> "Lora":
    from botcore.cli.train.conduct import fits_its_base
    from botcore.errors import ModelError

    record = run.read()
    adapter = record.outputs.get("adapter")
    if not adapter or record.state not in ("done", "refused"):
        raise ModelError(f"the run {run.id} has made no adapter; `botcore train show {run.id}` says how it stands")
    fits_its_base(record)
    return await bot.loras.offer(
        Path(adapter),
        name=name,
        method=record.plan.method or record.kind,
        base=_setting_for(bot, record.base),
        run=run.id,
        dataset_hash=record.data,
        figures={**record.metrics, **_rows(run)},
        refused=record.reason if record.state == "refused" else "",
    )


def _setting_for(bot: "Bot", folder: str) -> str:
    """What ``engine.model`` says of a base's folder, where it is that one or the model in the box."""
    from botcore.engine.model import find_model
    from botcore.errors import ModelError

    for setting in (bot.settings.engine.model, "starter"):
        try:
            if find_model(setting, data_dir=bot.data_dir).source == folder:
                return setting
        except ModelError:
            continue
    return folder


def _rows(run: "Run") -> dict[str, int]:
    try:
        card = json.loads((run.folder / "data" / "card.json").read_text(encoding="utf-8"))
        return {"rows": int(card["documents"])}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
