"""What is installed: plugins, channels and set-up helpers, by their entry points. Nothing is built here."""

import difflib
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

from botcore.errors import PluginLoadError

__all__ = ["GROUP", "available", "entry_point", "imported", "plugin_class", "set_up_helpers"]

GROUP, CLI_GROUP = "botcore", "botcore.cli"


def available() -> dict[str, EntryPoint]:
    """Everything installed that could be enabled, by the name a person writes."""
    return {point.name: point for point in _points(GROUP, tuple(sys.path))}


@cache
def _points(group: str, _: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """By name. All packages are read for it (20 ms with 80 of them), so each path is looked through once."""
    return tuple(sorted(entry_points(group=group), key=lambda point: point.name))


def set_up_helpers() -> dict[str, dict[str, EntryPoint]]:
    """Commands that installed packages offer before anything is configured: name → sub-command → where it is.

    ``telegram.setup`` in the group ``botcore.cli`` is ``botcore telegram setup``. Nothing is loaded for the list.
    """
    helpers = dict[str, dict[str, EntryPoint]]()
    for point in _points(CLI_GROUP, tuple(sys.path)):
        name, _, sub_command = point.name.partition(".")
        helpers.setdefault(name, {})[sub_command] = point
    return helpers


def entry_point(section: str, name: str, use: str) -> EntryPoint:
    """The one called ``use``, for the table ``[section.name]``. Raises `PluginLoadError` with the nearest there is."""
    points = available()
    if use in points:
        _refuse_two(section, name, use)
        return points[use]
    near = difflib.get_close_matches(use, points, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"installed are: {', '.join(points) or 'none'}"
    raise PluginLoadError(f'[{section}.{name}]: nothing installed is called "{use}"; {hint}')


def _refuse_two(section: str, name: str, use: str) -> None:
    """Which of two packages wins would be up to the order of the path."""
    packages = {point.dist.name: point for point in _points(GROUP, tuple(sys.path)) if point.name == use and point.dist}
    if len(packages) > 1:
        both = " and ".join(sorted(packages))
        raise PluginLoadError(f'[{section}.{name}]: {both} both call a plugin "{use}"; uninstall one of them')


def plugin_class(name: str, point: EntryPoint) -> Any:
    """The class of a plugin or channel. Raises `PluginLoadError`, also for an extra that is not installed."""
    kind = imported(name, point)
    if not isinstance(kind, type):
        raise PluginLoadError(f"{name}: {point.value} is no class; an entry point names one, as package.module:Plugin")
    requires = getattr(kind, "requires", ())
    if isinstance(requires, str):  # else each of its letters would be an extra
        raise PluginLoadError(f'{name}: requires is a tuple: requires = ("{requires}",)')
    for extra in requires:
        missing = list(_missing(point, extra))
        if missing:
            package = point.dist.name if point.dist else "botcore"
            raise PluginLoadError(f"{name} needs {', '.join(missing)}; pip install '{package}[{extra}]'")
    return kind


def imported(name: str, point: EntryPoint) -> Any:
    """What an entry point names. Raises `PluginLoadError`, saying what is missing."""
    try:
        return point.load()
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "botcore":
            raise PluginLoadError(f"{name}: {error.msg.partition(' (')[0]}; {_written_for(point)}") from error
        if not isinstance(error, ModuleNotFoundError):
            raise PluginLoadError(f"{name}: {point.value} cannot be imported: {error}") from error
        raise PluginLoadError(
            f"{name}: needs the package {error.name}; pip install it into the bot's environment"
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginLoadError(f"{name}: {point.value} cannot be imported: {type(error).__name__}: {error}") from error


def _written_for(point: EntryPoint) -> str:
    """Which botcore a package asks for, beside this one: where they do not fit, pip was told not to look."""
    asked = [one for one in (point.dist.requires or []) if re.match(r"botcore\b(?!-)", one)] if point.dist else []
    package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    return (
        f"{package} asks for {asked[0] if asked else 'any botcore'}, this is botcore {distribution('botcore').version}"
    )


def _missing(point: EntryPoint, extra: str) -> Iterator[str]:
    for requirement in (point.dist.requires or []) if point.dist else []:
        named = re.match(r"[\w.-]+", requirement)
        if named and re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", requirement):
            try:
                distribution(named[0])
            except PackageNotFoundError:
                yield named[0]
