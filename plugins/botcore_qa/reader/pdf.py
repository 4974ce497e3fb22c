"""PDF to its pages, one section each, by pypdf."""

import logging
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from botcore_qa.reader.parts import End, Opening, Part, Refusal, Section, slices
from botcore_qa.reader.prose import Running, garbled, reflowed

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

__all__ = ["read"]

PAGES_LIMIT = 5_000
TAIL = 8_192
"""Bytes at the end in which the end mark of a whole file stands; some programs write a little behind it."""
NO_TITLE = re.compile(
    r"untitled.*|\(?anonymous\)?|unknown|(?:microsoft \w+ - .*)|.*\.(?:docx?|pdf|odt|tex|dvi|indd|qxd)", re.IGNORECASE
)
"""What programs write where nobody gave a title."""


def read(stream: IO[bytes]) -> Iterator[Part]:
    """Its pages. Raises `Refusal`: truncated, encrypted, a scan, too many pages."""
    from pypdf import PdfReader

    logging.disable(logging.CRITICAL)  # nobody reads what pypdf thinks of the file
    _whole(stream)
    reader = PdfReader(stream)
    _opened(reader)
    pages = len(reader.pages)
    if pages > PAGES_LIMIT:
        raise Refusal(f"has {pages} pages; at most {PAGES_LIMIT} are read")
    yield Opening(title=_title(reader), pages=pages)
    yield from _pages(reader)


def _pages(reader: "PdfReader") -> Iterator[Part]:
    running, unread, said, garbled = Running(), list[int](), False, False
    for number, page in enumerate(reader.pages, 1):
        text = _text(page)
        if not text or not text.strip():
            garbled = garbled or text is None
            unread += [number] if text is None or _has_picture(page) else []
            continue
        for part in slices(reflowed(running.without(text))):
            said = True
            yield Section(text=part, page=number)
    if not said:
        raise Refusal(
            "its text cannot be made out: its fonts do not say which letters they show"
            if garbled
            else "holds no text, only pictures: a scan? Have its text recognised first (OCR)"
        )
    yield End(unread=tuple(unread))


def _text(page: "object") -> str | None:
    """The page's text; None where it is damaged or garbled. What stops the whole document travels on."""
    from pypdf.errors import LimitReachedError

    try:
        text = str(page.extract_text())  # type: ignore[attr-defined]
    except LimitReachedError as error:
        raise Refusal("unpacks to more than is read of one page: damaged, or made to do harm") from error
    except (MemoryError, RecursionError):
        raise
    except Exception:
        return None  # one page of many: pypdf raises whatever the file made it meet
    return None if garbled(text) else text


def _has_picture(page: "PageObject") -> bool:
    """Of a page without text: a scan among others that were printed, not an empty one."""
    try:
        pictures = (one.get_object() for one in page["/Resources"]["/XObject"].values())  # type: ignore[index]
        return any(one["/Subtype"] == "/Image" for one in pictures)
    except Exception:
        return False  # most have none, and a damaged file raises what it likes


def _whole(stream: IO[bytes]) -> None:
    stream.seek(0, 2)
    stream.seek(max(0, stream.tell() - TAIL))
    if b"%%EOF" not in stream.read():
        raise Refusal("truncated: its end is missing; send it again")
    stream.seek(0)


def _opened(reader: "PdfReader") -> None:
    """Many files are encrypted with an empty password, against printing only: those open."""
    from pypdf.errors import DependencyError

    try:
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refusal("encrypted: it needs a password; save it without one")
    except DependencyError as error:
        raise Refusal("encrypted; save it without protection") from error


def _title(reader: "PdfReader") -> str:
    try:
        title = str((reader.metadata and reader.metadata.title) or "").strip()
    except Exception:
        return ""  # a damaged title is none
    return "" if NO_TITLE.fullmatch(title) else title
