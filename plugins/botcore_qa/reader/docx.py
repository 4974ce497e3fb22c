"""Word (.docx) to Markdown, by python-docx: headings, paragraphs, lists, tables, notes."""

import re
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

from botcore_qa.reader.parts import Block, End, Heading, Opening, Part, Refusal, sections

if TYPE_CHECKING:
    from docx.document import Document
    from docx.oxml.document import CT_Body
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

__all__ = ["read"]

ENTRIES = 4_000
INFLATED = 200_000_000
"""Bytes of everything in the archive, unpacked: the pictures of a book fit in, a bomb does not."""
STYLE = re.compile(r"heading ([1-9])", re.IGNORECASE)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DELETED = (f"{W}del", f"{W}moveFrom", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback")
"""Changes that are not accepted yet, and what is there a second time for old programs."""
WRAPPERS = tuple(W + name for name in ("ins", "moveTo", "sdt", "sdtContent", "smartTag", "customXml", "fldSimple"))
"""Around words that stand on the page like any others: changes, the fields of forms. python-docx looks into none."""
NOTES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def read(stream: IO[bytes]) -> Iterator[Part]:
    """Its sections. Raises `Refusal`: truncated, a bomb, no Word document."""
    from docx import Document

    _counted(stream)
    document = Document(stream)
    body = document.element.body
    _bare(body)
    for kind in ("endnote", "footnote"):
        _noted(body, kind, _notes(document, kind))
    blocks = list(_blocks(document))
    yield Opening(title=_title(document, blocks))
    yield from sections(blocks)
    yield End()


def _counted(stream: IO[bytes]) -> None:
    """What will come out, before anything is unpacked; zipfile gives out no more than an entry says it holds."""
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise Refusal("truncated or damaged: its table of contents is missing; send it again") from error
    _is_word({entry.filename.partition("/")[0] for entry in entries})
    inflated = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES or inflated > INFLATED:
        raise Refusal(f"unpacks to {len(entries)} files of {inflated >> 20} MB: no ordinary document")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Refusal("encrypted: it needs a password; save it without one")
    stream.seek(0)


def _is_word(folders: set[str]) -> None:
    for folder, what in (("word", ""), ("xl", "an Excel workbook"), ("ppt", "a PowerPoint file")):
        if folder in folders:
            if what:
                raise Refusal(f"{what}, no Word document")
            return
    raise Refusal("a ZIP archive, no Word document")


def _bare(body: "CT_Body") -> None:
    """Leave paragraphs, tables and words where python-docx finds them; text boxes behind the paragraph they hang on."""
    from lxml import etree  # type: ignore[import-untyped]

    etree.strip_elements(body, *DELETED, with_tail=False)
    etree.strip_tags(body, *WRAPPERS)
    for box in list(body.iter(f"{W}txbxContent")):
        anchor = next(box.iterancestors(f"{W}p"))
        for block in reversed(box):
            anchor.addnext(block)


def _noted(body: "CT_Body", kind: str, notes: dict[str, list[Any]]) -> None:
    """Put each note behind the paragraph that refers to it, where a reader looks; once, however often it is named."""
    for reference in reversed(list(body.iter(f"{W}{kind}Reference"))):
        for block in reversed(notes.pop(reference.get(f"{W}id"), [])):
            next(reference.iterancestors(f"{W}p")).addnext(block)


def _notes(document: "Document", kind: str) -> dict[str, list[Any]]:
    """The paragraphs of the footnotes (or endnotes), which are in a file of their own, by their number."""
    from docx.oxml import parse_xml

    relations = (one for one in document.part.rels.values() if one.reltype == f"{NOTES}{kind}s" and not one.is_external)
    roots = [parse_xml(one.target_part.blob) for one in relations]
    for root in roots:
        _bare(root)
    return {note.get(f"{W}id"): list(note) for root in roots for note in root}


def _title(document: "Document", blocks: list[Heading | Block]) -> str:
    first = next((one.words for one in blocks[:20] if isinstance(one, Heading)), "")
    title = document.core_properties.title.strip()
    return first if title in ("", "Word Document") else title


def _blocks(document: "Document") -> Iterator[Heading | Block]:
    from docx.text.paragraph import Paragraph

    for one in document.iter_inner_content():
        if isinstance(one, Paragraph):
            yield from _paragraph(one)
        else:
            yield from _table(one)


def _paragraph(paragraph: "Paragraph") -> Iterator[Heading | Block]:
    text = paragraph.text.strip()
    if not text:
        return
    style = str(paragraph.style.name) if paragraph.style is not None else ""
    depth = STYLE.fullmatch(style)
    if depth or style == "Title":
        yield Heading(int(depth[1]) if depth else 0, text)
    elif style.startswith("List"):
        yield Block(f"- {' '.join(text.split())}", "item")
    else:
        yield Block(text)


def _table(table: "Table") -> Iterator[Block]:
    for number, row in enumerate(table.rows):
        cells = row.cells  # one that takes up several columns is here several times
        goes_on = [False, *(one._tc is other._tc for one, other in pairwise(cells))]
        words = ("" if same else _cell(cell) for same, cell in zip(goes_on, cells, strict=True))
        yield Block(f"| {' | '.join(words)} |", "row")
        if not number:
            yield Block("|" + " --- |" * len(cells), "row")


def _cell(cell: "_Cell") -> str:
    """All its words, those of a table inside it too."""
    from docx.text.paragraph import Paragraph

    text = " ".join(Paragraph(one, cell).text for one in cell._tc.iter(f"{W}p"))
    return " ".join(text.split()).replace("|", "/")
