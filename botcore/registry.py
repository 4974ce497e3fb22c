"""What plugins and channels register before the bot runs: the records, and the face they are given.

What is behind that face is `registering.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from botcore.context import Turn
from botcore.messages import Chunk
from botcore.panels import Read
from botcore.ports import Bot, Channel, Engine

if TYPE_CHECKING:
    from aiohttp import web

__all__ = [
    "Access",
    "BuildEngine",
    "CliCommands",
    "Command",
    "CommandHandler",
    "Handler",
    "Panel",
    "Registry",
    "Route",
    "WriteLessons",
]

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


BuildEngine = Callable[..., Engine]
"""Makes an engine, as `Registry.engine` says."""

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

    def engine(self, kind: str, build: BuildEngine) -> None:
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

    def visit(self, *, existing: bool = False) -> AbstractAsyncContextManager[Bot]:
        """For such a command: the bot's name, clock, data directory and database, whether the bot runs or not.

        A database that is not there yet is made; with ``existing``, for commands that only look, that raises
        `StoreError`.
        """
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
