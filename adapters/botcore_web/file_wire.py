"""Attached files as the page offers them → records. Pure: names are made harmless here, nothing touches the disk."""

import mimetypes
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botcore import Attachment, Conversation
from botcore_web.problem import Problem

__all__ = [
    "ID_LENGTH",
    "KINDS",
    "Kept",
    "Offer",
    "attachment",
    "file_id",
    "file_json",
    "file_name",
    "held",
    "offer",
    "place",
    "too_large",
]

KINDS = (".pdf", ".docx", ".html", ".htm", ".md", ".csv", ".txt")
"""What the page's file dialog offers first; any other file is taken too, and the plugins say what they can read."""
TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",  # Python's table lacks it
    ".md": "text/markdown",
}
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
ID_LENGTH = 36
REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{22,64}/[0-9a-f-]{36}", re.ASCII)
NAME_BYTES = 180
"""Of a name: with the id in front it stays below the 255 bytes every file system takes."""
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, marks that turn the direction of writing, halves of characters: what makes a name read as another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A file the page wants to send."""

    id: str
    """The page's own UUID: the same offer again is the same file."""
    name: str
    """Harmless: one line, no path, not hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file on the disk."""

    id: str
    name: str
    size: int
    """Bytes."""


def offer(query: Mapping[str, str], length: int, *, limit: int) -> Offer:
    """``?id=…&name=…`` as an offer; ``length`` is what the request says of its body, ``limit`` the most, in bytes."""
    if not limit:
        raise Problem(403, "no_files", "this bot takes no files")
    if length > limit:
        raise too_large(limit)
    return Offer(id=file_id(query.get("id", "")), name=file_name(query.get("name", "")))


def too_large(limit: int) -> Problem:
    """The refusal of a file longer than ``limit`` bytes."""
    return Problem(413, "too_large", f"the file is larger than {_size(limit)}; split it, or send a smaller one")


def _size(size: int) -> str:
    return f"{size / 1e6:.3g} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def file_id(text: str) -> str:
    """The id of a file. A `Problem` where it is none."""
    if not UUID.fullmatch(text):
        raise Problem(400, "bad_request", "id: must be a UUID, a fresh one for each new file")
    return text.lower()


def file_name(raw: str) -> str:
    """A name as it can be shown and kept: without path, without what cannot be seen, its ending where it was."""
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", raw)[-1].encode("utf-8", "replace").decode())
    seen = "".join(" " if unicodedata.category(letter) in UNSEEN else letter for letter in text)
    name = " ".join(seen.split()).lstrip(". ")
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = name, "", ""
    room = NAME_BYTES - len((dot + ending).encode())
    return (stem.encode()[:room].decode("utf-8", "ignore") + dot + ending) or "file"


def attachment(where: Conversation, kept: Kept) -> Attachment:
    """A file as plugins see it. Its kind is told from its name: the browser's word is only a stranger's."""
    ending = kept.name[kept.name.rfind(".") :].lower() if "." in kept.name else ""
    kind = TYPES.get(ending) or mimetypes.guess_type(kept.name)[0] or "application/octet-stream"
    return Attachment(name=kept.name, media_type=kind, size=kept.size, reference=f"{where.chat}/{kept.id}")


def place(reference: str) -> tuple[str, str] | None:
    """Chat and file id in an attachment's reference; None where it is none of ours."""
    if not REFERENCE.fullmatch(reference):
        return None
    chat, _, id = reference.partition("/")
    return chat, id


def held(attachments: Iterable[Attachment]) -> list[Kept]:
    """The files that came with a message."""
    return [Kept(id=one.reference.rpartition("/")[2], name=one.name, size=one.size) for one in attachments]


def file_json(kept: Kept) -> dict[str, Any]:
    """A file as the page reads it."""
    return {"file": kept.id, "name": kept.name, "size": kept.size}
