"""Engine, encoder, database, channels and plugins: how each of them is."""

from collections.abc import Iterator, Sequence

from botcore.errors import StoreError
from botcore.panels import Cell, Figure, Rows, Tone, Widget
from botcore.ports import Bot, EngineStatus, Stage
from botcore.store import Store

__all__ = ["read"]

STAGES: dict[Stage, tuple[str, Tone]] = {
    "off": ("not started", "warn"),
    "install": ("installing", "warn"),
    "model": ("loading the model", "warn"),
    "warmup": ("warming up", "warn"),
    "ready": ("ready", "good"),
    "failed": ("failed", "bad"),
}


async def read(bot: Bot, store: Store) -> Sequence[Widget]:
    """Three figures, and a row for the engine, the encoder and each part."""
    wrong = await _database(store)
    parts = list(_parts(bot))
    ill = sum(state != "ok" for _, state, _ in parts)
    return [
        _engine(bot.engine),
        Figure(name="Database", value="out of reach" if wrong else "ok", note=wrong, tone="bad" if wrong else "good"),
        Figure(
            name="Channels and plugins",
            value=f"{ill} of {len(parts)} not well" if ill else f"all {len(parts)} ok",
            tone="bad" if ill else "good",
        ),
        Rows(
            columns={"Part": "text", "State": "state", "What it says": "text"},
            rows=[_row("engine", bot.engine), *_encoder_rows(bot), *parts],
        ),
    ]


def _engine(status: EngineStatus) -> Figure:
    word, tone = STAGES[status.stage]
    share = f" {status.progress:.0%}" if status.progress is not None and status.stage != "ready" else ""
    window = f"{status.window:,} tokens" if status.window else ""
    note = ", ".join(part for part in (status.model, window) if part)
    return Figure(name="Engine", value=word + share, note=note, tone=tone)


def _encoder_rows(bot: Bot) -> Sequence[Sequence[Cell]]:
    return [_row("encoder", bot.encoder.status)] if bot.encoder else []


def _row(name: str, status: EngineStatus) -> Sequence[Cell]:
    """What it says is a sentence or two: too much for the note of a figure."""
    state = {"ready": "ok", "failed": "not well"}.get(status.stage, "waiting")
    return name, state, status.detail


async def _database(store: Store) -> str:
    """What is wrong with it; nothing is written to find out, as `/readyz` does."""
    try:
        await store.counts()
    except StoreError as error:
        return str(error)
    return ""


def _parts(bot: Bot) -> Iterator[Sequence[Cell]]:
    health = {name: told for name, told in bot.health().items() if name != "encoder"}
    for name, told in sorted(health.items(), key=lambda part: (part[1] == "ok", part[0])):
        yield (name, "ok", "") if told == "ok" else (name, "not well", told)
