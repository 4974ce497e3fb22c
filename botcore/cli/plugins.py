"""``botcore plugins``, and the commands plugins add."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, settings_for
from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from botcore import ports
    from botcore.loader import Loaded
    from botcore.registry import CliCommands
    from botcore.settings import Settings

__all__ = ["add_commands", "load_with_visit", "plugins"]


def plugins(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List what is installed, what is enabled, its hooks, and what could not be loaded."""
    from botcore.installed import available
    from botcore.loader import load

    settings = settings_for(config)
    loaded = load(settings)
    enabled = {**settings.plugins, **settings.channels}
    hooks = _hooks(loaded)
    rows = [
        {
            "name": name,
            "enabled": name in enabled,
            "hooks": hooks.get(name, []),
            "problem": loaded.problems.get(name, ""),
            "package": _package(name),
        }
        for name in dict.fromkeys([*enabled, *available()])
    ]
    if json:
        print_json(rows)
    else:
        for row in rows:
            typer.echo(_line(row))
    if loaded.problems:
        raise typer.Exit(1)


def add_commands(app: typer.Typer, arguments: list[str]) -> list[str]:
    """Add the commands of plugins; returns the arguments without the ``--config FILE`` that was used to find them.

    Loading plugins costs time, so it is done only where none of our own commands is asked for. A configuration that is
    wrong does not keep ``--help`` from being shown.
    """
    own = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    asks_help = not arguments or arguments[0] in ("--help", "-h")
    if not asks_help and (arguments[0] in own or arguments[0].startswith("-")):
        return arguments
    helper = "" if asks_help else arguments[0]
    if _add_helpers(app, helper):
        return arguments
    files, others = _config_files(arguments)
    try:
        commands = _commands(files)
    except BotcoreError:
        if not asks_help:
            raise
        commands = {}
    for name, command in commands.items():
        _add(app, name, command)
    return others


def _add_helpers(app: typer.Typer, name: str) -> bool:
    """Add the set-up helpers called ``name``, or the names of all of them for ``--help``; whether it is theirs."""
    from botcore.installed import imported, set_up_helpers

    helpers = set_up_helpers()
    for group, points in helpers.items():
        if name in ("", group):
            called = {sub: imported(group, point) for sub, point in points.items()} if name else {}
            _add_group(app, group, called, points)
    return name in helpers


def _add(app: typer.Typer, name: str, command: "CliCommands") -> None:
    if callable(command):
        app.command(name)(command)
    else:
        _add_group(app, name, command, command)


def _add_group(
    app: typer.Typer, name: str, commands: "Mapping[str, Callable[..., None]]", listed: "Iterable[str]"
) -> None:
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    for sub_command, function in commands.items():
        group.command(sub_command)(function)
    app.add_typer(group, name=name, help=f"{', '.join(listed)}: see botcore {name} --help.")


def _commands(files: list[Path]) -> "dict[str, CliCommands]":
    return load_with_visit(settings_for(files)).registered.clis


def load_with_visit(settings: "Settings") -> "Loaded":
    """The plugins of the configuration, which may open the database when a command of theirs, or ours, runs."""
    from botcore.loader import load

    @asynccontextmanager
    async def visit() -> "AsyncIterator[ports.Bot]":
        from botcore.bot import visiting

        async with visiting(settings) as bot:
            yield bot

    return load(settings, visit=visit)


def _config_files(arguments: list[str]) -> tuple[list[Path], list[str]]:
    files, others, rest = list[Path](), list[str](), iter(arguments)
    for argument in rest:
        if argument in ("--config", "-c"):
            files.append(Path(next(rest, "")))
        elif argument.startswith("--config="):
            files.append(Path(argument.removeprefix("--config=")))
        else:
            others.append(argument)
    return files, others


def _hooks(loaded: "Loaded") -> dict[str, list[str]]:
    names = dict[str, list[str]]()
    for hook, bounds in loaded.hooks.items():
        for bound in bounds:
            names.setdefault(bound.plugin, []).append(hook)
    return names


def _package(name: str) -> str:
    from botcore.installed import available

    point = available().get(name)
    return f"{point.dist.name} {point.dist.version}" if point and point.dist else ""


def _line(row: dict[str, Any]) -> str:
    mark = "!" if row["problem"] else "✓" if row["enabled"] else "-"
    told = row["problem"] or (", ".join(row["hooks"]) if row["enabled"] else "not enabled")
    return f"{mark} {row['name']:<12} {told}   ({row['package'] or 'not installed'})"
