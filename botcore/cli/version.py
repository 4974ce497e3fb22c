"""``botcore version``."""

import platform
from typing import Annotated

import typer

from botcore import __version__
from botcore.cli.common import AsJson, print_json

__all__ = ["root", "version"]


def _asked(yes: bool) -> None:
    if yes:
        version()
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", help="As the command version.", callback=_asked, is_eager=True)
    ] = False,
) -> None:
    """Options that stand before any command."""


def version(json: AsJson = False) -> None:
    """Print the version of botcore and of Python."""
    if json:
        print_json({"botcore": __version__, "python": platform.python_version()})
    else:
        typer.echo(f"botcore {__version__}, Python {platform.python_version()}")
