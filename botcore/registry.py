"""What plugins and channels register before the bot runs: the records, the face they are given, and where it is kept.

A plugin's `register` gets a `Registry` of its own (`Registering`); all of them add to one `Registered`.
"""

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from botcore.context import Turn
from botcore.errors import PluginLoadError
from botcore.messages import Chunk
from botcore.panels import Read
from botcore.ports import Bot, Channel, Engine

if TYPE_CHECKING:
    from aiohttp import web

__all__ = [
    "Access",
    "CliCommands",
    "Command",
    "CommandHandler",
    "Handler",
    "Panel",
    "Registered",
    "Registering",
    "Registry",
    "Route",
    "WriteLessons",
]

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
METHODS = [name for name in vars(Channel) if inspect.isfunction(getattr(Channel, name)) and not name.startswith("_")]

Access = Literal["public", "user", "admin"]
"""``public``: anybody who reaches the port. ``user``: people of the chat page and API keys. ``admin``: the operator."""

CommandHandler = Callable[[Turn], Awaitable[AsyncIterator[Chunk] | None]]
"""Like the `reply` hook: decides, then returns the stream (or None to let `reply` answer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A chat command: ``/name argument`` in every channel."""

    name: str
    """Without the slash: 1-32 of a-z, 0-9 and _ (what Telegram allows)."""
    help: str
    """One line for ``/help`` and the platforms' menus."""
    handler: CommandHandler
    plugin: str = ""


Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]
"""Answers one HTTP request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path (aiohttp's pattern, as ``/api/things/{id}``), who may use it, and whose it is."""

    method: str
    path: str
    handler: Handler
    access: Access
    owner: str
    """The plugin or channel that registered it, for messages."""
    stream: bool = False
    """The handler reads the body itself, from ``request.content``: it counts the bytes and sets the deadlines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel of the operator's page."""

    id: str
    """In its address: 1-32 of a-z, 0-9, _ and -."""
    title: str
    read: Read
    owner: str
    """The plugin or channel that registered it, for messages."""


CliCommands = Callable[..., None] | Mapping[str, Callable[..., None]]
"""A command of the command line, or several under one name: sub-command → function."""


WriteLessons = Callable[[Path], Awaitable[Mapping[str, int]]]
"""Writes files of JSON lines into a folder: rows as ``botcore feedback export`` writes them, each shape under a name of
its own (``dpo.jsonl``). Returns what was left out: reason → number."""


class Registry(Protocol):
    """What a plugin registers at start, in `register(registry)`."""

    name: str
    """The plugin's own name in the configuration."""

    def channel(self, channel: Channel) -> None:
        """Run this channel."""
        ...

    def engine(self, kind: str, build: Callable[..., Engine]) -> None:
        """Offer another engine: ``[engine] kind = "<kind>"``.

        ``build(settings, data_dir=…, clock=…)`` makes it from the table ``[engine]``; what else it needs is in the
        plugin's own `Settings`. It starts in `Engine.run`, not here. Two plugins with one kind are a load error.
        """
        ...

    def command(self, name: str, help: str, handler: CommandHandler) -> None:
        """Answer ``/name``. Two plugins with one name are a load error, and so are ``/stop`` and ``/again``.

        A handler that fails or is too slow ends the reply as failed; None lets `reply` answer.
        """
        ...

    def cli(self, name: str, command: CliCommands) -> None:
        """Add ``botcore <name> …``: a function of whose annotated parameters typer makes arguments and options.

        Those with a default are options. A mapping adds ``botcore <name> <sub-command> …``. What must work before the
        plugin is configured, as a set-up helper, is an entry point of the group ``botcore.cli`` instead, called
        ``<name>.<sub-command>``.
        """
        ...

    def lessons(self, write: WriteLessons) -> None:
        """Give ``botcore train feedback`` what people taught. The last plugin that does is the one that is asked."""
        ...

    def visit(self) -> AbstractAsyncContextManager[Bot]:
        """For such a command: the bot's name, clock, data directory and database, whether the bot runs or not."""
        ...

    def route(self, method: str, path: str, handler: Handler, *, access: Access, stream: bool = False) -> None:
        """Serve ``path`` on the one HTTP port.

        The body is read for the handler, up to ``[http] body_limit`` and under a deadline; with ``stream`` it is the
        handler's own business, as for a file that goes to the disk piece by piece. Below ``/hooks/`` platforms call: no
        `Host` or `Origin` is checked there, the handler's own check of a secret or signature is the only guard.
        """
        ...

    def panel(self, id: str, title: str, read: Read) -> None:
        """Show something to the operator on ``/admin``: ``read`` returns data, the page draws it.

        It is asked about every two seconds while somebody looks, once for all who do, and has five seconds: read little
        (an index, the end of a file), and read files in a thread. Two plugins with one id are a load error.
        """
        ...

    @property
    def commands(self) -> Sequence[Command]:
        """All commands registered so far (complete once the bot runs)."""
        ...


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
        self, name: str, registered: Registered, visit: Callable[[], AbstractAsyncContextManager[Bot]]
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

    def engine(self, kind: str, build: Callable[..., Engine]) -> None:
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
