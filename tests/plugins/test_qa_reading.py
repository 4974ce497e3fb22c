"""Documents of every kind, read part by part, and files that mean no good: refused in words, at no cost to the bot."""

import asyncio
import gc
import io
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from botcore.testing import ManualClock, until
from botcore_qa import QASettings
from botcore_qa.documents import Found
from botcore_qa.kinds import Unreadable
from botcore_qa.reader.parts import End, Opening, Part, Refusal, Section, from_line, to_line
from botcore_qa.reading import examine, parts
from tests.documents import FONT, docx_of, make_docx, make_html, make_pdf, pdf_of, prose, stream_of
from tests.plugins.conftest import is_reader, readers

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Paper = Callable[[str, bytes], Found]


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    def write(name: str, content: bytes) -> Found:
        file = tmp_path / "file"
        file.write_bytes(content)
        return Found(path=name, source=name, file=file)

    return write


async def read(found: Found, **settings: int) -> list[Part]:
    chosen = QASettings(**settings)
    kind, _ = await asyncio.to_thread(examine, found, chosen)
    async with aclosing(parts(found, kind, chosen, ManualClock())) as stream:
        return [part async for part in stream]


async def reason(found: Found, **settings: int) -> str:
    with pytest.raises(Unreadable) as refused:
        await read(found, **settings)
    return str(refused.value)


# ------------------------------------------------------------------ what is in them


async def test_a_pdf_is_read_page_by_page(paper: Paper) -> None:
    pages = ["Parking is free.\n\nA lift connects all floors.", "Dogs are welcome."]
    assert await read(paper("handbook.pdf", make_pdf(pages, title="The handbook"))) == [
        Opening(title="The handbook", pages=2),
        Section(text="Parking is free.\n\nA lift connects all floors.", page=1),
        Section(text="Dogs are welcome.", page=2),
        End(),
    ]


async def test_the_lines_of_a_page_become_paragraphs_again(paper: Paper) -> None:
    told = "The reading room on the second floor is open to everybody who wants to work there quietly, also at night."
    [_, section, _] = await read(paper("a.pdf", make_pdf([f"{told}\n\n{told}"])))
    assert isinstance(section, Section)
    assert section.text == f"{told}\n\n{told}"


async def test_running_heads_and_page_numbers_leave(paper: Paper) -> None:
    pages = [f"House rules, edition 7\n\n{prose(number, 60)}\n\nPage {number}" for number in range(1, 4)]
    read_pages = [part.text for part in await read(paper("a.pdf", make_pdf(pages))) if isinstance(part, Section)]
    assert ["House rules" in text for text in read_pages] == [True, False, False]
    assert ["Page" in text for text in read_pages] == [True, False, False]


async def test_a_title_that_a_program_made_up_is_none(paper: Paper) -> None:
    opening = (await read(paper("a.pdf", make_pdf(["Text."], title="Microsoft Word - rules.doc"))))[0]
    assert opening == Opening(title="", pages=1)


async def test_a_page_without_letters_is_named_and_the_others_are_read(paper: Paper) -> None:
    font = FONT[:-3] + b"/Encoding << /Differences [65 /g1 /g2 /g3] >> >>"
    garbled = stream_of("\x01\x02\x03\x04\x05\x06" * 9)
    found = await read(paper("a.pdf", pdf_of([stream_of("Plain text."), garbled], font=font.replace(b"/g", b"/u"))))
    assert found[-1] == End(unread=(2,))


@pytest.mark.parametrize(("picture", "unread"), [(True, (2,)), (False, ())])
async def test_a_scan_among_pages_of_text_is_named_and_an_empty_page_is_not(
    paper: Paper, unread: tuple[int, ...], *, picture: bool
) -> None:
    made = pdf_of([stream_of("Plain text."), stream_of(""), stream_of("More.")], picture=picture)
    assert (await read(paper("a.pdf", made)))[-1] == End(unread=unread)


async def test_word_keeps_headings_lists_and_tables(paper: Paper) -> None:
    made = make_docx(
        [("Opening hours", "We open at nine."), ("Fees", "Some things cost.\n\nNot much.")],
        title="The library",
        table=[["Item", "Fee"], ["Late book", "1 €"]],
    )
    assert await read(paper("a.docx", made)) == [
        Opening(title="The library"),
        Section(text="We open at nine.", heading=("Opening hours",)),
        Section(
            text="Some things cost.\n\nNot much.\n\n| Item | Fee |\n| --- | --- |\n| Late book | 1 € |",
            heading=("Fees",),
        ),
        End(),
    ]


def words(*parts: str) -> str:
    """Words as a Word document holds them, each in a wrapper of its own."""
    return "".join(
        f'<w:{part}><w:r><w:t xml:space="preserve">words in {part} </w:t></w:r></w:{part}>' for part in parts
    )


async def test_word_is_read_with_its_changes_fields_and_text_boxes(paper: Paper) -> None:
    box = "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    deleted = "<w:del><w:r><w:t>Gone.</w:t></w:r></w:del>"
    changed = f"<w:p>{words('ins', 'moveTo', 'smartTag', 'fldSimple')}{deleted}{words('moveFrom')}{box}</w:p>"
    field = f"<w:sdt><w:sdtContent><w:p>{words('hyperlink')}</w:p></w:sdtContent></w:sdt>"
    assert await read(paper("a.docx", docx_of(changed + field))) == [
        Opening(title="Fees"),
        Section(
            text="words in ins words in moveTo words in smartTag words in fldSimple\n\nIn a box.\n\nwords in hyperlink",
            heading=("Fees",),
        ),
        End(),
    ]


async def test_notes_of_word_are_read_where_they_are_referred_to(paper: Paper) -> None:
    def paragraph(text: str, *notes: tuple[str, int]) -> str:
        references = "".join(f'<w:r><w:{kind}Reference w:id="{id}"/></w:r>' for kind, id in notes)
        return f"<w:p><w:r><w:t>{text}</w:t></w:r>{references}</w:p>"

    def note(kind: str, id: int, text: str) -> str:
        return f'<w:{kind} w:id="{id}">{paragraph(text)}</w:{kind}>'

    made = docx_of(
        paragraph("A card costs 20 €.", ("footnote", 1), ("footnote", 2))
        + paragraph("So much.", ("endnote", 1), ("footnote", 9)),
        footnotes=note("footnote", 0, "nobody refers to this")
        + note("footnote", 1, "Students: 10 €.")
        + note("footnote", 2, "Or less."),
        endnotes=note("endnote", 1, "Since May."),
    )
    assert await read(paper("a.docx", made)) == [
        Opening(title="Fees"),
        Section(text="A card costs 20 €.\n\nStudents: 10 €.\n\nOr less.\n\nSo much.\n\nSince May.", heading=("Fees",)),
        End(),
    ]


async def test_a_table_in_a_table_is_read(paper: Paper) -> None:
    def table(inside: str) -> str:
        return f"<w:tbl><w:tblGrid><w:gridCol/></w:tblGrid><w:tr><w:tc>{inside}<w:p/></w:tc></w:tr></w:tbl>"

    inner = table("<w:p><w:r><w:t>inside</w:t></w:r></w:p>")
    [_, section, _] = await read(paper("a.docx", docx_of(table(f"<w:p><w:r><w:t>outside</w:t></w:r></w:p>{inner}"))))
    assert isinstance(section, Section)
    assert section.text == "| outside inside |\n| --- |"


async def test_html_keeps_what_a_reader_reads(paper: Paper) -> None:
    page = make_html([("Fees", "Some <b>things</b> cost.</p><ul><li>a book<li>a <i>map</i></ul>")], title="The library")
    assert await read(paper("a.html", page)) == [
        Opening(title="The library"),
        Section(text="Some things cost.\n\n- a book\n- a map", heading=("Fees",)),
        End(),
    ]


async def test_html_tables_and_code_stay_readable(paper: Paper) -> None:
    page = b"<table><tr><th>Day<th>Opens<tr><td><p>Monday</p><td>9 | 10</table><pre>make\n  run</pre>"
    [_, section, _] = await read(paper("a.html", page))
    assert isinstance(section, Section)
    assert section.text == "| Day | Opens |\n| --- | --- |\n| Monday | 9 / 10 |\n\n```\nmake\n  run\n```"


async def test_cells_that_span_others_leave_each_in_its_column(paper: Paper) -> None:
    page = b"""<table><tr><th>Who<th>Card<th>Fee<tr><td rowspan=2>Adults<td>day<td>5<tr><td>month<td>50
      <tr><td colspan=2>Children<td rowspan=0>0<tr><td>Dogs<td rowspan=9999>all<td>1<tr><td>Cats<td>2</table>"""
    [_, section, _] = await read(paper("a.html", page))
    assert isinstance(section, Section)
    assert section.text.split("\n")[2:] == [
        "| Adults | day | 5 |",
        "| Adults | month | 50 |",
        "| Children |  | 0 |",
        "| Dogs | all | 1 |",
        "| Cats | all | 2 |",
    ]


async def test_cells_of_word_that_span_others_do_too(paper: Paper) -> None:
    def cell(text: str, *, columns: int = 1) -> str:
        span = f'<w:tcPr><w:gridSpan w:val="{columns}"/></w:tcPr>'
        return f"<w:tc>{span}<w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    rows = (cell("Who") + cell("Card") + cell("Fee"), cell("Children", columns=2) + cell("0"))
    grid = f"<w:tblGrid>{'<w:gridCol/>' * 3}</w:tblGrid>"
    table = f"<w:tbl>{grid}{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
    [_, section, _] = await read(paper("a.docx", docx_of(table)))
    assert isinstance(section, Section)
    assert section.text == "| Who | Card | Fee |\n| --- | --- | --- |\n| Children |  | 0 |"


async def test_html_menus_are_left_out_and_lists_keep_their_items(paper: Paper) -> None:
    page = (
        b"<div role=navigation><a>Home</a></div><div hidden>Folded.</div><ul><li><p>one</p><p>more</p><li>two<ul><li>b"
    )
    [_, section, _] = await read(paper("a.html", page))
    assert section == Section(text="Folded.\n\n- one\n\nmore\n\n- two\n- b")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<meta charset=iso-8859-1><p>Straße".encode("latin-1"), "Straße"),
        ("<p>Straße".encode("utf-16"), "Straße"),
        ("<meta charset=iso-8859-1><p>“5 €”".encode("cp1252"), "“5 €”"),
        ("\ufeff<p>Straße".encode(), "Straße"),
    ],
)
async def test_html_says_its_own_encoding(paper: Paper, raw: bytes, text: str) -> None:
    [_, section, _] = await read(paper("a.htm", raw))
    assert section == Section(text=text)


async def test_markdown_is_read_section_by_section(paper: Paper) -> None:
    assert await read(paper("a.md", b"# Trams\n\nTram 4.\n\n## Stops\n\nAt the door.")) == [
        Opening(title="Trams"),
        Section(text="\n\nTram 4.\n\n", heading=("Trams",)),
        Section(text="\n\nAt the door.", heading=("Trams", "Stops")),
        End(),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"Article,Shelf\nmast,B 4\n",
        "\ufeffArticle;Shelf\r\nmast;B 4\r\n".encode(),
        b"\nArticle\tShelf\n\nmast\tB 4",
        b'"Article","Shelf"\n"mast","B\n4"\n,\n',
        b"sep=;\nArticle;Shelf\nmast;B 4\n",
        "Article\tShelf\r\nmast\tB 4\r\n".encode("utf-16"),
    ],
)
async def test_csv_is_a_table_below_its_first_row(paper: Paper, raw: bytes) -> None:
    table = "| Article | Shelf |\n| --- | --- |\n| mast | B 4 |"
    assert await read(paper("a.csv", raw)) == [Opening(), Section(text=table), End()]


async def test_a_long_csv_has_its_first_row_above_every_stretch(paper: Paper) -> None:
    rows = "\n".join(f"article {number},shelf | {number}" for number in range(450))
    [_, *sections, _] = await read(paper("a.csv", f"Article,Shelf\n{rows}".encode()))
    texts = [one.text for one in sections if isinstance(one, Section)]
    assert all(text.startswith("| Article | Shelf |\n| --- | --- |\n") for text in texts)
    assert [text.count("\n") - 1 for text in texts] == [200, 200, 50]
    assert texts[-1].endswith("| article 449 | shelf / 449 |")


async def test_what_no_database_takes_is_replaced(paper: Paper) -> None:
    [_, section, _] = await read(paper("a.html", b"<p>a&#0;b&#xD800;c"))
    assert isinstance(section, Section)
    assert re.fullmatch("a\ufffd?b\ufffdc", section.text)


async def test_the_content_decides_where_the_name_is_wrong(paper: Paper) -> None:
    assert (await read(paper("report.docx", make_pdf(["A PDF after all."]))))[0] == Opening(pages=1)
    assert (await read(paper("report", make_docx([("One", "Text.")]))))[0] == Opening(title="One")


# ------------------------------------------------------------------ refused, with a reason


def encrypted() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(["Secret."])))), io.BytesIO()
    writer.encrypt("password", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


def archive(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("a.pdf", lambda: make_pdf([prose(1)] * 3)[:-900], "truncated: its end is missing; send it again"),
        ("a.pdf", lambda: encrypted(), "encrypted: it needs a password; save it without one"),
        ("a.pdf", lambda: make_pdf(["", ""]), "holds no text, only pictures: a scan?"),
        ("a.pdf", lambda: b"just words", "named .pdf, but holds no PDF"),
        ("a.pdf", lambda: b"\x89PNG\r\n", "named .pdf, but holds a PNG picture"),
        ("a.pdf", lambda: b"%PDF-1.4\n%%EOF", "damaged, or too much to read at once"),
        ("a.pdf", lambda: b"", "empty"),
        ("a.docx", lambda: make_docx([("One", "Text.")])[:-400], "truncated or damaged"),
        ("a.docx", lambda: b"\xd0\xcf\x11\xe0" * 9, "password-protected Office file"),
        ("a.csv", lambda: b'a,"' + b"x" * 200_000, "no CSV: field larger than field limit"),
        ("a.csv", lambda: "Größe,Preis".encode("cp1252"), "not UTF-8 text (byte 2); save it as UTF-8"),
        ("a.docx", lambda: b"PK not really", "named .docx, but holds no Word document"),
        ("a.docx", lambda: archive({"xl/workbook.xml": b""}), "an Excel workbook, no Word document"),
        ("a.docx", lambda: archive({"a.txt": b""}), "a ZIP archive, no Word document"),
        ("a.docx", lambda: archive({"word/document.xml": b"<"}), "damaged, or too much to read at once"),
        ("a.docx", lambda: make_docx([]), "holds no text"),
        ("a.html", lambda: "<p>Straße".encode("latin-1"), "not the UTF-8 text it should be; save it as UTF-8"),
        ("a.html", lambda: b"<meta charset=klingon><p>x", "not the KLINGON text it should be"),
        ("a.html", lambda: b"<script>only()</script>", "holds no text"),
        ("a.html", lambda: b"a\0b", "holds NUL bytes: no text file"),
        ("a.md", lambda: b"---\ntitle: Only\n---\n# Only\n\n## Headings", "holds headings and no text"),
        ("a.txt", lambda: "Straße".encode("utf-16")[:-1], "not UTF-16 text (byte 12); save it as UTF-8"),
        ("a.txt", lambda: "Straße".encode("utf-16-le"), "not UTF-8 text (byte 8); save it as UTF-8"),
        ("a.txt", lambda: make_docx([]) * 0 + b"\x1f\x8b\x08", "named .txt, but holds a gzip archive"),
        ("a.exe", lambda: b"MZ", 'type ".exe" is not supported'),
    ],
)
async def test_what_cannot_be_used_is_refused_in_one_line(
    paper: Paper, name: str, make: Callable[[], bytes], expected: str
) -> None:
    told = await reason(paper(name, make()))
    assert expected in told
    assert "\n" not in told


async def test_a_file_encrypted_against_printing_only_is_read(paper: Paper) -> None:
    from pypdf import PdfReader, PdfWriter

    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(["Open to all."])))), io.BytesIO()
    writer.encrypt("", "owner", algorithm="RC4-128")
    writer.write(out)
    assert Section(text="Open to all.", page=1) in await read(paper("a.pdf", out.getvalue()))


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [("a.pdf", "pypdf", "pypdf"), ("a.docx", "docx", "python-docx"), ("a.html", "selectolax", "selectolax")],
)
async def test_without_the_extra_a_kind_is_refused_with_the_command_that_helps(
    paper: Paper, monkeypatch: pytest.MonkeyPatch, name: str, module: str, package: str
) -> None:
    content = {"a.pdf": make_pdf(["x"]), "a.docx": make_docx([("One", "x")]), "a.html": b"<p>x"}[name]
    monkeypatch.setitem(sys.modules, module, None)
    assert await reason(paper(name, content)) == f"needs {package}; pip install 'botcore[documents]'"
    assert await read(paper("a.md", b"Markdown needs nothing."))


# ------------------------------------------------------------------ made to do harm


def flate(content: bytes) -> bytes:
    packed = zlib.compress(content, 1)
    return b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    document = f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x>&l9;</x>'.encode()
    with zipfile.ZipFile(io.BytesIO(make_docx([("One", "Text.")]))) as made:
        return archive({name: made.read(name) for name in made.namelist()} | {"word/document.xml": document})


def swollen() -> bytes:
    """Within what may be unpacked, but a tree of it fills a gigabyte."""
    body = b"<w:p/>" * 12_000_000
    head = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    with zipfile.ZipFile(io.BytesIO(make_docx([("One", "Text.")]))) as made:
        document = head + body + b"</w:body></w:document>"
        return archive({name: made.read(name) for name in made.namelist()} | {"word/document.xml": document})


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip bomb": ("a.docx", lambda: archive({"word/document.xml": bytes(210_000_000)}), "unpacks to 1 files of 200 MB"),
    "many entries": ("a.docx", lambda: archive({f"word/{n}": b"" for n in range(4_001)}), "unpacks to 4001 files"),
    "entities in entities": ("a.docx", laughs, "damaged, or too much to read at once"),
    "a swollen tree": ("a.docx", swollen, "too much to read at once|memory to read|ended early"),
    "an endless stream": ("a.pdf", lambda: pdf_of([flate(bytes(90_000_000))]), "unpacks to more than is read"),
    "a loop of pages": (
        "a.pdf",
        lambda: make_pdf(["x"]).replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"),
        "damaged|nested too deeply|holds no text",
    ),
    "work without end": ("a.pdf", lambda: pdf_of([flate(b"(a) Tj\n" * 4_000_000)]), "of computing to read"),
    "a deep nest": ("a.html", lambda: b"<div>" * 100_000 + b"deep", "of computing to read"),
    "a flood of paragraphs": ("a.html", lambda: b"<p>word " * 2_400_000, "too much to read at once|of computing"),
    "a flood of text": ("a.html", lambda: b"<p>" + b"words " * 1_700_000, "characters of text; split it"),
}


@contextmanager
def growth() -> Iterator[list[float]]:
    """By how many MB this process was larger at its largest than before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, grown = memory("VmRSS"), list[float]()
    yield grown
    grown.append(memory("VmHWM") - before)


def memory(line: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(one.split()[1]) / 1024 for one in lines if one.startswith(line))


@linux
@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_refused_and_the_bot_does_not_grow(paper: Paper, bomb: str) -> None:
    name, make, expected = BOMBS[bomb]
    found = paper(name, make())
    with growth() as grown:
        told = await reason(found, reading_cpu_s=1, reading_mb=256)
    assert re.search(expected, told), told
    assert grown[0] < 50


@linux
@pytest.mark.slow
async def test_two_hundred_pages_pass_through_without_staying(paper: Paper) -> None:
    found = paper("book.pdf", make_pdf([prose(number) for number in range(200)]))
    with growth() as grown:
        read_parts = await read(found)
    assert [part.page for part in read_parts if isinstance(part, Section)] == list(range(1, 201))
    assert grown[0] < 50


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"part": "engine"}',
        b'{"part": "opening", "title": 7, "pages": 1}',
        b'{"part": "opening", "title": "", "pages": "many"}',
        b'{"part": "section", "text": "x", "heading": [], "page": 99999999999999999999}',
        b'{"part": "section", "text": ["x"], "heading": [], "page": 1}',
        b'{"part": "end", "unread": 5}',
        b"[" * 100_000,
    ],
)
def test_what_a_captured_reader_says_is_refused(line: bytes) -> None:
    with pytest.raises(Refusal, match="no part of a document"):
        from_line(line)


def test_what_a_reader_says_arrives_as_it_was() -> None:
    said: list[Part] = [
        Opening(title="Größe", pages=3),
        Section(text="日本 🎉", heading=("a", "b"), page=2),
        End(unread=(1,)),
    ]
    assert [from_line(to_line(part)) for part in said] == said


@linux
def test_the_reader_has_no_network() -> None:
    reaches = "import socket; print(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5))"
    confine = "import os, sys; from botcore_qa.reader.__main__ import _confine; _confine(os.getppid(), 1024, 30)"
    may = subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = subprocess.run([sys.executable, "-Ic", f"{confine}; {reaches}", port], capture_output=True, text=True)
    assert (done.returncode != 0) == may
    assert ("unreachable" in done.stderr) == may


# ------------------------------------------------------------------ nothing is left behind


@pytest.fixture
def endless(paper: Paper) -> Found:
    return paper("a.pdf", pdf_of([flate(b"(a) Tj\n" * 4_000_000)]))


@linux
@pytest.mark.parametrize("begun", [False, True])
async def test_a_cancelled_reading_leaves_no_process(endless: Found, begun: bool) -> None:
    opened = asyncio.Event()

    async def read_on() -> None:
        async with aclosing(parts(endless, "pdf", QASettings(), ManualClock())) as stream:
            async for _ in stream:
                opened.set()

    reading = asyncio.create_task(read_on())
    await until(opened.is_set if begun else readers)
    os.kill(readers()[0], signal.SIGSTOP)  # only being killed ends it now
    reading.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert readers() == []


@linux
async def test_a_reading_that_is_closed_early_leaves_no_process(paper: Paper) -> None:
    found = paper("book.pdf", make_pdf([prose(number) for number in range(50)]))
    async with aclosing(parts(found, "pdf", QASettings(), ManualClock())) as stream:
        assert isinstance(await anext(stream), Opening)
        assert len(readers()) == 1
    assert readers() == []


@linux
async def test_a_reader_that_says_nothing_is_given_up(endless: Found) -> None:
    clock = ManualClock()
    reading = asyncio.create_task(anext(parts(endless, "pdf", QASettings(), clock)))
    await until(readers)
    [child] = readers()
    os.kill(child, signal.SIGSTOP)
    while not reading.done():
        await clock.advance(10)
    with pytest.raises(Unreadable, match="said nothing for 60 s"):
        await reading
    assert readers() == []


@linux
def test_a_reader_dies_with_the_bot(endless: Found) -> None:
    bot = textwrap.dedent(
        f"""
        import asyncio, pathlib
        from botcore.testing import ManualClock
        from botcore_qa import QASettings, reading
        from botcore_qa.documents import Found

        async def main():
            found = Found(path="a", source="a.pdf", file=pathlib.Path({str(endless.file)!r}))
            child = await reading._started(found, "pdf", QASettings())
            await child.stdout.readline()
            print(child.pid, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    with subprocess.Popen([sys.executable, "-c", bot], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        child = int(running.stdout.readline())
        running.kill()
        running.wait()
    watched = os.pidfd_open(child) if is_reader(child) else None
    if watched is not None:
        assert select_one(watched)


def select_one(descriptor: int) -> bool:
    """Whether the process ends within five seconds."""
    import select

    return bool(select.select([descriptor], [], [], 5)[0])
