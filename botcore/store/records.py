"""What the store and the house hand each other: claims, parts on their way, ends of turns, dead letters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from botcore.messages import Conversation, Feedback, Incoming, Message, Reply
from botcore.ports import Part, Receipt
from botcore.store.caps import Full

__all__ = ["Accepted", "Claim", "DeadLetter", "Handover", "OutboxRow", "PartState", "TurnEnd"]

PartState = Literal["pending", "sending", "sent", "failed", "uncertain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One part of a reply on its way to a platform."""

    part: Part
    state: PartState
    attempt: int = 0
    """How often a send was begun."""
    resends: int = 0
    """How often it was sent again although the first may have arrived."""
    not_before: float = 0.0
    """Unix seconds; the platform asked to wait until then."""
    started_at: float = 0.0
    """Unix seconds of the newest attempt: what to search the platform from."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a conversation until the lease ends, and what is to be done there."""

    conversation: Conversation
    epoch: int
    """Fences every write: a later claim has a higher one."""
    message_id: int = 0
    """Inbox id; 0 where only `parts` are left to deliver."""
    message: Message | None = None
    turn: str = ""
    """The turn's id, chosen at accept: a re-run finds what the first run began."""
    attempts: int = 0
    """Counted before the work, so a crash counts."""
    suspect: bool = False
    """A process died while it worked on this message: see that no other suspect runs beside it, until it has gone on
    well (`Store.acquit`)."""
    buried: str = ""
    """Why this message is a dead letter now: it is not to be run, only its author told."""
    received_at: float = 0.0
    """Unix seconds of the message's accept."""
    stopped: bool = False
    """The person stopped this message: end it as stopped, do not answer it."""
    anchor: OutboxRow | None = None
    """Part 0 of this turn where an earlier run began it."""
    parts: tuple[OutboxRow, ...] = ()
    """Unsettled parts of earlier turns, oldest first: to be delivered before anything else."""


@dataclass(slots=True, kw_only=True)
class Handover:
    """How a turn's last write gives its conversation back, and what came of it.

    Filled in before the commit: whoever stops waiting for it can look here, behind the next write of the same claim.
    """

    lease_s: Callable[[], float] = float
    """Asked as the write is made. Above 0, and where nothing an earlier run began is in the way, the conversation is
    not given back but goes on with its next message, claimed anew in the same commit for so long."""
    claim: Claim | None = None
    """That message."""
    idle: bool = False
    """Nothing is left there for anybody to look for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What one accepted record has set in motion."""

    record: Incoming
    """As it was stored (cleaned)."""
    receipt: Receipt
    full: Full = ""
    """For `rejected`: whose share of the line is used up."""
    claim: Claim | None = None
    """Set when this process now runs the conversation."""
    stops: str = ""
    """Key of the conversation whose running turn must be stopped now."""
    feedback: Feedback | None = None
    """Feedback whose reply is known, for the hooks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd:
    """Everything that is committed when a turn's text is final."""

    reply: Reply
    parts: Sequence[Part]
    sending: int = 0
    """How many leading parts start as ``sending``; the rest are ``pending``."""
    trace: Mapping[str, object] = field(default_factory=dict)
    """JSON: prompt messages, sampling, passages, cut, plugins, timings."""
    start_over: bool = False
    """The history begins anew after this turn."""
    release: bool = False
    """Give the conversation back in the same commit."""
    started_at: float = 0.0
    """Unix seconds."""
    message: Message | None = None
    """What was answered, where it is not what was claimed: "/again" stands for an earlier question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A delivery that could not be used, or a message that failed too often."""

    id: int
    channel: str
    account: str
    event_id: str
    kind: Literal["message", "raw"]
    conversation: str
    attempts: int
    deaths: int
    """In a row: how often a process died while it worked on this."""
    at: float
    """Unix seconds of its arrival."""
    reason: str
    turn: str
    """The turn's id, in logs and in what was posted; "" for a delivery nobody could read."""
    trace: str
    """A line or more for each run that ended without an outcome: when, and what is known."""
    payload: str
    """What came, as text."""
