"""Builds the enabled plugins and channels one by one from their entry points; a broken one does not stop the others."""

import difflib
import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

import pluggy
from pydantic import BaseModel

from botcore.context import (
    Access,
    CliCommands,
    Command,
    CommandHandler,
    Handler,
    Panel,
    Route,
    WriteLessons,
)
from botcore.dispatch import Bound
from botcore.errors import BotcoreError, PluginLoadError
from botcore.hookspecs import HookSpecs
from botcore.panels import Read
from botcore.ports import Bot, Channel, Engine
from botcore.settings import Settings, validate

__all__ = ["Loaded", "Registered", "available", "load", "loaded", "set_up_helpers"]

log: logging.Logger = logging.getLogger(__name__)
GROUP, CLI_GROUP = "botcore", "botcore.cli"
Visit = Callable[[], AbstractAsyncContextManager[Bot]]
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
PANEL = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(slots=True)
class Registered:
    """What all `register` hooks added up to."""

    channels: dict[str, Channel] = field(default_factory=dict)
    engines: dict[str, Callable[..., Engine]] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    clis: dict[str, CliCommands] = field(default_factory=dict)
    lessons: WriteLessons | None = None
    routes: list[Route] = field(default_factory=list)
    panels: dict[str, Panel] = field(default_factory=dict)


@dataclass(slots=True)
class Loaded:
    """The plugins that could be built, what they registered, and why others could not."""

    plugins: dict[str, object] = field(default_factory=dict)
    registered: Registered = field(default_factory=Registered)
    problems: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Sequence[Bound]] = field(default_factory=dict)


class _Registry:
    """`botcore.context.Registry` for one plugin."""

    def __init__(self, name: str, registered: Registered, visit: Visit) -> None:
        self.name = name
        self.visit = visit
        self._all = registered

    def channel(self, channel: Channel) -> None:
        channel.name = self.name
        self._all.channels[self.name] = channel

    def engine(self, kind: str, build: Callable[..., Engine]) -> None:
        self._all.engines[kind] = build

    def command(self, name: str, help: str, handler: CommandHandler) -> None:
        if not COMMAND.fullmatch(name):
            raise PluginLoadError(f"{self.name}: /{name} is no command name; use 1-32 of a-z, 0-9 and _")
        if name in self._all.commands:
            raise PluginLoadError(f"{self.name}: /{name} already belongs to {self._all.commands[name].plugin}")
        self._all.commands[name] = Command(name=name, help=help, handler=handler, plugin=self.name)

    def cli(self, name: str, command: CliCommands) -> None:
        self._all.clis[name] = command

    def lessons(self, write: WriteLessons) -> None:
        self._all.lessons = write

    def route(self, method: str, path: str, handler: Handler, *, access: Access, stream: bool = False) -> None:
        route = Route(method=method, path=path, handler=handler, access=access, owner=self.name, stream=stream)
        self._all.routes.append(route)

    def panel(self, id: str, title: str, read: Read) -> None:
        if not PANEL.fullmatch(id):
            raise PluginLoadError(f"{self.name}: {id!r} is no panel's id; use 1-32 of a-z, 0-9, _ and -")
        if id in self._all.panels:
            raise PluginLoadError(f"{self.name}: the panel {id} already belongs to {self._all.panels[id].owner}")
        self._all.panels[id] = Panel(id=id, title=title, read=read, owner=self.name)

    @property
    def commands(self) -> Sequence[Command]:
        return list(self._all.commands.values())


def available() -> dict[str, EntryPoint]:
    """Everything installed that could be enabled, by the name a person writes."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def set_up_helpers() -> dict[str, dict[str, EntryPoint]]:
    """Commands that installed packages offer before anything is configured: name → sub-command → where it is.

    ``telegram.setup`` in the group ``botcore.cli`` is ``botcore telegram setup``. Nothing is loaded for the list.
    """
    helpers = dict[str, dict[str, EntryPoint]]()
    for point in sorted(entry_points(group=CLI_GROUP), key=lambda point: point.name):
        name, _, sub_command = point.name.partition(".")
        helpers.setdefault(name, {})[sub_command] = point
    return helpers


def load(settings: Settings, more: Mapping[str, object] | None = None, *, visit: Visit | None = None) -> Loaded:
    """Every enabled plugin and channel, built and registered.

    ``more`` are further plugins, built already; ``visit`` is what their commands open the database with.

    Raises `SettingsError` for a wrong table; a plugin that cannot be loaded is named in `Loaded.problems` instead.
    """
    loaded, manager = Loaded(), pluggy.PluginManager(GROUP)
    manager.add_hookspecs(HookSpecs)
    for section, name, table in _enabled(settings):
        try:
            plugin = _build(section, name, table, settings.origins)
            _adopt(manager, loaded, name, plugin, visit or _nowhere)
        except PluginLoadError as error:
            loaded.problems[name] = str(error)
            log.error("%s", error)
    for name, plugin in (more or {}).items():
        _adopt(manager, loaded, name, plugin, visit or _nowhere)
    loaded.hooks = _bind(manager, loaded)
    return loaded


def _enabled(settings: Settings) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for section, tables in (("plugins", settings.plugins), ("channels", settings.channels)):
        for name, table in tables.items():
            yield section, name, table


def _build(section: str, name: str, table: Mapping[str, Any], origins: Mapping[str, str]) -> object:
    use = str(table.get("use", name))
    kind = _imported(name, _entry_point(section, name, use))
    values = {key: value for key, value in table.items() if key != "use"}
    model = getattr(kind, "Settings", None) or _NoSettings
    settings = validate(model, values, f"{section}.{name}", origins)
    try:
        return kind(settings) if model is not _NoSettings else kind()
    except BotcoreError:
        raise
    except Exception as error:
        log.debug("building %s", name, exc_info=True)
        raise PluginLoadError(f"{name}: cannot be built: {type(error).__name__}: {error}") from error


class _NoSettings(BaseModel, extra="forbid"):
    pass


def _entry_point(section: str, name: str, use: str) -> EntryPoint:
    points = available()
    if use in points:
        return points[use]
    near = difflib.get_close_matches(use, points, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"installed are: {', '.join(points) or 'none'}"
    raise PluginLoadError(f'[{section}.{name}]: nothing installed is called "{use}"; {hint}')


def _imported(name: str, point: EntryPoint) -> Any:
    kind = loaded(name, point)
    for extra in getattr(kind, "requires", ()):
        missing = list(_missing(point, extra))
        if missing:
            package = point.dist.name if point.dist else "botcore"
            raise PluginLoadError(f"{name} needs {', '.join(missing)}; pip install '{package}[{extra}]'")
    return kind


def loaded(name: str, point: EntryPoint) -> Any:
    """What an entry point names. Raises `PluginLoadError`, saying what is missing."""
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise PluginLoadError(
            f"{name}: needs the package {error.name}; pip install it into the bot's environment"
        ) from error
    except Exception as error:
        raise PluginLoadError(f"{name}: {point.value} cannot be imported: {type(error).__name__}: {error}") from error


def _missing(point: EntryPoint, extra: str) -> Iterator[str]:
    for requirement in (point.dist.requires or []) if point.dist else []:
        named = re.match(r"[\w.-]+", requirement)
        if named and re.search(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]", requirement):
            try:
                distribution(named[0])
            except PackageNotFoundError:
                yield named[0]


def _adopt(manager: pluggy.PluginManager, loaded: Loaded, name: str, plugin: object, visit: Visit) -> None:
    try:
        manager.register(plugin, name)
        manager.check_pending()
        for caller in manager.get_hookcallers(plugin) or []:
            _same_colour(name, plugin, caller.name)
        register = getattr(plugin, "register", None)
        if register is not None:
            register(registry=_Registry(name, loaded.registered, visit))
    except pluggy.PluginValidationError as error:
        manager.unregister(plugin)
        raise PluginLoadError(f"{name}: {_misspelt(error)}") from error
    except PluginLoadError:
        manager.unregister(plugin)
        raise
    except Exception as error:
        manager.unregister(plugin)
        raise PluginLoadError(f"{name}: register failed: {type(error).__name__}: {error}") from error
    loaded.plugins[name] = plugin


def _nowhere() -> AbstractAsyncContextManager[Bot]:
    raise BotcoreError("only commands of the command line visit the database")


def _misspelt(error: Exception) -> str:
    found = re.search(r"unknown hook '(\w+)'", str(error))
    if not found:
        return " ".join(str(error).split())
    names = [name for name in vars(HookSpecs) if not name.startswith("_")]
    near = difflib.get_close_matches(found[1], names, n=1)
    return f"there is no hook {found[1]}" + (
        f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(names)}"
    )


def _same_colour(name: str, plugin: object, hook: str) -> None:
    wanted = inspect.iscoroutinefunction(getattr(HookSpecs, hook))
    if inspect.iscoroutinefunction(getattr(plugin, hook)) != wanted:
        raise PluginLoadError(
            f"{name}: hook {hook} must be {'an async def' if wanted else 'a plain def or an async generator'}"
        )


def _bind(manager: pluggy.PluginManager, loaded: Loaded) -> dict[str, Sequence[Bound]]:
    order = list(loaded.plugins)
    hooks = dict[str, Sequence[Bound]]()
    for name in (name for name in vars(HookSpecs) if not name.startswith("_")):
        caller = getattr(manager.hook, name)
        wanted = list(inspect.signature(getattr(HookSpecs, name)).parameters)[1:]
        found = sorted(caller.get_hookimpls(), key=lambda impl: order.index(impl.plugin_name))
        hooks[name] = [Bound(impl.plugin_name, _pruned(impl.function, impl.argnames, wanted)) for impl in found]
    return hooks


def _pruned(call: Callable[..., Any], takes: Sequence[str], wanted: Sequence[str]) -> Callable[..., Any]:
    """Implementations may leave out arguments they do not need, as everywhere in pluggy."""
    if list(takes) == list(wanted):
        return call
    places = [wanted.index(name) for name in takes]
    return lambda *args: call(*(args[place] for place in places))
