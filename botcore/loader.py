"""Builds the enabled plugins and channels one by one from their entry points; a broken one does not stop the others."""

import difflib
import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pluggy
from pydantic import BaseModel

from botcore.dispatch import Bound
from botcore.errors import BotcoreError, PluginLoadError
from botcore.hookspecs import HookSpecs
from botcore.installed import GROUP, entry_point, plugin_class
from botcore.ports import Bot
from botcore.registering import Registered, Registering
from botcore.settings import Settings, validate

__all__ = ["Loaded", "load"]

log: logging.Logger = logging.getLogger(__name__)
Visit = Callable[..., AbstractAsyncContextManager[Bot]]
OURS = frozenset({"enabled", "use"})
"""Keys of a plugin's table that it never sees."""
HOOKS = [name for name in vars(HookSpecs) if not name.startswith("_")]


@dataclass(slots=True)
class Loaded:
    """The plugins that could be built, what they registered, what is odd about them, and why others could not."""

    plugins: dict[str, object] = field(default_factory=dict)
    registered: Registered = field(default_factory=Registered)
    problems: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    hooks: dict[str, Sequence[Bound]] = field(default_factory=dict)


def load(settings: Settings, more: Mapping[str, object] | None = None, *, visit: Visit | None = None) -> Loaded:
    """Every enabled plugin and channel, built and registered.

    ``more`` are further plugins, built already, and asked before the others; ``visit`` is what their commands open the
    database with.

    Raises `SettingsError` for a wrong table; a plugin that cannot be loaded is named in `Loaded.problems` instead.
    """
    loaded, manager = Loaded(), pluggy.PluginManager(GROUP)
    manager.add_hookspecs(HookSpecs)
    for name, plugin in (more or {}).items():
        _adopt(manager, loaded, name, plugin, visit or _nowhere)
    for section, name, table in _enabled(settings):
        try:
            plugin = _build(section, name, table, settings.origins)
            _adopt(manager, loaded, name, plugin, visit or _nowhere)
        except PluginLoadError as error:
            loaded.problems[name] = str(error)
            log.error("%s", error)
            log.debug("loading %s", name, exc_info=True)
    loaded.hooks = _bind(manager, loaded)
    return loaded


def _enabled(settings: Settings) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for section, tables in (("plugins", settings.plugins), ("channels", settings.channels)):
        for name, table in tables.items():
            yield section, name, table


def _build(section: str, name: str, table: Mapping[str, Any], origins: Mapping[str, str]) -> object:
    use = str(table.get("use", name))
    kind = plugin_class(name, entry_point(section, name, use))
    values = {key: value for key, value in table.items() if key != "use"}
    model = getattr(kind, "Settings", None) or _NoSettings
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise PluginLoadError(f"{name}: Settings must be a class of pydantic's BaseModel, not {model!r}")
    if taken := sorted(OURS & model.model_fields.keys()):
        raise PluginLoadError(f"{name}: Settings cannot have {', '.join(taken)}: the bot reads that itself")
    settings = _validated(model, values, section, name, origins)
    try:
        return kind(settings) if model is not _NoSettings else kind()
    except BotcoreError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginLoadError(
            f"{name}: cannot be built: {type(error).__name__}: {error}{_how_built(kind, error)}"
        ) from error


def _validated(
    model: type[BaseModel], values: Mapping[str, Any], section: str, name: str, origins: Mapping[str, str]
) -> BaseModel:
    try:
        return validate(model, values, f"{section}.{name}", origins)
    except BotcoreError:
        raise
    except Exception as error:  # pydantic makes a mistake of the operator's of a ValueError alone
        raise PluginLoadError(
            f"{name}: its Settings failed: {type(error).__name__}; a validator raises ValueError"
        ) from error


def _how_built(kind: Any, error: BaseException) -> str:
    called = getattr(kind, "__name__", "Plugin")
    if not isinstance(error, TypeError):
        return ""
    return f"; with a Settings of its own it is built as {called}(settings), without as {called}()"


class _NoSettings(BaseModel, extra="forbid"):
    pass


def _adopt(manager: pluggy.PluginManager, loaded: Loaded, name: str, plugin: object, visit: Visit) -> None:
    if isinstance(plugin, type):  # by `chatting`, or where a bot is embedded
        raise PluginLoadError(f"{name}: {plugin.__name__} is a class; give what it builds: {plugin.__name__}(…)")
    before = loaded.registered.copy()
    try:
        _check_hooks(manager, name, plugin)
        manager.register(plugin, name)
        manager.check_pending()
        register = getattr(plugin, "register", None)
        if register is not None:
            register(registry=Registering(name, loaded.registered, visit))
    except (Exception, SystemExit) as error:
        loaded.registered.restore(before)  # half a plugin is worse than none
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        raise _unusable(name, error) from error
    loaded.plugins[name] = plugin
    if told := _never_called(manager, plugin):
        loaded.warnings[name] = told
        log.warning("plugin %s: %s", name, told)


def _never_called(manager: pluggy.PluginManager, plugin: object) -> str:
    """What was meant as a hook and is none; "" where all is well."""
    marked = [hook for hook in HOOKS if manager.parse_hookimpl_opts(plugin, hook) is not None]
    bare = [hook for hook in HOOKS if hook not in marked and inspect.isroutine(getattr(plugin, hook, None))]
    if meant := [hook for hook in bare if hook != "register"]:
        return "; ".join(f"{hook} has a hook's name, but no @hookimpl: it is never called" for hook in meant)
    return "" if marked or bare else "it has no hook: what is to be called needs a hook's name and @hookimpl"


def _unusable(name: str, error: BaseException) -> PluginLoadError:
    if isinstance(error, PluginLoadError):
        return error
    if isinstance(error, pluggy.PluginValidationError):
        return PluginLoadError(f"{name}: {_misspelt(error)}")
    if str(error).startswith("Plugin name already registered"):
        return PluginLoadError(f"{name}: a plugin and a channel cannot both be called {name}; give one another name")
    return PluginLoadError(f"{name}: register failed: {type(error).__name__}: {error}")


def _nowhere(**_: object) -> AbstractAsyncContextManager[Bot]:
    raise BotcoreError("only commands of the command line visit the database")


def _misspelt(error: Exception) -> str:
    found = re.search(r"unknown hook '(\w+)'", str(error))
    if not found:
        return " ".join(str(error).split())
    near = difflib.get_close_matches(found[1], HOOKS, n=1)
    return f"there is no hook {found[1]}" + (
        f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(HOOKS)}"
    )


def _check_hooks(manager: pluggy.PluginManager, name: str, plugin: object) -> None:
    """Say what an author gets wrong most often, before pluggy says it in its own words or the bot when it runs."""
    for hook in HOOKS:
        method = getattr(plugin, hook, None)
        options = manager.parse_hookimpl_opts(plugin, hook)
        if options is not None:
            if any(options.values()):
                order = "plugins are asked in the order of the configuration"
                raise PluginLoadError(f"{name}: hook {hook}: @hookimpl takes no options; {order}")
            _same_arguments(name, hook, method)
            _same_colour(name, hook, method)


def _same_arguments(name: str, hook: str, method: Any) -> None:
    there = list(inspect.signature(getattr(HookSpecs, hook)).parameters)[1:]
    for argument, taken in inspect.signature(method).parameters.items():
        if argument not in there and taken.default is taken.empty and taken.kind is taken.POSITIONAL_OR_KEYWORD:
            raise PluginLoadError(f"{name}: hook {hook} has no argument {argument}; there are: {', '.join(there)}")


def _same_colour(name: str, hook: str, method: Any) -> None:
    """A function with a yield is neither: called, it gives a stream and runs nothing."""
    coroutine, stream = inspect.iscoroutinefunction(method), inspect.isasyncgenfunction(method)
    inner = inspect.unwrap(method)
    if hook == "lifespan" and (inspect.isgeneratorfunction(inner) or inspect.iscoroutinefunction(inner)):
        stream = True  # below @contextmanager, or without a yield
    wanted = inspect.iscoroutinefunction(getattr(HookSpecs, hook))
    if wanted and stream:
        more = "; let it return the stream of another method: return self.answer(turn)" if hook == "reply" else ""
        raise PluginLoadError(f"{name}: hook {hook} must be an async def without a yield{more}")
    if wanted and not coroutine:
        raise PluginLoadError(f"{name}: hook {hook} must be an async def")
    if not wanted and (coroutine or (stream and hook != "revise")):
        raise PluginLoadError(f"{name}: hook {hook} must be {_PLAIN[hook]}")


_PLAIN = {
    "register": "a plain def",
    "lifespan": "an async generator below @asynccontextmanager",
    "revise": "an async generator: async for chunk in chunks: yield chunk",
}


def _bind(manager: pluggy.PluginManager, loaded: Loaded) -> dict[str, Sequence[Bound]]:
    order = list(loaded.plugins)
    hooks = dict[str, Sequence[Bound]]()
    for name in HOOKS:
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
