"""Small documents for tests, made on the spot: ``make_pdf(["first page", "second page"])``."""

import io
import random
import textwrap
import zipfile
import zlib
from collections.abc import Sequence

__all__ = ["docx_of", "make_docx", "make_html", "make_pdf", "pdf_of", "prose", "stream_of"]

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
_RESOURCES = b" /Resources << /Font << /F1 3 0 R >> >> >>"
_PICTURE = b" >> /XObject << /P << /Subtype /Image >> >> >>"
LINE = 90
"""Characters of a printed line."""


def make_pdf(pages: Sequence[str], *, title: str = "") -> bytes:
    """A PDF with this text on its pages; empty lines separate paragraphs."""
    return pdf_of([stream_of(page) for page in pages], title=title)


def stream_of(text: str) -> bytes:
    """The content of a page, as a stream object: its lines as a word processor would break them."""
    lines = [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, LINE) or [""]]
    shown = b"\n".join(b"(" + _escaped(line) + b") Tj T*" for line in lines)
    packed = zlib.compress(b"BT /F1 10 Tf 14 TL 50 780 Td\n" + shown + b"\nET")
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def pdf_of(contents: Sequence[bytes], *, title: str = "", font: bytes = FONT, picture: bool = False) -> bytes:
    """A PDF whose pages have these stream objects as their content, and a ``picture`` each."""
    kids = b" ".join(b"%d 0 R" % (5 + 2 * number) for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        font,
        b"<< /Title (%s) >>" % _escaped(title),
    ]
    resources = (
        _RESOURCES.replace(b" >> >>", b" >> /XObject << /P << /Subtype /Image >> >> >>") if picture else _RESOURCES
    )
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R" + resources
    for number, content in enumerate(contents):
        objects += [page % (6 + 2 * number), content]
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n", list[int]()
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + head + table + trailer


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    return raw.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")


WORD = "http://schemas.openxmlformats.org"
WORD_RELATIONS = f"{WORD}/officeDocument/2006/relationships"


def make_docx(sections: Sequence[tuple[str, str]], *, title: str = "", table: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word document with (heading, text) sections, and a table at its end."""
    from docx import Document

    document = Document()
    document.core_properties.title = title
    for heading, text in sections:
        document.add_heading(heading, level=1)
        for paragraph in text.split("\n\n"):
            document.add_paragraph(paragraph)
    if table:
        made = document.add_table(rows=len(table), cols=len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def docx_of(body: str, **notes: str) -> bytes:
    """A Word document with the heading "Fees" and this XML below it; ``footnotes=``, ``endnotes=`` are XML, too."""
    with zipfile.ZipFile(io.BytesIO(make_docx([("Fees", "")]))) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    _behind(parts, "word/document.xml", "<w:sectPr", body)
    for kind, xml in notes.items():
        parts[f"word/{kind}.xml"] = f'<w:{kind} xmlns:w="{WORD}/wordprocessingml/2006/main">{xml}</w:{kind}>'.encode()
        relation = f'<Relationship Id="{kind}" Type="{WORD_RELATIONS}/{kind}" Target="{kind}.xml"/>'
        _behind(parts, "word/_rels/document.xml.rels", "</Relationships>", relation)
        _behind(
            parts, "[Content_Types].xml", "</Types>", f'<Override PartName="/word/{kind}.xml" ContentType="a/xml"/>'
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)
    return file.getvalue()


def _behind(parts: dict[str, bytes], name: str, mark: str, xml: str) -> None:
    parts[name] = parts[name].replace(mark.encode(), xml.encode() + mark.encode())


def make_html(sections: Sequence[tuple[str, str]], *, title: str = "") -> bytes:
    """A page with (heading, text) sections between a menu and a script."""
    body = "".join(f"<h2>{heading}</h2><p>{text}</p>" for heading, text in sections)
    return (
        f"<!doctype html><html><head><meta charset=utf-8><title>{title}</title><style>p {{ color: red }}</style></head>"
        f"<body><nav><a href=/>Home</a></nav>{body}<script>alert('boo')</script></body></html>"
    ).encode()


def prose(number: int, words: int = 350) -> str:
    """A page of plausible text, another one for each number; it says what the number's room is for."""
    dice = random.Random(number)
    sentences = list[str]()
    while sum(len(sentence.split()) for sentence in sentences) < words:
        sentences.append(" ".join(dice.choices(_WORDS, k=dice.randint(6, 16))).capitalize() + ".")
    middle = len(sentences) // 2
    told = f"Room {number} is kept for the {_WORDS[number % len(_WORDS)]} committee."
    return f"{' '.join(sentences[:middle])}\n\n{told}\n\n{' '.join(sentences[middle:])}"


_TEXT = """
the a of and to in that it was for on are with as at be this have from or had by but some what there we can out other
were all your when up use word how said each she which do their time if will way about many then them would write like
so these her long make thing see him two has look more day could go come did my sound no most number who over know
water than call first people may down side been now find any new work part take get place made live where after back
little only round man year came show every good me give our under name very through just form much great think say
help low line before turn cause same mean differ move right boy old too does tell sentence set three want air well also
"""
_WORDS = _TEXT.split()
