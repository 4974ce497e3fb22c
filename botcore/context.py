"""What a plugin sees of one message's life (`Turn`), and what it registers with at start (`Registry`)."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from botcore.clock import Clock
from botcore.messages import (
    Attachment,
    Chunk,
    Citation,
    Conversation,
    Entry,
    Message,
    Passage,
    PromptMessage,
    Reply,
    Sampling,
)
from botcore.panels import Read
from botcore.ports import Bot, Channel, Delta, Engine, EngineStatus, Prompt

if TYPE_CHECKING:
    from aiohttp import web

__all__ = [
    "Access",
    "CliCommands",
    "Command",
    "CommandHandler",
    "Handler",
    "Panel",
    "Recalled",
    "Refusal",
    "Registry",
    "Route",
    "Turn",
    "WriteLessons",
    "say",
]

Access = Literal["public", "user", "admin"]
"""``public``: anybody who reaches the port. ``user``: people of the chat page and API keys. ``admin``: the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Ends a turn before it began: the person is told ``notice``, the log gets ``reason``."""

    notice: str
    reason: str = ""


@dataclass(slots=True)
class Recalled:
    """What `recall` hooks found for this message; `Turn.prompt` puts it in front of the model."""

    history: list[Entry] = field(default_factory=list)
    """Earlier lines of this conversation, oldest first."""
    facts: list[str] = field(default_factory=list)
    """Lines about the person or place that hold for the whole conversation."""
    passages: list[Passage] = field(default_factory=list)
    """Pieces of documents, best first."""


class Turn(Protocol):
    """One message's whole life, as every per-message hook sees it."""

    id: str
    """Also the reply's id."""
    message: Message
    recalled: Recalled
    command: str
    """The command the message names, without the slash; "" for ordinary text."""
    argument: str
    """The text behind the command; the whole text where there is none."""
    model: str
    """The LoRA version that answers this turn, "" = the base. Chosen at the first `generate`, stored with the turn."""
    clock: Clock
    deadline: float
    """`Clock.monotonic` time at which the turn is ended."""
    again: str
    """The id of the first reply to the question this turn answers anew, "" for a new one; ``message.text`` is it."""

    @property
    def conversation(self) -> Conversation:
        """Where it was said."""
        ...

    @property
    def unknown(self) -> bool:
        """Whether the message names a command that nobody registered (``/tabel``): who answers all passes it on.

        Where every `reply` does, the bot says that there is no such command. A path (``/etc/hosts``) is none.
        """
        ...

    @property
    def engine(self) -> EngineStatus:
        """Where the engine stands now."""
        ...

    async def history(self, limit: int = 40) -> list[Entry]:
        """The newest ``limit`` lines of this conversation since it was last started over, oldest first.

        For a `/v1` request: what the request brought.
        """
        ...

    async def prompt(self, system: str, *, instruction: str = "", reserve: int = 512) -> Prompt:
        """System text, facts, passages, history message as one prompt that leaves ``reserve`` tokens free.

        ``instruction`` takes the place of the message's text. What had to be cut is in `Prompt.cut`.
        """
        ...

    def generate(self, prompt: Prompt, sampling: Sampling | None = None) -> AsyncGenerator[Delta, None]:
        """The model's deltas. Iterate inside `contextlib.aclosing`: closing it frees the engine's slot at once.

        Waits for an engine that is still starting, with a notice to the person. Raises the `EngineError` family.
        """
        ...

    async def count(self, messages: Sequence[PromptMessage]) -> int:
        """Tokens of these messages as a prompt: the engine's own count, or a bounded over-estimate."""
        ...

    def progress(self, note: str) -> None:
        """Tell the person what the reply waits for, in words; the first text takes the note's place."""
        ...

    def file(self, attachment: Attachment, *, limit: int) -> AbstractAsyncContextManager[Path]:
        """The attachment as a file, deleted afterwards.

        Raises `Rejected` where it has more than ``limit`` bytes or is gone, `Retry` or `Unknown` where the platform
        does not hand it out now: all of the `ChannelError` family, with words for the person.
        """
        ...

    async def judge(
        self, value: Literal[-1, 0, 1], *, reasons: Sequence[str] = (), comment: str = "", correction: str = ""
    ) -> Reply | None:
        """Keep the writer's judgement of the reply the message quotes, or else of the newest one worth a verdict.

        Returns that reply, None where there is none; of one that is not `Reply.judgeable` nothing is kept. Run again
        after a crash, it is the same judgement.
        """
        ...

    async def start_over(self) -> None:
        """From the end of this turn on, the conversation's history begins anew."""
        ...


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
        plugin's own `Settings`. It starts in `Engine.run`, not here.
        """
        ...

    def command(self, name: str, help: str, handler: CommandHandler) -> None:
        """Answer ``/name``. Two plugins with one name are a load error."""
        ...

    def cli(self, name: str, command: CliCommands) -> None:
        """Add ``botcore <name> …``: a function whose annotated parameters are what typer makes options of.

        A mapping adds ``botcore <name> <sub-command> …``. What must work before the plugin is configured, as a set-up
        helper, is an entry point of the group ``botcore.cli`` instead, called ``<name>.<sub-command>``.
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


async def say(text: str, citations: tuple[Citation, ...] = ()) -> AsyncIterator[Chunk]:
    """A reply of one piece: what a `reply` hook or a command returns for a plain text."""
    yield Chunk(text=text, citations=citations)
