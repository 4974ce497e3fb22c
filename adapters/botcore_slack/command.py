"""``botcore slack manifest``: the app to create, before anything is configured."""

import json as json_format
import re
from typing import Annotated

import typer

from botcore_slack import manifest as manifests

__all__ = ["manifest"]


def manifest(
    name: Annotated[str, typer.Option(help="What the app is called in Slack.")] = "botcore",
    url: Annotated[str, typer.Option(help="Where this bot is reached from outside: Slack posts events there.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="The table it is for: [channels.NAME].")] = "slack",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of YAML; Slack takes both.")] = False,
) -> None:
    """Print the app's manifest, and on stderr what to do with it."""
    if url and not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]*)?", url):
        typer.echo(f"--url {url}: Slack posts to addresses like https://bot.example.com only", err=True)
        raise typer.Exit(2)
    if not re.fullmatch(r"[\w-]+", channel, re.ASCII):
        typer.echo(f"--channel {channel}: names of channels have letters, digits, _ and - only", err=True)
        raise typer.Exit(2)
    made = manifests.manifest(name, url, channel)
    typer.echo(json_format.dumps(made, indent=2, ensure_ascii=False) if json else manifests.yaml(made).rstrip())
    typer.echo(manifests.next_steps(url, channel), err=True)
