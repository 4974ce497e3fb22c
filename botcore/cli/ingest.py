"""``botcore ingest``: documents for the QA plugin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, run_async, settings_for

if TYPE_CHECKING:
    from botcore.settings import Settings

__all__ = ["ingest"]


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders: Markdown and text.")],
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """Add documents the bot answers from; unchanged ones are skipped. Works while the bot runs, too."""
    summary = run_async(_ingest(settings_for(config), paths, show=not json))
    if json:
        print_json(summary)
    if summary["refused"]:
        raise typer.Exit(1)


async def _ingest(settings: "Settings", paths: list[Path], *, show: bool) -> dict[str, Any]:
    raise NotImplementedError
