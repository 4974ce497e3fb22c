"""Which panels the core has; a plugin that has one of the same id goes before."""

import asyncio
from collections.abc import MutableMapping
from functools import partial
from typing import TYPE_CHECKING

from botcore.observe import Metrics
from botcore.overview import health, inbox, lora, training, turns
from botcore.ports import Bot
from botcore.registry import Panel
from botcore.store import Store

if TYPE_CHECKING:
    from botcore.panels import Read

__all__ = ["add_panels"]


def add_panels(panels: MutableMapping[str, Panel], bot: Bot, store: Store, metrics: Metrics) -> None:
    """Put the core's panels before those of the plugins. ``store`` is open whenever one is read."""
    own = (
        _panel("health", "Health", partial(health.read, bot, store)),
        _panel("inbox", "Inbox", partial(inbox.read, store)),
        _panel("turns", "Turns", partial(turns.read, metrics, bot.clock)),
        _panel("training", "Training", lambda: asyncio.to_thread(training.read, bot.data_dir)),  # reads files
        _panel("lora", "LoRA versions", partial(lora.read, bot)),
    )
    plugins = dict(panels)
    panels.clear()
    panels.update({panel.id: panel for panel in own} | plugins)


def _panel(id: str, title: str, read: "Read") -> Panel:
    return Panel(id=id, title=title, read=read, owner="botcore")
