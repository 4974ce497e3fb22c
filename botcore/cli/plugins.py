"""``botcore plugins``, and the commands plugins add."""

from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, settings_for

if TYPE_CHECKING:
    from botcore.loader import Loaded

__all__ = ["add_commands", "plugins"]


def plugins(config: ConfigFiles = None, json: AsJson = False) -> None:
    """List what is installed, what is enabled, its hooks, and what could not be loaded."""
    from botcore.loader import available, load

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


def add_commands(app: typer.Typer, arguments: list[str]) -> None:
    """Add the commands plugins registered, when the one asked for is none of our own: loading plugins costs time."""
    own = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    if not arguments or arguments[0].startswith("-") or arguments[0] in own:
        return
    from botcore.loader import load

    for name, added in load(settings_for(None)).registered.clis.items():
        app.add_typer(added, name=name)


def _hooks(loaded: "Loaded") -> dict[str, list[str]]:
    names = dict[str, list[str]]()
    for hook, bounds in loaded.hooks.items():
        for bound in bounds:
            names.setdefault(bound.plugin, []).append(hook)
    return names


def _package(name: str) -> str:
    from botcore.loader import available

    point = available().get(name)
    return f"{point.dist.name} {point.dist.version}" if point and point.dist else ""


def _line(row: dict[str, Any]) -> str:
    mark = "!" if row["problem"] else "✓" if row["enabled"] else "-"
    told = row["problem"] or (", ".join(row["hooks"]) if row["enabled"] else "not enabled")
    return f"{mark} {row['name']:<12} {told}   ({row['package'] or 'not installed'})"
