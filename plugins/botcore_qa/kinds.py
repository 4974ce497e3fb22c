"""Which kinds of documents there are, and which one a file is: its content decides, then its name."""

from importlib.util import find_spec
from pathlib import PurePath
from typing import Literal

from botcore import BotcoreError

__all__ = ["IN_WORDS", "KINDS", "Kind", "Unreadable", "instead", "kind_of", "named", "needs"]

Kind = Literal["csv", "markdown", "text", "html", "pdf", "docx"]

KINDS: dict[str, Kind] = {
    ".csv": "csv",
    ".docx": "docx",
    ".htm": "html",
    ".html": "html",
    ".markdown": "markdown",
    ".md": "markdown",
    ".pdf": "pdf",
    ".text": "text",
    ".txt": "text",
    ".xhtml": "html",
}
MEDIA: dict[str, Kind] = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "markdown",
    "text/plain": "text",
}
IN_WORDS = "PDF, Word (.docx), HTML, Markdown, CSV and text files"
INSTEAD = {
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers"), "CSV"),
    **dict.fromkeys((".doc", ".docm", ".dot", ".dotx", ".odt", ".pages", ".rtf"), ".docx or PDF"),
    **dict.fromkeys((".ppt", ".pptx", ".pps", ".ppsx", ".odp", ".key"), "PDF"),
}
"""What an office program can save a file of its own as, for us to read."""
LIBRARIES: dict[Kind, tuple[str, str]] = {
    "pdf": ("pypdf", "pypdf"),
    "docx": ("docx", "python-docx"),
    "html": ("selectolax", "selectolax"),
}
"""Module, and the package it comes from."""
FOREIGN = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a picture or sound"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "RTF: save it as .docx"),
    (b"\xd0\xcf\x11\xe0", "an old or password-protected Office file: save it as .docx without a password"),
)


class Unreadable(BotcoreError):
    """The file is not a document.

    ``plainly`` is for whoever sent it in a chat, where the reason names what only the operator can do.
    """

    def __init__(self, reason: str, plainly: str = "") -> None:
        super().__init__(reason)
        self.plainly = plainly or reason


def named(name: str, media_type: str = "") -> Kind | None:
    """What a file of this name claims to be; None for what is no document."""
    return KINDS.get(PurePath(name).suffix.lower()) or MEDIA.get(media_type.partition(";")[0].strip().lower())


def instead(name: str) -> str:
    """As what a file of this name, which is no document, could be saved to become one; "" where we know nothing."""
    return INSTEAD.get(PurePath(name).suffix.lower(), "")


def kind_of(name: str, head: bytes, media_type: str = "") -> Kind:
    """What the file is, by its first kilobyte and its name. Raises `Unreadable` where that is no document."""
    claimed = named(name, media_type)
    if head.startswith(b"%PDF-") or (claimed == "pdf" and b"%PDF-" in head):
        return "pdf"
    suffix = PurePath(name).suffix
    if claimed is None and (other := instead(name)):
        raise Unreadable(f'type "{suffix}" is not supported; save it as {other}')
    if head.startswith(b"PK\x03\x04"):
        return "docx"  # or another archive: its reader looks
    if claimed is None:
        raise Unreadable(f'type "{suffix}" is not supported; known are {", ".join(sorted(KINDS))}')
    foreign = next((what for magic, what in FOREIGN if head.startswith(magic)), "")
    if foreign:
        raise Unreadable(f"named {suffix or claimed}, but holds {foreign}")
    if claimed in ("pdf", "docx") and head:
        raise Unreadable(f"named {suffix or claimed}, but holds no {'PDF' if claimed == 'pdf' else 'Word document'}")
    return claimed


def needs(kind: Kind) -> str:
    """What must be installed before this kind can be read; "" for nothing."""
    module, package = LIBRARIES.get(kind, ("sys", ""))
    return "" if find_spec(module) else f"needs {package}; pip install 'botcore[documents]'"
