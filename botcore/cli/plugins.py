"""``botcore plugins``, and the commands plugins add."""

from contextlib import asynccontextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, command_group, opened, print_json, settings_for
from botcore.errors import BotcoreError, SettingsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from importlib.metadata import EntryPoint

    from botcore import ports
    from botcore.loader import Loaded
    from botcore.registry import CliCommands
    from botcore.settings import Settings

__all__ = ["add_commands", "load_with_visit", "plugins"]

CONFIG_TOO = "Also takes --config FILE: a configuration file instead of the shipped one; repeatable."


def plugins(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List what is installed, what is enabled, its hooks, and what could not be loaded."""
    from botcore.installed import available
    from botcore.loader import load

    settings = settings_for(config)
    loaded = load(settings)
    enabled = {name: str(table.get("use", name)) for name, table in {**settings.plugins, **settings.channels}.items()}
    others = [name for name in available() if name not in enabled.values()]
    hooks = _hooks(loaded)
    rows = [
        {
            "name": name,
            "enabled": name in enabled,
            "hooks": hooks.get(name, []),
            "problem": loaded.problems.get(name, ""),
            "warning": loaded.warnings.get(name, ""),
            "package": _package(enabled.get(name, name)),
        }
        for name in dict.fromkeys([*enabled, *others])
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
    wrong does not keep ``--help`` from being shown, nor a set-up helper from running.
    """
    from botcore.installed import set_up_helpers

    own = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    asks_help = not arguments or arguments[0] in ("--help", "-h")
    if not asks_help and (arguments[0] in own or arguments[0].startswith("-")):
        return arguments
    helpers = set_up_helpers()
    asked = {} if asks_help else helpers.get(arguments[0], {})
    if asked and arguments[1:2] and arguments[1] in asked:
        _add(app, arguments[0], {}, _loaded(arguments[0], asked))
        return arguments
    files, others = _config_files(arguments)
    try:
        loaded = load_with_visit(settings_for(files))
        commands, problems = loaded.registered.clis, loaded.problems
    except BotcoreError:
        if not asks_help and not asked:
            raise
        commands, problems = {}, {}
    if not asks_help and arguments[0] not in {*helpers, *commands}:
        raise SettingsError(_unknown(arguments[0], [*own, *helpers, *commands], problems))
    for name in dict.fromkeys([*helpers, *commands]):
        called = _loaded(name, asked) if asked and name == arguments[0] else {}
        _add(app, name, commands.get(name, {}), called, listed=helpers.get(name, {}))
    return others


def _loaded(group: str, points: "Mapping[str, EntryPoint]") -> "dict[str, Callable[..., None]]":
    from botcore.installed import imported

    return {sub_command: imported(group, point) for sub_command, point in points.items()}


def _add(
    app: typer.Typer,
    name: str,
    command: "CliCommands",
    helpers: "Mapping[str, Callable[..., None]]",
    listed: "Iterable[str]" = (),
) -> None:
    """What the plugin of this name has registered, and its set-up helpers; all of these may be ``listed``."""
    if callable(command):
        app.command(name, epilog=CONFIG_TOO)(command)
        return
    names = dict.fromkeys([*listed, *command, *helpers])
    group = command_group(f"Sub-commands: {', '.join(names)}.")
    for sub_command, function in command.items():
        group.command(sub_command, epilog=CONFIG_TOO)(function)
    for sub_command, function in helpers.items():
        group.command(sub_command)(function)
    app.add_typer(group, name=name)


def _unknown(command: str, there: "Iterable[str | None]", problems: "Mapping[str, str]") -> str:
    """That there is none, and why: a plugin's is there where the plugin is enabled and could be loaded."""
    near = get_close_matches(command, [str(name) for name in there], n=1)
    hint = f'did you mean "{near[0]}"?' if near else "one of a plugin is there where --config FILE enables the plugin"
    return "; ".join([f'there is no command "{command}"', hint, *problems.values()])


def load_with_visit(settings: "Settings") -> "Loaded":
    """The plugins of the configuration, which may open the database when a command of theirs, or ours, runs."""
    from botcore.loader import load

    @asynccontextmanager
    async def visit(*, existing: bool = False) -> "AsyncIterator[ports.Bot]":
        async with opened(settings, existing=existing) as bot:
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
    wrong = row["problem"] or row["warning"]
    mark = "!" if wrong else "✓" if row["enabled"] else "-"
    told = wrong or ((", ".join(row["hooks"]) or "no hook") if row["enabled"] else "not enabled")
    return f"{mark} {row['name']:<12} {told}   ({row['package'] or 'not installed'})"
