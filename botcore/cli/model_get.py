"""``botcore model get``: size, licence and fit first, then the files, with rate and time left."""

import os
import sys
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import (
    AsJson,
    ConfigFiles,
    counted,
    print_json,
    progress,
    run_async,
    settings_for,
    size_of,
)
from botcore.cli.model_card import ENCODER
from botcore.cli.model_use import choose, refuse_elsewhere
from botcore.clock import Clock, SystemClock
from botcore.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from botcore.engine.fit import Fit
    from botcore.models.fetch import Plan
    from botcore.models.shelf import Shelf
    from botcore.settings import Settings

__all__ = ["Meter", "get"]


def get(
    name: Annotated[str, typer.Argument(help="A hub's name, such as owner/model.")],
    revision: Annotated[str, typer.Option(help="A branch, tag or commit instead of the main branch.")] = "",
    use: Annotated[bool, typer.Option("--use", help="Then choose it, as `botcore model use` does.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing, and fetch also what does not fit here.")] = False,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Fetch a model from the hub: safetensors only, every file checked. HF_ENDPOINT and HF_TOKEN are honoured.

    Interrupted, it keeps what is there, and the same command goes on. Afterwards nothing asks the hub any more.
    """
    from botcore.models import Shelf

    settings = settings_for(config)
    shelf = Shelf(settings.bot.data_dir)
    try:
        folder, agreed = _fetched(shelf, settings, name, revision, use=use, yes=yes, json=json)
    except KeyboardInterrupt:
        typer.echo("interrupted; what is there is kept, and the same command goes on", err=True)
        raise typer.Exit(130) from None
    chosen = choose(name, config, agreed=agreed) if use else None
    if json:
        print_json({"event": "done", "folder": str(folder), "use": asdict(chosen) if chosen else None})
        return
    typer.echo(f"✓ {name} is in {folder}")
    typer.echo("\n".join(chosen.lines) if chosen else f"  use it: botcore model use {name}")


def _fetched(
    shelf: "Shelf", settings: "Settings", name: str, revision: str, *, use: bool, yes: bool, json: bool
) -> tuple["Path", bool]:
    """Where it is, and whether somebody wants it whether it fits or not."""
    from botcore.engine.fit import fit
    from botcore.engine.room import room
    from botcore.models.shelf import checked_name

    clock = SystemClock()
    planned = run_async(_planned(shelf, checked_name(name), revision, clock))
    found = fit(planned.facts, room(), settings.engine)
    if use:  # before a byte is fetched for nothing
        refuse_elsewhere(planned.facts, settings)
    if _is_here(shelf, planned):
        return shelf.folder(name), yes
    _tell_first(planned, found, json=json)
    _agree(planned, found, yes=yes, json=json)
    return run_async(_fetch(shelf, planned, clock, json=json)), True


def _is_here(shelf: "Shelf", planned: "Plan") -> bool:
    """Whether this very commit was fetched, and every byte of it is still as it was."""
    from botcore.models.shelf import differences

    record = shelf.record(planned.listing.name)
    if record is None or record.revision != planned.listing.commit:
        return False
    return next(differences(shelf.folder(record.name), record), None) is None


async def _planned(shelf: "Shelf", name: str, revision: str, clock: Clock) -> "Plan":
    from botcore.models.fetch import plan
    from botcore.models.hub import open_hub

    async with open_hub(os.environ, clock=clock) as hub:
        return await plan(hub, shelf, name, revision)


def _tell_first(planned: "Plan", found: "Fit", *, json: bool) -> None:
    """What is known before a byte of it is fetched."""
    listing = planned.listing
    if json:
        said = {"name": listing.name, "revision": listing.commit, "licence": listing.licence, "bytes": planned.bytes}
        print_json({"event": "plan", **said, "here": planned.here, "files": len(planned.files), "fit": asdict(found)})
        return
    here = f", {size_of(planned.here)} of them here already" if planned.here else ""
    typer.echo(f"{listing.name} at {listing.commit[:12]}")
    typer.echo(f"  size     {size_of(planned.bytes)} in {counted(len(planned.files), 'file')}{here}")
    typer.echo(f"  licence  {listing.licence or 'not said; look at its page before you use it'}")
    typer.echo(f"  {found.verdict:<8} {found.why}")
    if planned.facts.encoder:
        typer.echo(f"  made for {ENCODER}")
    elif not planned.facts.chat_template:
        typer.echo("  !        it has no chat template: it continues text, and cannot chat as it is")


def _agree(planned: "Plan", found: "Fit", *, yes: bool, json: bool) -> None:
    """Go on, ask a person who is there, or refuse what does not fit."""
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty() and not json:
        if not typer.confirm("Fetch it?", default=found.verdict != "no", err=True):
            raise typer.Exit(1)
    elif found.verdict == "no":
        raise ModelError(
            f"{planned.listing.name} does not fit this machine: {found.why}; --yes fetches it all the same"
        )


async def _fetch(shelf: "Shelf", planned: "Plan", clock: Clock, *, json: bool) -> "Path":
    from botcore.models.fetch import fetch
    from botcore.models.hub import open_hub

    meter = Meter(clock)
    with progress(quiet=json) as show:

        def tell(file: str, have: int, total: int) -> None:
            if not meter.due(have, every=1.0 if json else 0.2):
                return
            if json:
                print_json({"event": "progress", "file": file, "bytes": have, "of": total, "rate": round(meter.rate)})
            else:
                show(f"{have / total:.0%} of {size_of(total)}, {meter.words(total)}  {file}")

        async with open_hub(os.environ, clock=clock) as hub:
            return await fetch(hub, shelf, planned, tell, clock=clock)


class Meter:
    """How fast, over the last ten seconds, and how long it still takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen = deque[tuple[float, int]](maxlen=50)
        self._told = float("-inf")

    def due(self, have: int, *, every: float) -> bool:
        """Note ``have`` bytes; whether it is time to say so again."""
        now = self._clock.monotonic()
        if now - self._told < every:
            return False
        self._told = now
        self._seen.append((now, have))
        while now - self._seen[0][0] > 10:
            self._seen.popleft()
        return True

    @property
    def rate(self) -> float:
        """Bytes a second."""
        (began, first), (now, have) = self._seen[0], self._seen[-1]
        return (have - first) / (now - began) if now > began else 0.0

    def words(self, total: int) -> str:
        """Rate and time left."""
        if not self.rate:
            return "…"
        left = (total - self._seen[-1][1]) / self.rate
        return f"{size_of(self.rate)}/s, {f'{left / 60:.0f} min' if left >= 90 else f'{left:.0f} s'} left"
