"""The frozen records that travel through the house: no behaviour, no I/O. A `wire.py` makes them, all others read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

__all__ = [
    "REASONS",
    "Attachment",
    "Chunk",
    "Citation",
    "Control",
    "Conversation",
    "Entry",
    "Feedback",
    "Forgotten",
    "Incoming",
    "Message",
    "Outcome",
    "Passage",
    "Person",
    "PromptMessage",
    "Reply",
    "Role",
    "Sampling",
    "check_kinds",
]

Role = Literal["system", "user", "assistant"]
REASONS: Mapping[str, str] = {
    "wrong": "Not true",
    "incomplete": "Incomplete",
    "sources": "Wrong sources",
    "ignored": "Missed the question",
    "style": "Tone or length",
    "harmful": "Harmful",
}
"""What every channel offers after a thumb down: the word that is stored, and how it reads."""
Outcome = Literal["answered", "stopped", "refused", "failed", "dead"]
"""How an accepted message ended: exactly one of these (``dead`` = dead-lettered)."""


def check_kinds(record: object, **kinds: type) -> None:
    """Plugins make such records: a mistake is told where it is made, and not where the reply is committed or shown."""
    for name, kind in kinds.items():
        value, article = getattr(record, name), "an" if kind is int else "a"
        if not isinstance(value, (int, float) if kind is float else kind):
            told = f"is {article} {kind.__name__}, not {type(value).__name__}"
            raise TypeError(f"{type(record).__name__}({name}=…) {told}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is kept in order: one chat (and topic or thread) of one bot account on one channel."""

    channel: str
    """The channel's name in the configuration: ``web``, ``telegram``, ``support``."""
    chat: str
    account: str = ""
    """The bot's own identity on the platform, where one channel can have several."""
    thread: str = ""
    private: bool = True
    """False where several people read along."""

    def __post_init__(self) -> None:
        """See `check_kinds`; one is made of every row and every update, so it is asked by hand."""
        if not (type(self.channel) is type(self.chat) is type(self.account) is type(self.thread) is str):
            check_kinds(self, channel=str, chat=str, account=str, thread=str)

    @property
    def key(self) -> str:
        """The conversation as one string, unique over all channels."""
        return _key(self.channel, self.account, self.chat, self.thread)


@lru_cache(maxsize=10_000)
def _key(*parts: str) -> str:
    """Asked for fourteen times a message, and often of a conversation that was made anew from its row."""
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who wrote: the platform's stable id, and a name to show."""

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        """See `check_kinds`; asked by hand, as of a `Conversation`."""
        if not (type(self.id) is type(self.name) is str):
            check_kinds(self, id=str, name=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a message, still on the platform."""

    name: str
    media_type: str
    size: int
    """Bytes, as the platform says."""
    reference: str
    """What the channel needs to fetch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage:
    """One message of a prompt, in the roles every chat template knows."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen. ``temperature=0`` is greedy."""

    max_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int = 0
    """0 = all tokens."""
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()
    """The reply is to be one of these texts, 256 of 4,000 characters at most. vLLM keeps to it; an engine that cannot
    says what it likes, so whoever asks checks what came."""
    return_token_ids: bool = False
    """Deltas then carry ``token_ids``; for tests and evaluation."""

    def __post_init__(self) -> None:
        """See `check_kinds`: a text as ``stop`` would be each of its letters."""
        check_kinds(self, max_tokens=int, stop=tuple, choice=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something a person said to the bot: one message is one turn."""

    event_id: str
    """The platform's id of the delivery; the same delivery twice is one message."""
    conversation: Conversation
    person: Person
    text: str
    platform_id: str = ""
    """The platform's id of the message itself: what edits, deletions and quotes point at."""
    reply_to: str = ""
    """The platform's id of the message this one quotes, or…"""
    about: str = ""
    """…the id of the reply it is about (`Reply.id`), where the channel knows that instead."""
    attachments: tuple[Attachment, ...] = ()
    sent_at: float = 0.0
    """Unix seconds, as the platform says; 0 = now."""
    context: tuple[PromptMessage, ...] = ()
    """Where the sender brings the whole context (`/v1`): everything before ``text``. The stored history is not used."""
    sampling: Sampling | None = None
    """Where the sender chooses the sampling (`/v1`)."""

    def __post_init__(self) -> None:
        """See `check_kinds`; asked by hand, as of a `Conversation`."""
        if not (
            type(self.event_id) is type(self.text) is type(self.platform_id) is type(self.reply_to) is str
            and type(self.about) is str
            and type(self.sent_at) is float
            and type(self.conversation) is Conversation
            and type(self.person) is Person
        ):
            check_kinds(self, event_id=str, conversation=Conversation, person=Person, text=str, platform_id=str)
            check_kinds(self, reply_to=str, about=str, sent_at=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """An order about earlier messages. It does not wait for its turn."""

    event_id: str
    conversation: Conversation
    person: Person
    kind: Literal["stop", "edit", "delete"]
    target: str = ""
    """The `platform_id` an edit or deletion is about; a stop is about everything accepted so far."""
    text: str = ""
    """The new text of an edit."""
    message: Message | None = None
    """For an edit: the message as it stands now. Where none is known by `target` it is a new one, such as one that
    mentions the bot only since the edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A person's judgement of one reply. The last value of a person for a reply counts.

    One of the same value adds to it: reasons, comment and correction stay where the later one leaves them empty, so a
    channel may send the thumb first and the reason when it is given. Another value takes the place of all.
    """

    event_id: str
    conversation: Conversation
    person: Person
    reply: str = ""
    """The reply's id (`Reply.id`), or…"""
    platform_id: str = ""
    """…the platform's id of the message that carried it (it may arrive before we know that id)."""
    value: Literal[-1, 0, 1] = 0
    """1 good, -1 bad, 0 taken back (or only a comment)."""
    reasons: tuple[str, ...] = ()
    comment: str = ""
    correction: str = ""
    """What the reply should have been."""
    at: float = field(default=0.0, compare=False)
    """When it was made or changed last, Unix seconds: the store says it, a channel need not."""


Incoming = Message | Control | Feedback


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Of whom nothing is to be kept: a whole conversation, or a person on one channel."""

    channel: str
    person: str = ""
    """The person's id; "" where a conversation is meant."""
    conversation: Conversation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a claim in a reply comes from: the text carries ``[number]``."""

    number: int
    title: str
    snippet: str = ""
    source: str = ""
    """A path, URL or id of the document."""
    page: int = 0
    """The page it stands on, from 1; 0 where the document has no pages."""

    def __post_init__(self) -> None:
        """See `check_kinds`."""
        check_kinds(self, number=int, title=str, snippet=str, source=str, page=int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document that was found for a message."""

    text: str
    title: str
    source: str
    score: float = 0.0
    """Higher is better; comparable only within one search."""
    page: int = 0
    """The page it stands on, from 1; 0 where the document has no pages."""

    def __post_init__(self) -> None:
        """See `check_kinds`."""
        check_kinds(self, text=str, title=str, source=str, page=int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The next piece of a reply's text, with the citations it brings."""

    text: str
    citations: tuple[Citation, ...] = ()

    def __post_init__(self) -> None:
        """See `check_kinds`; a token of the model is one of these, so it is asked by hand."""
        if not isinstance(self.text, str):
            raise TypeError(f"Chunk(text=…) is a str, not {type(self.text).__name__}")
        if self.citations != () and not _all_citations(self.citations):
            raise TypeError("Chunk(citations=…) is a tuple of Citation")


def _all_citations(given: object) -> bool:
    return isinstance(given, tuple) and all(isinstance(one, Citation) for one in given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the bot said, and what it came from."""

    id: str
    """The turn's id: feedback and traces point at it."""
    conversation: Conversation
    text: str
    outcome: Outcome = "answered"
    citations: tuple[Citation, ...] = ()
    model: str = ""
    """Model or LoRA version that wrote it; empty where no model did."""
    plugin: str = ""
    reason: str = ""
    """Why it was stopped, refused or failed."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    again: str = ""
    """The first reply to this question, where the person asked to be answered again: this one takes its place."""

    @property
    def judgeable(self) -> bool:
        """Whether a verdict on it means something: a model wrote it, or it quotes documents."""
        return self.outcome == "answered" and bool(self.model or self.citations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a conversation as it was committed."""

    id: int
    """Grows with time inside one database."""
    role: Role
    text: str
    at: float
    """Unix seconds."""
    person: Person | None = None
    reply: str = ""
    """The turn both lines of an exchange belong to (`Reply.id`)."""
    outcome: Outcome = "answered"
    tokens: int = 0
    """Of a reply, as the engine counted them; 0 = not counted."""
    model: str = ""
    plugin: str = ""
    citations: tuple[Citation, ...] = ()
    platform_id: str = ""
    feedback: int = 0
    """The reader's own verdict where one was asked for: -1, 0, 1."""
    again: str = ""
    """As `Reply.again`."""
    attachments: tuple[Attachment, ...] = ()
    """The files that came with the person's line."""

    @property
    def judgeable(self) -> bool:
        """As `Reply.judgeable`; False for the person's own line."""
        return self.role == "assistant" and self.outcome == "answered" and bool(self.model or self.citations)
