"""``botcore model``: which models there are, what fits this machine and why, and which one the engine loads.

`get` is in model_get.py, and what is said about a model in model_card.py.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli import model_get
from botcore.cli.common import AsJson, ConfigFiles, command_group, counted, print_json, run_async, settings_for
from botcore.cli.model_card import Card, all_cards, card_of, facts_lines, hub_card, label, line
from botcore.cli.model_use import choose
from botcore.errors import ModelError

if TYPE_CHECKING:
    from botcore.engine.room import Room
    from botcore.settings import Settings

__all__ = ["app"]

app: typer.Typer = command_group("Models: get, choose, look at them.")
app.command("get")(model_get.get)

Name = Annotated[str, typer.Argument(help='"starter", a folder, or a hub\'s name such as owner/model.')]


@app.command("list")
def list_models(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List the models on this machine: which is in use, and what fits here and why not."""
    from botcore.engine.room import room
    from botcore.models import Shelf

    settings, here = settings_for(config), room()
    cards = all_cards(settings, here)
    unfinished = dict(Shelf(settings.bot.data_dir).unfinished())
    if json:
        rows = [asdict(card) for card in cards]
        print_json({"machine": asdict(here), "models": rows, "unfinished": unfinished})
        return
    for card in cards:
        typer.echo(line(card))
        if card.name == "starter":
            typer.echo("\n".join(f"    {text}" for text in label(here, settings)))
    for name in unfinished:
        typer.echo(f"… {name} was interrupted; go on: botcore model get {name}")
    typer.echo(f"This machine: {here.words}. Why a model fits or not: botcore model info NAME")


@app.command("info")
def info(name: Name, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Say what a model is, where it came from, and whether it fits here and why. Asks the hub for one not here."""
    from botcore.engine.room import room

    settings, here = settings_for(config), room()
    card = _found(name, settings, here) or run_async(hub_card(name, settings, here))
    if json:
        print_json(asdict(card))
        return
    for key, value in facts_lines(card):
        typer.echo(f"{key:<14} {value}")
    if name == "starter":
        typer.echo("\n".join(label(here, settings)))


@app.command("use")
def use(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also where it does not fit here, or cannot chat.")] = False,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Write the choice into config/local.toml; it holds from the next start. Undo: botcore model use starter."""
    chosen = choose(name, config, force=force)
    print_json(asdict(chosen)) if json else typer.echo("\n".join(chosen.lines))


@app.command("verify")
def verify(name: Name, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Read every byte of a model and compare it with what was recorded when it was fetched."""
    settings = settings_for(config)
    folder, problems, checked = _verified(name, settings)
    if json:
        print_json({"name": name, "folder": str(folder), "files": checked, "problems": problems})
    elif not problems:
        typer.echo(f"✓ {name}: {counted(checked, 'file')} as fetched, in {folder}")
    for file, problem in problems.items():
        typer.echo(f"! {file} {problem}", err=True)
    if problems:
        typer.echo(f"fetch it again: botcore model get {name}", err=True)
        raise typer.Exit(1)


def _verified(name: str, settings: "Settings") -> tuple[Path, dict[str, str], int]:
    from botcore.models.shelf import Shelf, differences

    shelf = Shelf(settings.bot.data_dir)
    record = None if name == "starter" or Path(name).is_dir() else shelf.record(name)
    if record is None:
        raise ModelError(f"{name} was not fetched by `botcore model get`, so nothing is recorded to compare it with")
    folder = shelf.folder(name)
    return folder, dict(differences(folder, record)), len(record.files)


def _found(name: str, settings: "Settings", here: "Room") -> Card | None:
    """The card of a model that is here; None for a hub's name that was not fetched."""
    from botcore.engine.model import find_model, is_folder
    from botcore.models import Shelf

    data_dir = settings.bot.data_dir
    if name == "starter" or is_folder(name) or Shelf(data_dir).record(name):
        return card_of(find_model(name, data_dir=data_dir), settings, here)
    return None
