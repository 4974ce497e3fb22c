"""From a training run to a LoRA version: what `botcore train` ends with, and `botcore lora use RUN` begins with."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.bot import Bot
    from botcore.training.runs import Run
    from botcore.versions import Lora

__all__ = ["offered"]


async def offered(bot: "Bot", name: str) -> "Lora":
    """The version of this name; of a training run that has made an adapter, it is offered first. `ModelError`."""
    from botcore.errors import ModelError, TrainingError
    from botcore.training.runs import find_run

    known = {version.name: version for version in await bot.loras.list()}
    if name in known:
        return known[name]
    try:
        run = find_run(bot.data_dir, name)
        record = run.read()
    except TrainingError:
        raise ModelError(f"there is no LoRA version {name}; `botcore lora list` says which there are") from None
    adapter = record.outputs.get("adapter")
    if not adapter or record.state not in ("done", "refused"):
        raise ModelError(f"the run {name} has made no adapter; `botcore train show {name}` says how it stands")
    return await bot.loras.offer(
        Path(adapter),
        name=name,
        method=record.plan.method or record.kind,
        base=_setting_for(bot, record.base),
        run=name,
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
