"""What a channel is, what it is given to send and to show, and the inbox it hands messages to."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from botcore.messages import Attachment, Citation, Conversation, Incoming, Reply

__all__ = ["PLACEHOLDER", "Capabilities", "Channel", "Draft", "Inbox", "Part", "Phase", "Receipt"]

PLACEHOLDER = "…"
"""What stands where a reply is going to be, on platforms whose progress is an anchor."""

Phase = Literal["waiting", "writing", "final"]


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
    progress_counts: bool = False
    """The platform counts placeholders and previews as messages of their chat: they wait where a finished message would
    have to wait for them, in whichever thread or topic of the chat it is."""
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
    """Platform id of the message that is answered, or of the reply that another one is wanted for."""
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
    phase: Phase = "writing"
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

        Raises `StoreUnavailable` when nothing was stored: answer 503, do not acknowledge, keep the offset. `ValueError`
        where a record has no ``event_id``, or its conversation another channel than one of this bot's (`Channel.name`).
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

    `send`, `edit` and `find` are cancelled after five minutes, `show` after one: nobody knows then what they did.

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
        """Post one message and return the platform's id of it. Raises `Retry`, `Rejected` or `Unknown`.

        What is no text, or an empty one, counts as `Unknown`, and the log names it.
        """
        ...

    async def edit(self, platform_id: str, part: Part) -> None:
        """Replace the text of a message of ours; the same text again is a success. Asked for where there are anchors.

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
        it was an edit of that message, which does not carry the part while it still says what it said before (a
        `PLACEHOLDER`, say). Raises `Unknown` where nobody can tell.
        """
        ...

    def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that came with a message, in pieces; closing it ends the download.

        Raises `Retry`, `Rejected` (gone, too large for the platform, none of this channel's) or `Unknown`.
        """
        ...
