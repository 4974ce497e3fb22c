"""What plugins register: collected in `Registered`, through one `Registering` each, which names whose mistake it is."""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from dataclasses import dataclass, field, fields
from functools import partial

from botcore.context import (
    Access,
    CliCommands,
    Command,
    CommandHandler,
    Handler,
    Panel,
    Route,
    Turn,
    WriteLessons,
)
from botcore.errors import PluginLoadError
from botcore.messages import Chunk
from botcore.panels import Read
from botcore.ports import Bot, Channel, Engine

__all__ = ["Registered", "Registering"]

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
PANEL = re.compile(r"[a-z0-9_-]{1,32}")
METHODS = [name for name in vars(Channel) if inspect.isfunction(getattr(Channel, name)) and not name.startswith("_")]


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
    """`botcore.context.Registry` for one plugin."""

    def __init__(
        self, name: str, registered: Registered, visit: Callable[[], AbstractAsyncContextManager[Bot]]
    ) -> None:
        self.name = name
        self.visit = visit
        self._all = registered

    def channel(self, channel: Channel) -> None:
        """See `context.Registry`."""
        missing = [method for method in METHODS if not callable(getattr(channel, method, None))]
        if missing:
            raise PluginLoadError(
                f"{self.name}: {type(channel).__name__} is no channel: it has no {', '.join(missing)}"
            )
        channel.name = self.name
        self._all.channels[self.name] = channel

    def engine(self, kind: str, build: Callable[..., Engine]) -> None:
        """See `context.Registry`."""
        self._all.engines[kind] = build

    def command(self, name: str, help: str, handler: CommandHandler) -> None:
        """See `context.Registry`."""
        if not COMMAND.fullmatch(name):
            raise PluginLoadError(
                f"{self.name}: {name!r} is no command's name; use 1-32 of a-z, 0-9 and _, without the slash"
            )
        if name in self._all.commands:
            raise PluginLoadError(f"{self.name}: /{name} already belongs to {self._all.commands[name].plugin}")
        if inspect.isasyncgenfunction(handler):
            raise PluginLoadError(
                f"{self.name}: the handler of /{name} must be an async def without a yield; "
                "let it return the stream of another method: return self.answer(turn)"
            )
        if not inspect.iscoroutinefunction(handler):
            handler = partial(_awaited, name, handler)
        self._all.commands[name] = Command(name=name, help=help, handler=handler, plugin=self.name)

    def cli(self, name: str, command: CliCommands) -> None:
        """See `context.Registry`."""
        if name in self._all.clis:
            raise PluginLoadError(f"{self.name}: botcore {name} already belongs to another plugin")
        for sub_command, function in (command if isinstance(command, Mapping) else {"": command}).items():
            if inspect.iscoroutinefunction(function):
                called = f"botcore {name} {sub_command}".rstrip()
                raise PluginLoadError(f"{self.name}: {called} must be a plain def; call asyncio.run in it")
        self._all.clis[name] = command

    def lessons(self, write: WriteLessons) -> None:
        """See `context.Registry`."""
        self._all.lessons = write

    def route(self, method: str, path: str, handler: Handler, *, access: Access, stream: bool = False) -> None:
        """See `context.Registry`."""
        route = Route(method=method, path=path, handler=handler, access=access, owner=self.name, stream=stream)
        self._all.routes.append(route)

    def panel(self, id: str, title: str, read: Read) -> None:
        """See `context.Registry`."""
        if not PANEL.fullmatch(id):
            raise PluginLoadError(f"{self.name}: {id!r} is no panel's id; use 1-32 of a-z, 0-9, _ and -")
        if id in self._all.panels:
            raise PluginLoadError(f"{self.name}: the panel {id} already belongs to {self._all.panels[id].owner}")
        self._all.panels[id] = Panel(id=id, title=title, read=read, owner=self.name)

    @property
    def commands(self) -> Sequence[Command]:
        """See `context.Registry`."""
        return list(self._all.commands.values())


async def _awaited(name: str, handler: CommandHandler, turn: Turn) -> AsyncIterator[Chunk] | None:
    """What a handler that is no `async def` gives: a lambda's coroutine, or by mistake the stream itself."""
    answer = handler(turn)
    if not inspect.isawaitable(answer):
        raise TypeError(f"the handler of /{name} must be an async def")
    return await answer
