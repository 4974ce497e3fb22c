"""LoRA versions of the model: which one new turns get, which are offered, which were refused and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from botcore.panels import Cell, Figure, Rows, Widget
from botcore.ports import Bot
from botcore.versions import Lora

__all__ = ["read"]

VERSIONS = 50
NONE = (
    "There are no LoRA versions yet: `botcore train feedback` makes one from what people thought of replies, "
    "`botcore lora use NAME` lets new turns have it."
)
FIGURES = 6
"""Numbers of a version's training that are told in its row; a run has all of them."""


async def read(bot: Bot) -> Sequence[Widget]:
    """What new turns get now, and the newest versions."""
    versions = sorted(await bot.loras.list(), key=lambda version: version.made_at, reverse=True)
    return [*_serving(versions), _table(versions[:VERSIONS])]


def _serving(versions: Sequence[Lora]) -> Sequence[Widget]:
    """Nothing where there never was a version: then it goes without saying."""
    if not versions:
        return []
    live = ", ".join(version.name for version in versions if version.live)
    wanted = [version for version in versions if version.state == "serving" and not version.live]
    serving = Figure(name="New turns get", value=live or "the base", tone="good" if live else "")
    return [serving, *(Figure(name="On its way", value=one.name, note=one.progress, tone="warn") for one in wanted)]


def _table(versions: Sequence[Lora]) -> Rows:
    return Rows(
        columns={
            "Version": "text",
            "State": "state",
            "Base": "text",
            "Method": "text",
            "Made": "time",
            "Figures": "text",
            "Why": "text",
            "What to do": "code",
        },
        rows=[_row(version) for version in versions],
        empty=NONE,
    )


def _row(version: Lora) -> Sequence[Cell]:
    why = version.progress or version.reason
    figures = _figures(version.figures)
    return version.name, version.state, version.base, version.method, version.made_at, figures, why, _next(version)


def _next(version: Lora) -> str:
    if version.state == "refused":
        return f"botcore train show {version.run}" if version.run else ""
    return "botcore lora off" if version.state == "serving" else f"botcore lora use {version.name}"


def _figures(figures: Mapping[str, Any]) -> str:
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    return ", ".join(f"{name} {value:.4g}" for name, value in list(numbers.items())[:FIGURES])
