"""What a plugin sees of one message's life, and says in it. What it registers before that is in `registry.py`."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

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
    check_kinds,
)
from botcore.ports import Delta, EngineStatus, Prompt

__all__ = ["Recalled", "Refusal", "Turn", "say"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Ends a turn before it began: the person is told ``notice``, the log gets ``reason``."""

    notice: str
    reason: str = ""

    def __post_init__(self) -> None:
        check_kinds(self, notice=str, reason=str)


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
    def message(self) -> Message:
        """What the person said."""
        ...

    @property
    def recalled(self) -> Recalled:
        """What `recall` hooks have added so far: add to its lists."""
        ...

    @property
    def conversation(self) -> Conversation:
        """Where it was said."""
        ...

    @property
    def unknown(self) -> bool:
        """Whether the message names a command that nobody registered (``/tabel``).

        A plugin that answers everything passes it on; if all do, the bot says that there is no such command. A path
        (``/etc/hosts``) is no command.
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

        ``instruction`` takes the place of the message's text. In a group where several people are heard, each line
        begins with its speaker's name. What had to be cut is in `Prompt.cut`.
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


async def say(text: str, citations: tuple[Citation, ...] = ()) -> AsyncIterator[Chunk]:
    """A reply of one piece: what a `reply` hook or a command returns for a plain text."""
    yield Chunk(text=text, citations=citations)
