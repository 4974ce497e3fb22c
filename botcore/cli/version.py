"""``botcore version``."""

import platform

import typer

from botcore import __version__
from botcore.cli.common import AsJson, print_json

__all__ = ["version"]


def version(json: AsJson = False) -> None:
    """Print the version of botcore and of Python."""
    if json:
        print_json({"botcore": __version__, "python": platform.python_version()})
    else:
        typer.echo(f"botcore {__version__}, Python {platform.python_version()}")
