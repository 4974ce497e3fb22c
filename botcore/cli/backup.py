"""``botcore backup`` and ``botcore restore``: all a bot keeps, in one file and back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botcore import __version__
from botcore.cli.common import (
    AsJson,
    ConfigFiles,
    Force,
    counted,
    mind_sigterm,
    print_json,
    progress,
    settings_for,
    size_of,
)

if TYPE_CHECKING:
    from botcore.store.backup import Manifest

__all__ = ["backup", "restore"]


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as monday.tar.gz.")],
    config: ConfigFiles = None,
    force: Force = False,
    json: AsJson = False,
) -> None:
    """Write the database and the files into one archive, whether the bot runs or not."""
    from botcore.clock import SystemClock
    from botcore.store.backup import back_up

    settings, now = settings_for(config), SystemClock().now()
    url, data_dir = settings.store_url, settings.bot.data_dir
    mind_sigterm()
    with progress(quiet=json) as report:
        made = back_up(url, data_dir, file, version=__version__, now=now, force=force, report=report)
    size = file.stat().st_size
    if json:
        print_json({"file": str(file), "bytes": size, **_fields(made)})
    else:
        typer.echo(f"{file}: {size_of(size)}; {_told(made, made.counts)}")


def restore(
    file: Annotated[Path, typer.Argument(help="An archive that `botcore backup` wrote.")],
    config: ConfigFiles = None,
    force: Annotated[bool, typer.Option("--force", help="Also over what is there, which is kept aside.")] = False,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the database and the files. The bot must not run."""
    from botcore.clock import SystemClock
    from botcore.store.backup import restore

    settings, now = settings_for(config), SystemClock().now()
    url, data_dir = settings.store_url, settings.bot.data_dir
    mind_sigterm()
    with progress(quiet=json) as report:
        done = restore(file, url, data_dir, version=__version__, now=now, force=force, report=report)
    if json:
        more = {"kept": list(map(str, done.kept)), "follow": list(done.follow)}
        print_json({"file": str(file), **more, **_fields(done.manifest)})
        return
    made_at = datetime.fromtimestamp(done.manifest.made_at, UTC)
    typer.echo(f"restored the state of {made_at:%Y-%m-%d %H:%M} UTC: {_told(done.manifest, done.counts)}")
    for path in done.kept:
        typer.echo(f"kept what was here before: {path}")
    if done.follow:
        typer.echo(f"the tables of {', '.join(done.follow)} are filled when the bot starts")
    if unsent := done.counts["unsent"]:
        typer.echo(f"{counted(unsent, 'part')} of replies not delivered then: the bot sees to it when it starts")


def _told(manifest: "Manifest", counts: dict[str, int]) -> str:
    rows = (counted(counts[f"{what}s"], what) for what in ("conversation", "exchange", "judgement"))
    return ", ".join((*rows, counted(manifest.files, "file")))


def _fields(manifest: "Manifest") -> dict[str, Any]:
    return manifest.model_dump(exclude={"format", "members"}) | {"files": manifest.files}
