"""The core as plugins and channels see it: the running bot, and the one database."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from botcore.clock import Clock
from botcore.messages import Conversation, Entry, Feedback, Message, Outcome, Reply
from botcore.ports.encoder import Encoder
from botcore.ports.engine import EngineStatus
from botcore.versions import Loras

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Bot", "Database"]

P = ParamSpec("P")
T = TypeVar("T")


class Database(Protocol):
    """The one database. Functions run on the store's own threads: synchronous, no I/O, < 5 ms, safe to run twice."""

    async def write(self, fn: Callable[Concatenate["Connection", P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``fn(connection, …)`` after its transaction was committed (one savepoint of its own).

        What ``fn`` raises is raised here, and nothing of it is kept. It does not commit or roll back: others share its
        transaction. What it tries and catches it tries in ``connection.begin_nested()``: PostgreSQL would undo the
        rest, too. `StoreUnavailable`: nothing was stored, or, saying so, the outcome is unknown; try again later.
        Cancellation only ends the waiting.
        """
        ...

    async def read(self, fn: Callable[Concatenate["Connection", P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``fn(connection, …)``, which only reads: values, not cursors. What changes something raises."""
        ...


class Bot(Protocol):
    """The running bot, given to `lifespan` hooks: everything a long-lived plugin or channel may use."""

    name: str
    clock: Clock
    data_dir: Path
    """Where plugins may keep files, each under its own name."""

    @property
    def database(self) -> Database:
        """The one database."""
        ...

    @property
    def engine(self) -> EngineStatus:
        """Where the engine stands."""
        ...

    async def engine_changed(self) -> None:
        """Return at the next change of `engine`."""
        ...

    @property
    def encoder(self) -> Encoder | None:
        """What turns texts into vectors; None where none is configured. The bot brings it up, and starts without it."""
        ...

    @property
    def loras(self) -> Loras:
        """The LoRA versions of the model."""
        ...

    def lead(self, name: str) -> AbstractAsyncContextManager[None]:
        """Do in the body what only one of several processes may do; see `Inbox.lead`."""
        ...

    def changes(self) -> AsyncGenerator[str, None]:
        """Keys of conversations in which a turn has ended in any process, from now on and as far as we hear of it.

        A hurry, not the truth: whoever waits for something still looks once a second. "" means that some were missed.
        With SQLite there is only this process, and nothing comes.
        """
        ...

    async def conversations(
        self, channel: str, person: str, *, until: float = 0.0, limit: int = 200
    ) -> list[tuple[str, str, float]]:
        """(chat, title, last activity) of a person's newest ``limit`` conversations on a channel, newest first.

        ``until``: in which nothing was said after that moment, Unix seconds; 0 = no bound.
        """
        ...

    async def history(
        self, conversation: Conversation, *, after: int = 0, before: int = 0, limit: int = 200, reader: str = ""
    ) -> list[Entry]:
        """The newest ``limit`` committed entries above id ``after`` and below ``before``, oldest first; 0 = no bound.

        With ``reader``'s own feedback.
        """
        ...

    async def outcome(self, message: int) -> tuple[Outcome | None, Reply | None]:
        """How an accepted message ended, and its reply; (None, None) while it is open."""
        ...

    async def open_messages(self, conversation: Conversation) -> list[tuple[int, Message]]:
        """(inbox id, message) of everything accepted here and not ended yet, oldest first."""
        ...

    async def reply(self, reply: str) -> Reply | None:
        """A committed reply by its id."""
        ...

    async def trace(self, reply: str) -> Mapping[str, object] | None:
        """What a reply came from: ``prompt`` (messages), ``sampling``, ``model``, ``plugin``, ``passages``, ``cut``.

        ``verbatim`` says whether it is what the model wrote: a plugin may have cut, filtered or replaced that.
        """
        ...

    async def migrate(self, name: str, scripts: Path) -> None:
        """Bring a plugin's own tables (prefixed ``<name>_``) up to its newest alembic revision.

        ``scripts`` holds ``0001_first.py`` and so on, each with its number as ``revision``. Raises `BotcoreError` where
        they are no line, or the tables are newer than they; then nothing has changed. Cheap where nothing is to do.
        """
        ...

    async def forget(self, conversation: Conversation) -> None:
        """Delete a conversation: its messages, turns, replies and feedback, and what plugins keep of it."""
        ...

    async def forget_person(self, channel: str, person: str) -> list[str]:
        """Delete what is kept of a person; the plugins that failed, which are asked again at the next start.

        Private conversations go whole; in groups their messages and the replies to them lose their words.
        """
        ...

    def judgements(self, since: float = 0.0) -> AsyncIterator[Feedback]:
        """What people think of replies, made or changed at ``since`` (Unix seconds) or later, in that order.

        For plugins that must miss none: the `feedback` hook may be missed in a crash. Ask from a minute before the
        newest one known, since several processes share no clock; a verdict met again is the same verdict.
        """
        ...

    def turns(self, after: int = 0) -> AsyncIterator[tuple[int, Reply]]:
        """Committed turns with their cursor, oldest first, ending at the newest: for plugins that must miss none."""
        ...

    def health(self) -> Mapping[str, str]:
        """Name to "ok" or what is wrong, for every channel and plugin; and what else is wrong, as with the encoder."""
        ...
