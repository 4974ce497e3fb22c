"""The chat page's JSON ↔ records, its ids and cookies. Pure: bytes in, records out; no I/O, no clock, nothing random.

Everything a stranger sends is checked here, and what is wrong leaves as a `Problem`.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from botcore import Command, Control, Conversation, EngineStatus, Entry, Feedback, Message, Person
from botcore_web.file_wire import KINDS, file_id, file_json, held
from botcore_web.problem import Problem
from botcore_web.settings import WebSettings

__all__ = [
    "VISITOR_COOKIE",
    "before",
    "chat_id",
    "conversation",
    "entry_json",
    "feedback",
    "json_object",
    "last_event_id",
    "message",
    "pending_json",
    "person",
    "same_origin_proof",
    "status_json",
    "stop",
    "stop_all",
    "title",
    "until",
    "visitor",
]

VISITOR_COOKIE = "botcore_visitor"
VISITOR = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
CHAT = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
MOMENT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?", re.ASCII)
REPLY = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
"""Not every text can be asked of a database: NUL and half a character are errors there."""
REPLY_ID_LIMIT = 200
REASONS_LIMIT, REASON_LIMIT = 16, 64
COMMENT_LIMIT = 4000
CORRECTION_LIMIT = 8000
"""Characters: as long as a long reply, which one corrects in place."""
TITLE_LIMIT = 80

# ------------------------------------------------------------------ who and where


def visitor(cookie: str) -> str:
    """The visitor's secret in a cookie, "" where it is none of ours."""
    return cookie if VISITOR.fullmatch(cookie) else ""


def person(secret: str) -> Person:
    """The visitor as the bot knows them: the cookie cannot be found from the id."""
    digest = hashlib.sha256(f"botcore visitor {secret}".encode()).digest()
    return Person(id=base64.urlsafe_b64encode(digest[:16]).decode().rstrip("="))


def conversation(channel: str, who: Person, chat: str) -> Conversation:
    """A visitor's conversation by the id the page gave it. The owner is part of its name: nobody reaches another's."""
    if not CHAT.fullmatch(chat):
        raise Problem(404, "not_found", "there is no such conversation; start a new one")
    return Conversation(channel=channel, chat=f"{who.id}.{chat}")


def chat_id(chat: str) -> str:
    """The page's own id of a conversation, of `Conversation.chat`."""
    return chat.partition(".")[2]


def title(first_line: str) -> str:
    """A conversation's name in the list."""
    line = " ".join(first_line.split())
    return line if len(line) <= TITLE_LIMIT else f"{line[: TITLE_LIMIT - 1]}…"


def same_origin_proof(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that our own page sends this; whether it is true is checked at the port."""
    return bool(headers.get("Origin")) or headers.get("Sec-Fetch-Site") == "same-origin"


def last_event_id(header: str) -> int:
    """The entry up to which the page is complete; 0 for anything else a stranger may write there."""
    return int(header) if NUMBER.fullmatch(header) else 0


def before(query: Mapping[str, str]) -> int:
    """The entry of ``?before=…``, up to which somebody wants to read; 0 = to the newest."""
    text = query.get("before", "0")
    if not NUMBER.fullmatch(text):
        raise Problem(400, "bad_request", "before: must be the id of a line of the conversation")
    return int(text)


def until(query: Mapping[str, str]) -> float:
    """The moment of ``?until=…``, Unix seconds, up to which somebody wants to see conversations; 0 = to the newest."""
    text = query.get("until", "0")
    if not MOMENT.fullmatch(text):
        raise Problem(400, "bad_request", "until: must be a moment in Unix seconds")
    return float(text)


# ------------------------------------------------------------------ what comes in


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "bad_request", "the body is not valid JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise Problem(400, "bad_request", "the body must be a JSON object")
    return value


def message(
    body: bytes, where: Conversation, who: Person, *, limit: int, files_limit: int, now: float
) -> tuple[Message, tuple[str, ...]]:
    """``{"id", "text", "files", "about"}`` as a message, and the ids of the files it takes along.

    ``limit`` is in characters, ``now`` in Unix seconds. ``about`` names the reply that is to be written again.
    """
    value = _known(body, {"id", "text", "files", "about"})
    text, files = _string(value, "text"), _files(value.get("files", []), files_limit)
    if len(text) > limit:
        raise Problem(413, "too_long", f"the text has {len(text)} characters; at most {limit} fit, shorten it")
    if not text.strip() and not files:
        raise Problem(400, "bad_request", "text: is empty; write something")
    client_id = _uuid(value)
    said = Message(
        event_id=f"{where.chat}.{client_id}",
        conversation=where,
        person=who,
        text=text,
        platform_id=client_id,
        sent_at=now,
        about=_reply({"about": ""} | value, "about"),
    )
    return said, files


def _files(value: object, limit: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Problem(400, "bad_request", "files: must be a list of file ids")
    if len(value) > limit:
        raise Problem(413, "too_many", f"files: at most {limit} go with one message; send the others with the next")
    return tuple(dict.fromkeys(file_id(one if isinstance(one, str) else "") for one in value))


def stop(body: bytes, where: Conversation, who: Person) -> Control:
    """``{"id"}`` as the order to stop everything said so far."""
    event_id = f"{where.chat}.{_uuid(_known(body, {'id'}))}"
    return Control(event_id=event_id, conversation=where, person=who, kind="stop")


def stop_all(where: Conversation, who: Person, nonce: str) -> Control:
    """The order to stop that goes before a deletion; ``nonce`` is fresh for each."""
    return Control(event_id=f"{where.chat}.{nonce}", conversation=where, person=who, kind="stop")


def feedback(body: bytes, channel: str, who: Person) -> Feedback:
    """``{"id", "conversation", "reply", "value", "reasons", "comment", "correction"}`` as a judgement."""
    value = _known(body, {"id", "conversation", "reply", "value", "reasons", "comment", "correction"})
    where = conversation(channel, who, _string(value, "conversation"))
    return Feedback(
        event_id=f"{where.chat}.{_uuid(value)}",
        conversation=where,
        person=who,
        reply=_reply(value, "reply"),
        value=_verdict(value.get("value")),
        reasons=_reasons(value.get("reasons", [])),
        comment=_short({"comment": ""} | value, "comment", COMMENT_LIMIT),
        correction=_short({"correction": ""} | value, "correction", CORRECTION_LIMIT),
    )


def _known(body: bytes, names: set[str]) -> dict[str, Any]:
    value = json_object(body)
    for name in value:
        if name not in names:
            raise Problem(400, "bad_request", f"{name[:64]!r} is not known here; send {', '.join(sorted(names))}")
    return value


def _string(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise Problem(400, "bad_request", f"{name}: must be a string")
    return text


def _short(value: Mapping[str, Any], name: str, limit: int) -> str:
    text = _string(value, name)
    if len(text) > limit:
        raise Problem(413, "too_long", f"{name}: at most {limit} characters")
    return text


def _reply(value: Mapping[str, Any], name: str) -> str:
    text = _short(value, name, REPLY_ID_LIMIT)
    if not REPLY.fullmatch(text):
        raise Problem(404, "not_found", f"{name}: there is no such reply; load the page again")
    return text


def _uuid(value: Mapping[str, Any]) -> str:
    text = _string(value, "id")
    if not UUID.fullmatch(text):
        raise Problem(400, "bad_request", "id: must be a UUID, a fresh one for each new thing")
    return text.lower()


def _verdict(value: object) -> Literal[-1, 0, 1]:
    for verdict in (-1, 0, 1):
        if type(value) is int and value == verdict:
            return verdict
    raise Problem(400, "bad_request", "value: must be -1, 0 or 1")


def _reasons(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > REASONS_LIMIT:
        raise Problem(400, "bad_request", f"reasons: must be a list of at most {REASONS_LIMIT} words")
    if not all(isinstance(reason, str) and len(reason) <= REASON_LIMIT for reason in value):
        raise Problem(400, "bad_request", f"reasons: each must be a string of at most {REASON_LIMIT} characters")
    return tuple(value)


# ------------------------------------------------------------------ what goes out


def entry_json(entry: Entry, *, reason: str = "") -> dict[str, Any]:
    """A committed line as the page reads it; ``reason`` is why its reply was stopped, refused or failed."""
    return {
        "id": entry.id,
        "role": entry.role,
        "text": entry.text,
        "at": entry.at,
        "reply": entry.reply,
        "outcome": entry.outcome,
        "reason": reason,
        "model": entry.model,
        "plugin": entry.plugin,
        "citations": [asdict(citation) for citation in entry.citations],
        "feedback": entry.feedback,
        "message": entry.platform_id if entry.role == "user" else "",
        "again": entry.again,
        "judgeable": entry.judgeable,
        "files": [file_json(kept) for kept in held(entry.attachments)],
    }


def pending_json(number: int, waiting: Message) -> dict[str, Any]:
    """An accepted message that has no reply yet, by its inbox id."""
    return {
        "message": number,
        "id": waiting.platform_id,
        "text": waiting.text,
        "at": waiting.sent_at,
        "about": waiting.about,
        "files": [file_json(kept) for kept in held(waiting.attachments)],
    }


def status_json(
    name: str, engine: EngineStatus, health: Mapping[str, str], commands: Sequence[Command], settings: WebSettings
) -> dict[str, Any]:
    """What the page's header shows, what an empty chat offers, and what may be sent."""
    return {
        "name": name,
        "engine": asdict(engine),
        "health": dict(health),
        "commands": [{"name": command.name, "help": command.help} for command in commands],
        "samples": settings.samples,
        "limits": {"text": settings.text_limit, "file": settings.file_limit, "files": settings.files, "kinds": KINDS},
    }
