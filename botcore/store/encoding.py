"""Records to rows and back. Nothing else in the house knows how a record is written down.

JSON is text with the defaults left out. What no database can hold (NUL, lone surrogates) is replaced here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from botcore.messages import Attachment, Citation, Conversation, Message, Person, PromptMessage, Sampling

__all__ = [
    "Unreadable",
    "clean",
    "clean_text",
    "decode_attachments",
    "decode_citations",
    "decode_message",
    "dump",
    "encode_attachments",
    "encode_citations",
    "encode_message",
    "is_clean",
    "place_of",
    "split_part_id",
]

R = TypeVar("R")


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


class Unreadable(ValueError):
    """What is stored is no message: a damaged disk, a row that somebody wrote."""


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
        data["attachments"] = encode_attachments(message.attachments)
    if message.context:
        data["context"] = [(m.role, m.content) for m in message.context]
    if message.sampling is not None:
        data["sampling"] = {name: getattr(message.sampling, name) for name in _SAMPLING}
    return _encode(data)


def decode_message(payload: str, *, event_id: str, conversation: Conversation) -> Message:
    """The message as it was accepted; what a later version wrote besides (an upgrade taken back) is passed over.

    Raises `Unreadable`.
    """
    try:
        return _decoded(json.loads(payload), event_id, conversation)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Unreadable(f"what is stored cannot be read: {type(error).__name__}: {error}"[:200]) from None


def _decoded(data: Any, event_id: str, conversation: Conversation) -> Message:
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
        attachments=decode_attachments(data.get("attachments", ())),
        context=tuple(PromptMessage(role=role, content=content) for role, content in data.get("context", ())),
        sampling=sampling,
    )


def encode_attachments(attachments: Sequence[Attachment]) -> list[tuple[str, str, int, str]]:
    """Attachments as JSON has them."""
    return [(a.name, a.media_type, a.size, a.reference) for a in attachments]


def decode_attachments(data: Sequence[Sequence[Any]]) -> tuple[Attachment, ...]:
    """The attachments that `encode_attachments` wrote."""
    return tuple(
        Attachment(name=name, media_type=kind, size=size, reference=reference)
        for name, kind, size, reference, *_ in data
    )


def encode_citations(citations: Sequence[Citation]) -> str:
    """JSON of citations, "" for none (most replies)."""
    return dump([(c.number, c.title, c.snippet, c.source, c.page) for c in citations]) if citations else ""


def decode_citations(text: str) -> tuple[Citation, ...]:
    """The citations that `encode_citations` wrote; none where nobody can read them: the text is worth more."""
    if not text:
        return ()
    try:
        return tuple(
            Citation(number=number, title=title, snippet=snippet, source=source, page=page[0] if page else 0)
            for number, title, snippet, source, *page in json.loads(text)
        )
    except (RecursionError, TypeError, ValueError):
        return ()


def place_of(row: Any) -> Conversation:
    """The conversation in a row that has its columns."""
    return Conversation(
        channel=row.channel, account=row.account, chat=row.chat, thread=row.thread, private=bool(row.private)
    )


def split_part_id(part_id: str) -> tuple[str, int]:
    """``<turn>.<number>`` as its two columns."""
    turn, _, number = part_id.rpartition(".")
    return turn, int(number)
