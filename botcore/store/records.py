"""Records to rows and back. Nothing else in the house knows how a record is written down.

JSON is text with the defaults left out. What no database can hold (NUL, lone surrogates) is replaced here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, TypeVar

from botcore.messages import (
    Attachment,
    Citation,
    Conversation,
    Feedback,
    Incoming,
    Message,
    Person,
    PromptMessage,
    Reply,
    Sampling,
)
from botcore.ports import Part, Receipt
from botcore.store.caps import Full

__all__ = [
    "Accepted",
    "Claim",
    "DeadLetter",
    "Handover",
    "OutboxRow",
    "PartState",
    "TurnEnd",
    "attachments_from",
    "attachments_to",
    "citations_from",
    "clean",
    "clean_text",
    "decode_message",
    "dump",
    "dump_citations",
    "encode_message",
    "is_clean",
    "place_of",
    "split_part_id",
]

R = TypeVar("R")
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
    user_tokens: int = 0
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


# ------------------------------------------------------------------ text a database can hold


def clean_text(text: str) -> str:
    """The same text with NUL and lone surrogates replaced by U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_clean(*texts: str) -> bool:
    """True where both databases can store all of them."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return not any("\x00" in text for text in texts)


def clean(record: R) -> R:
    """The record with every text in it cleaned, however deep."""
    return _clean(record)  # type: ignore[no-any-return]


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list | tuple):
        return type(value)(_clean(item) for item in value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _clean(getattr(value, f.name)) for f in fields(value)})
    return value


# ------------------------------------------------------------------ JSON

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def dump(value: object) -> str:
    """Compact JSON that a database can hold; what JSON does not know is written as its text."""
    text = _encode(value)
    return text if _storable(text) else _encode(_clean(value))


def _storable(text: str) -> bool:
    return "\\u0000" not in text and is_clean(text)


_SAMPLING = tuple(field.name for field in fields(Sampling))


def encode_message(message: Message) -> str:
    """A message without what has a column of its own (event id, conversation)."""
    data: dict[str, Any] = {"person": (message.person.id, message.person.name), "text": message.text}
    if message.platform_id:
        data["platform_id"] = message.platform_id
    if message.reply_to:
        data["reply_to"] = message.reply_to
    if message.about:
        data["about"] = message.about
    if message.sent_at:
        data["sent_at"] = message.sent_at
    if message.attachments:
        data["attachments"] = attachments_to(message.attachments)
    if message.context:
        data["context"] = [(m.role, m.content) for m in message.context]
    if message.sampling is not None:
        data["sampling"] = {name: getattr(message.sampling, name) for name in _SAMPLING}
    return _encode(data)


def decode_message(payload: str, *, event_id: str, conversation: Conversation) -> Message:
    """The message as it was accepted; what a later version wrote besides (an upgrade taken back) is passed over."""
    data = json.loads(payload)
    sampling = data.get("sampling")
    if sampling is not None:
        known = {name: value for name, value in sampling.items() if name in _SAMPLING}
        lists = {"stop": tuple(sampling["stop"]), "choice": tuple(sampling.get("choice", ()))}
        sampling = Sampling(**{**known, **lists})
    person, name, *_ = data["person"]
    return Message(
        event_id=event_id,
        conversation=conversation,
        person=Person(id=person, name=name),
        text=data["text"],
        platform_id=data.get("platform_id", ""),
        reply_to=data.get("reply_to", ""),
        about=data.get("about", ""),
        sent_at=data.get("sent_at", 0.0),
        attachments=attachments_from(data.get("attachments", ())),
        context=tuple(PromptMessage(role=role, content=content) for role, content in data.get("context", ())),
        sampling=sampling,
    )


def attachments_to(attachments: Sequence[Attachment]) -> list[tuple[str, str, int, str]]:
    """Attachments as JSON has them."""
    return [(a.name, a.media_type, a.size, a.reference) for a in attachments]


def attachments_from(data: Sequence[Sequence[Any]]) -> tuple[Attachment, ...]:
    """The attachments that `attachments_to` wrote."""
    return tuple(
        Attachment(name=name, media_type=kind, size=size, reference=reference)
        for name, kind, size, reference, *_ in data
    )


def dump_citations(citations: Sequence[Citation]) -> str:
    """JSON of citations, "" for none (most replies)."""
    return dump([(c.number, c.title, c.snippet, c.source, c.page) for c in citations]) if citations else ""


def citations_from(text: str) -> tuple[Citation, ...]:
    """The citations that `dump_citations` wrote."""
    if not text:
        return ()
    return tuple(
        Citation(number=number, title=title, snippet=snippet, source=source, page=page[0] if page else 0)
        for number, title, snippet, source, *page in json.loads(text)
    )


def place_of(row: Any) -> Conversation:
    """The conversation in a row that has its columns."""
    return Conversation(
        channel=row.channel, account=row.account, chat=row.chat, thread=row.thread, private=bool(row.private)
    )


def split_part_id(part_id: str) -> tuple[str, int]:
    """``<turn>.<number>`` as its two columns."""
    turn, _, number = part_id.rpartition(".")
    return turn, int(number)
