"""Where what plugins register is kept, and the checks on the way: a plugin's mistake is told at load, in its name.

A plugin's `register` gets a `Registry` of its own (`Registering`); all of them add to one `Registered`.
"""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from dataclasses import dataclass, field, fields
from functools import partial
from typing import get_args

from botcore.context import Turn
from botcore.errors import PluginLoadError
from botcore.messages import Chunk
from botcore.panels import Read
from botcore.ports import Bot, Channel
from botcore.registry import (
    Access,
    BuildEngine,
    CliCommands,
    Command,
    CommandHandler,
    Handler,
    Panel,
    Route,
    WriteLessons,
)

__all__ = ["Registered", "Registering"]

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
PANEL = re.compile(r"[a-z0-9_-]{1,32}")
CLI = re.compile(r"botcore( [a-z0-9][a-z0-9_-]*){1,2}")
NEVER_REACHED = frozenset({"stop", "again"})
"""Chat commands that the bot carries out before any plugin is asked."""
OURS = frozenset(
    {
        "ask",
        "backup",
        "chat",
        "config",
        "dlq",
        "doctor",
        "engine",
        "eval",
        "export",
        "forget",
        "lora",
        "model",
        "plugins",
        "restore",
        "run",
        "train",
        "version",
    }
)
"""What `botcore.cli` has itself; a plugin's command of one of these names would never be reached."""
ROUTES = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("POST", "/api/login"),
        ("DELETE", "/api/login"),
        ("GET", "/api/panels"),
        ("GET", "/api/panels/{id}"),
    }
)
"""What `botcore.http` serves itself."""
METHODS = [name for name in vars(Channel) if inspect.isfunction(getattr(Channel, name)) and not name.startswith("_")]


@dataclass(slots=True)
class Registered:
    """What all `register` hooks added up to."""

    channels: dict[str, Channel] = field(default_factory=dict)
    engines: dict[str, BuildEngine] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    clis: dict[str, CliCommands] = field(default_factory=dict)
    lessons: WriteLessons | None = None
    routes: list[Route] = field(default_factory=list)
    panels: dict[str, Panel] = field(default_factory=dict)

    def copy(self) -> "Registered":
        """The same things in containers of their own."""
        return Registered(**{part.name: copy(getattr(self, part.name)) for part in fields(self)})

    def restore(self, before: "Registered") -> None:
        """As it was when ``before`` was copied."""
        for part in fields(self):
            setattr(self, part.name, getattr(before, part.name))


class Registering:
    """`Registry` for one plugin, which names whose mistake it is."""

    def __init__(
        self, name: str, registered: Registered, visit: Callable[..., AbstractAsyncContextManager[Bot]]
    ) -> None:
        self.name = name
        self.visit = visit
        self._all = registered

    def channel(self, channel: Channel) -> None:
        """See `Registry`."""
        missing = [method for method in METHODS if not callable(getattr(channel, method, None))]
        if missing:
            raise PluginLoadError(
                f"{self.name}: {type(channel).__name__} is no channel: it has no {', '.join(missing)}"
            )
        for method in METHODS:
            self._same_colour(channel, method)
        channel.name = self.name
        self._all.channels[self.name] = channel

    def engine(self, kind: str, build: BuildEngine) -> None:
        """See `Registry`."""
        self._callable(f"what builds the engine {kind}", build)
        if kind in self._all.engines:
            raise PluginLoadError(f"{self.name}: the engine {kind} already belongs to another plugin")
        self._all.engines[kind] = build

    def command(self, name: str, help: str, handler: CommandHandler) -> None:
        """See `Registry`."""
        if not COMMAND.fullmatch(str(name)):
            raise PluginLoadError(
                f"{self.name}: {name!r} is no command's name; use 1-32 of a-z, 0-9 and _, without the slash"
            )
        if name in NEVER_REACHED:
            raise PluginLoadError(f"{self.name}: /{name} is the bot's own; give yours another name")
        if name in self._all.commands:
            raise PluginLoadError(f"{self.name}: /{name} already belongs to {self._all.commands[name].plugin}")
        if not str(help or "").strip():
            raise PluginLoadError(f"{self.name}: the help of /{name} must be a line of text, not {help!r:.60}")
        self._awaitable(f"the handler of /{name}", handler, "turn")
        if not inspect.iscoroutinefunction(handler):
            handler = partial(_awaited, name, handler)
        self._all.commands[name] = Command(name=name, help=help, handler=handler, plugin=self.name)

    def cli(self, name: str, command: CliCommands) -> None:
        """See `Registry`."""
        if name in OURS:
            raise PluginLoadError(f"{self.name}: botcore {name} is the bot's own; give yours another name")
        if name in self._all.clis:
            raise PluginLoadError(f"{self.name}: botcore {name} already belongs to another plugin")
        if not command:
            raise PluginLoadError(f"{self.name}: botcore {name} has no sub-command")
        for sub_command, function in (command if isinstance(command, Mapping) else {"": command}).items():
            called = f"botcore {name} {sub_command}".rstrip()
            if not CLI.fullmatch(called):
                raise PluginLoadError(f"{self.name}: {called!r} cannot be typed; use words of a-z, 0-9, _ and -")
            self._callable(called, function)
            if inspect.iscoroutinefunction(function):
                raise PluginLoadError(f"{self.name}: {called} must be a plain def; call asyncio.run in it")
        self._all.clis[name] = command

    def lessons(self, write: WriteLessons) -> None:
        """See `Registry`."""
        self._awaitable("what writes the lessons", write, "folder")
        self._all.lessons = write

    def route(self, method: str, path: str, handler: Handler, *, access: Access, stream: bool = False) -> None:
        """See `Registry`."""
        self._awaitable(f"the handler of {method} {path}", handler, "request")
        self._free(method, path, access)
        route = Route(method=method, path=path, handler=handler, access=access, owner=self.name, stream=stream)
        self._all.routes.append(route)

    def panel(self, id: str, title: str, read: Read) -> None:
        """See `Registry`."""
        if not PANEL.fullmatch(id):
            raise PluginLoadError(f"{self.name}: {id!r} is no panel's id; use 1-32 of a-z, 0-9, _ and -")
        self._awaitable(f"what reads the panel {id}", read)
        if id in self._all.panels:
            raise PluginLoadError(f"{self.name}: the panel {id} already belongs to {self._all.panels[id].owner}")
        self._all.panels[id] = Panel(id=id, title=title, read=read, owner=self.name)

    @property
    def commands(self) -> Sequence[Command]:
        """See `Registry`."""
        return list(self._all.commands.values())

    def _free(self, method: str, path: str, access: str) -> None:
        """Whether ``path`` can be served, to whom it says, and nobody else has it."""
        route = f"{self.name}: route {method} {path}"
        if access not in get_args(Access):
            raise PluginLoadError(f"{route}: access {access!r} is none of {', '.join(get_args(Access))}")
        if not str(path).startswith("/"):
            raise PluginLoadError(f"{route}: a path begins with a slash: /{path}")
        if (method.upper(), path) in ROUTES:
            raise PluginLoadError(f"{route} is the bot's own; give yours another path")
        for other in self._all.routes:
            if (other.method.upper(), other.path) == (method.upper(), path):
                raise PluginLoadError(f"{route} already belongs to {other.owner}")

    def _callable(self, what: str, function: object) -> None:
        if not callable(function):
            raise PluginLoadError(f"{self.name}: {what} must be a function, not {function!r:.60}")

    def _awaitable(self, what: str, function: Callable[..., object], *given: str) -> None:
        """It is called with ``given`` and awaited. What a lambda returns is seen only then."""
        self._callable(what, function)
        if inspect.isasyncgenfunction(function):
            more = "; let it return the stream of another method: return self.answer(turn)" if "turn" in given else ""
            raise PluginLoadError(f"{self.name}: {what} must be an async def without a yield{more}")
        if _plain(function):
            raise PluginLoadError(f"{self.name}: {what} must be an async def")
        try:
            inspect.signature(function).bind(*given)
        except TypeError as error:
            raise PluginLoadError(f"{self.name}: {what} is called with ({', '.join(given)}): {error}") from None

    def _same_colour(self, channel: Channel, method: str) -> None:
        function, called = getattr(channel, method), f"{type(channel).__name__}.{method}"
        if inspect.iscoroutinefunction(getattr(Channel, method)):
            if _plain(function):
                raise PluginLoadError(f"{self.name}: {called} must be an async def")
        elif inspect.iscoroutinefunction(function):
            other = " or an async generator" if method == "fetch" else ""
            raise PluginLoadError(f"{self.name}: {called} must be a plain def{other}")


def _plain(function: Callable[..., object]) -> bool:
    """Whether it surely gives no coroutine: a def of its own; a lambda may hand on another's."""
    inner = inspect.unwrap(function)
    return inspect.isroutine(inner) and not inspect.iscoroutinefunction(inner) and inner.__name__ != "<lambda>"


async def _awaited(name: str, handler: CommandHandler, turn: Turn) -> AsyncIterator[Chunk] | None:
    """What a handler that is no `async def` gives: a lambda's coroutine, or by mistake the stream itself."""
    answer = handler(turn)
    if not inspect.isawaitable(answer):
        raise TypeError(f"the handler of /{name} must be an async def")
    return await answer
