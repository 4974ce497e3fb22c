"""What others implement: channels and engines; and the two faces of the core they are given: `Inbox` and `Bot`."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, runtime_checkable

from botcore.clock import Clock
from botcore.messages import (
    Attachment,
    Citation,
    Conversation,
    Entry,
    Feedback,
    Incoming,
    Message,
    Outcome,
    PromptMessage,
    Reply,
    Sampling,
)
from botcore.versions import LoraFiles, Loras

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "Bot",
    "Capabilities",
    "Channel",
    "Database",
    "Delta",
    "Draft",
    "Engine",
    "EngineStatus",
    "Inbox",
    "LoraEngine",
    "Part",
    "Prompt",
    "Receipt",
    "Stage",
    "Usage",
]

T = TypeVar("T")

# ------------------------------------------------------------------ engines

Stage = Literal["off", "install", "model", "warmup", "ready", "failed"]
"""``off`` not started yet; ``failed`` carries the reason and the next step in `EngineStatus.detail`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """Where the engine stands, for people: shown in the terminal, on the page, by ``/readyz``."""

    stage: Stage
    detail: str = ""
    progress: float | None = None
    """0 to 1 within the stage, None where it cannot be known."""
    model: str = ""
    """The served model's name, once known."""
    window: int = 0
    """Tokens that prompt and reply share, once known."""
    lora: str = ""
    """The LoRA version that new turns get, "" = the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Exact token counts of one request, as the engine says."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens served from the prefix cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the model is given: messages that fit the window, in append-only order (system, history, new message)."""

    messages: tuple[PromptMessage, ...]
    tokens: int = 0
    """Counted length in tokens; 0 = not counted."""
    exact: bool = False
    """True where ``tokens`` is the engine's own count."""
    cut: tuple[str, ...] = ()
    """What was left out to fit, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """The next piece of a generation. The last one has ``finish``, and ``usage`` where the engine tells."""

    text: str = ""
    finish: Literal["", "stop", "length", "abort"] = ""
    usage: Usage | None = None
    token_ids: tuple[int, ...] = ()


class Engine(Protocol):
    """A language model that streams. Runs in another process; ``check_engine`` in `botcore.testing` is its contract."""

    @property
    def status(self) -> EngineStatus:
        """Where it stands now; never blocks."""
        ...

    async def run(self) -> None:
        """Bring the engine up and keep it up until cancelled; leaves no process behind.

        Never raises for a broken engine: says so in `status`.
        """
        ...

    async def changed(self) -> None:
        """Return at the next change of `status`."""
        ...

    def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """Deltas of one completion; ``model`` is a LoRA version's name or "" for the base.

        Closing the generator aborts the request and frees its slot. Raises `EngineUnavailable`, `EngineRejected`,
        `PromptTooLong`.
        """
        ...

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """Tokens of the rendered chat prompt, with the generation prompt; None where the server cannot count."""
        ...


@runtime_checkable
class LoraEngine(Engine, Protocol):
    """An engine that can put LoRA versions in service; `EngineStatus.lora` says which one new turns get."""

    @property
    def owns(self) -> bool:
        """Whether versions are loaded by this process; False where it uses the engine of another one of the bot's."""
        ...

    async def serve(self, version: LoraFiles | None) -> None:
        """Let new turns have this version, None = the base; what runs already ends with what it began with.

        Returns when it is so; before `run` it is what the start begins with. Raises `EngineRejected` with why this
        version cannot be served, `EngineUnavailable` where it is worth another try; new turns get what they got before.
        """
        ...

    def settled(self, name: str) -> bool:
        """Whether ``name`` ("" = the base) is what new turns get, and nothing is left to do for it."""
        ...

    def has(self, name: str) -> bool:
        """Whether `generate` takes this version now or after a restart."""
        ...

    def lend(self) -> str:
        """The version for one new turn, which stays loaded until that turn gives it back."""
        ...

    def give_back(self, name: str) -> None:
        """End what `lend` began."""
        ...


# ------------------------------------------------------------------ channels

PLACEHOLDER = "…"
"""What stands where a reply is going to be, on platforms whose progress is an anchor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a platform can do in one conversation; the delivery obeys it."""

    progress: Literal["draft", "anchor", "pull"]
    """``draft``: harmless previews, then one real message. ``anchor``: a placeholder that is edited until final.
    ``pull``: the reader fetches committed text itself; nothing goes through the outbox."""
    text_limit: int = 4096
    """Longest text of one message, in ``text_unit``; longer replies are split."""
    text_unit: Literal["chars", "utf16", "utf8"] = "chars"
    progress_after: float = 0.0
    """Seconds from the first text to the first preview: a reply that is complete by then costs one call, not two."""
    progress_every: float = 1.0
    """Seconds between two previews of one conversation."""
    sends_per_second: float = 30.0
    """Messages and edits a second over the whole account."""
    sends_per_second_per_chat: float = 1.0
    burst_per_chat: int = 3
    can_find: bool = False
    """`Channel.find` can answer; an uncertain send is then settled by asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One outgoing message of a reply, as the outbox stores it."""

    id: str
    """``<turn id>.<number>``: unique; a platform that takes an idempotency key gets this one."""
    turn: str
    number: int
    conversation: Conversation
    text: str
    citations: tuple[Citation, ...] = ()
    last: bool = True
    reply_to: str = ""
    """Platform id of the message that is answered."""
    platform_id: str = ""
    """Set where the message exists already (an anchor): `Channel.edit` is called instead of `send`."""
    ask_feedback: bool = False
    """Offer thumbs and "answer again" below it: the last part of a reply that is worth a verdict."""

    @property
    def placeholder(self) -> bool:
        """Whether this only holds the place of a reply that is being made; the reply comes by `Channel.edit`."""
        return self.text == PLACEHOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A preview of a reply that is being made. May be dropped at will, except that ``final`` always comes last."""

    conversation: Conversation
    turn: str
    message: int
    """The inbox id of the message being answered."""
    text: str = ""
    """The whole text so far."""
    phase: Literal["waiting", "writing", "final"] = "writing"
    note: str = ""
    """For ``waiting``: what it waits for, in words."""
    reply: Reply | None = None
    """For ``final``: the committed reply; None where this process says no more of the turn (another one has it)."""
    platform_id: str = ""
    """The anchor, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one accepted record."""

    id: int
    """The inbox id; of the first delivery where this one is a duplicate."""
    duplicate: bool = False
    state: Literal["accepted", "rejected"] = "accepted"
    retry_after: float = 0.0
    """For ``rejected`` (too many waiting): seconds."""
    notice: str = ""
    """For ``rejected``: what to tell the person now, in their conversation; "" where they were told just before."""


class Inbox(Protocol):
    """The way in: what a channel's `run` is given."""

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        """Commit the records; afterwards, and only then, tell the platform "received".

        Raises `StoreUnavailable` when nothing was stored: answer 503, do not acknowledge, keep the offset.
        """
        ...

    @property
    def full(self) -> str:
        """In words why no messages are taken now, "" where they are. `accept` then raises `StoreUnavailable` for them.

        Whoever fetches from a platform that keeps messages waits for `room` instead.
        """
        ...

    async def room(self) -> None:
        """Return when messages are taken; not before a good part of what waits is gone."""
        ...

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        """Keep an authentic delivery that cannot be used; then acknowledge it, so that it does not block its chat."""
        ...

    def lead(self, name: str) -> AbstractAsyncContextManager[None]:
        """Do in the body what only one of several processes on one PostgreSQL may do, under a name of your own.

        Entering waits until this process leads. Where it leads no more (it was stopped too long, the database was), the
        body is cancelled and the block ends quietly: enter again. With SQLite it is entered at once and for good.
        """
        ...


class Channel(Protocol):
    """A platform people write on. ``check_channel`` in `botcore.testing` is its contract.

    A channel may also have ``health``, a string: "ok", or in words what keeps messages from coming in; and
    ``async check(clock) -> str``: what `botcore doctor` prints, such as whose the token is, or a `BotcoreError`.
    """

    name: str
    """Its name in the configuration; set by the loader."""

    def capabilities(self, conversation: Conversation) -> Capabilities:
        """What can be done in this conversation."""
        ...

    async def run(self, inbox: Inbox) -> None:
        """Receive until cancelled. Reconnects by itself; raises only what an operator must see."""
        ...

    async def send(self, part: Part) -> str:
        """Post one message and return the platform's id of it. Raises `Retry`, `Rejected` or `Unknown`."""
        ...

    async def edit(self, platform_id: str, part: Part) -> None:
        """Replace the text of a message of ours; the same text again is a success.

        Raises as `send`; after `Rejected` (somebody deleted the placeholder, say) the part is sent as a new message.
        """
        ...

    async def show(self, draft: Draft) -> None:
        """Show progress as well as the platform can.

        Raises nothing but `Retry`, and that only where the platform wants no more of this chat for a while: the final
        text waits as long.
        """
        ...

    async def find(self, part: Part, since: float) -> str | None:
        """The platform's id of the message that carries this part, None if there surely is none.

        ``since`` (Unix seconds) is when the call was made whose outcome is unknown; where ``part.platform_id`` is set,
        it was an edit of that message. Raises `Unknown` where nobody can tell.
        """
        ...

    def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that came with a message, in pieces; closing it ends the download.

        Raises `Retry`, `Rejected` (gone, too large for the platform, none of this channel's) or `Unknown`.
        """
        ...


# ------------------------------------------------------------------ the core, as plugins and channels see it


class Database(Protocol):
    """The one database. Functions run on the store's own threads: synchronous, no I/O, < 5 ms, safe to run twice."""

    async def write(self, fn: Callable[["Connection"], T]) -> T:
        """The result of ``fn`` after its transaction was committed (one savepoint of its own).

        What ``fn`` raises is raised here, and nothing of it is kept. `StoreUnavailable`: nothing was stored, or, saying
        so, the outcome is unknown; try again later. Cancellation only ends the waiting.
        """
        ...

    async def read(self, fn: Callable[["Connection"], T]) -> T:
        """The result of a read-only ``fn``: values, not cursors. What changes something raises."""
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

    async def conversations(self, channel: str, person: str) -> list[tuple[str, str, float]]:
        """(chat, title, last activity) of a person's conversations on a channel, newest first, at most 200."""
        ...

    async def history(
        self, conversation: Conversation, *, after: int = 0, limit: int = 200, reader: str = ""
    ) -> list[Entry]:
        """The newest ``limit`` committed entries above id ``after``, oldest first; with ``reader``'s feedback."""
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
        """Name to "ok" or what is wrong, for every channel, plugin, the store and the engine."""
        ...
