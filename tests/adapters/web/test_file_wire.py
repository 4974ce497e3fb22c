"""Attached files before they touch the disk: what a stranger may call them, and what is offered in vain."""

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore import Conversation
from botcore_web import file_wire
from botcore_web.file_wire import Kept
from botcore_web.problem import Problem

ID = "0b5e7a50-3b1c-4c55-9e2a-111111111111"
WHERE = Conversation(channel="web", chat=f"{'v' * 22}.{'c' * 22}")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("handbook.pdf", "handbook.pdf"),
        ("Über uns – Ñandú 手册.md", "Über uns – Ñandú 手册.md"),
        ("U\u0308ber.md", "Über.md"),
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\ana\notes.txt", "notes.txt"),
        ("a\r\nb\t c.pdf", "a b c.pdf"),
        ("evil\u202efdp.exe", "evil fdp.exe"),
        (".bashrc", "bashrc"),
        (". . .", "file"),
        ("", "file"),
        ("/", "file"),
        ("\x00", "file"),
        ("half \ud800 a letter.txt", "half ? a letter.txt"),
        ("<img src=x onerror=1>.html", "<img src=x onerror=1>.html"),
    ],
)
def test_a_name_is_made_harmless(raw: str, name: str) -> None:
    assert file_wire.file_name(raw) == name


def test_a_long_name_keeps_its_ending() -> None:
    name = file_wire.file_name("手" * 500 + ".docx")
    assert name.endswith("手.docx")
    assert len(name.encode()) <= 180


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder_or_breaks_a_line(raw: str) -> None:
    name = file_wire.file_name(raw)
    assert name
    assert len(f"{ID}-{name}".encode()) < 255
    assert not set(name) & {"/", "\\", "\x00", "\n"}
    assert not name.startswith(".")
    assert not any(unicodedata.category(letter) in ("Cc", "Cf") for letter in name)
    assert file_wire.file_name(name) == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.md", "text/markdown"),
        ("a.htm", "text/html"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_the_kind_is_told_from_the_name(name: str, kind: str) -> None:
    assert file_wire.attachment(WHERE, Kept(id=ID, name=name, size=1)).media_type == kind


def test_an_attachment_leads_back_to_its_file() -> None:
    kept = Kept(id=ID, name="a.pdf", size=7)
    made = file_wire.attachment(WHERE, kept)
    assert file_wire.place(made.reference) == (WHERE.chat, ID)
    assert file_wire.held([made]) == [kept]


@pytest.mark.parametrize(
    "reference", ["", ID, f"{WHERE.chat}/../x", f"../{ID}", f"{WHERE.chat}/{ID}\n", f"{WHERE.chat}/*", "https://x/y"]
)
def test_what_is_no_reference_of_ours(reference: str) -> None:
    assert file_wire.place(reference) is None


@pytest.mark.parametrize(
    ("query", "length", "status", "named"),
    [
        ({"id": ID, "name": "a.pdf"}, 2_000_001, 413, "2 MB"),
        ({"id": "1", "name": "a.pdf"}, 1, 400, "id"),
        ({"name": "a.pdf"}, 1, 400, "id"),
        ({"id": "*", "name": "a.pdf"}, 1, 400, "id"),
    ],
)
def test_an_offer_that_is_refused(query: dict[str, str], length: int, status: int, named: str) -> None:
    with pytest.raises(Problem) as refused:
        file_wire.offer(query, length, limit=2_000_000)
    assert refused.value.status == status
    assert named in refused.value.message


def test_an_offer() -> None:
    taken = file_wire.offer({"id": ID.upper(), "name": "../a.pdf"}, 0, limit=10)
    assert (UUID(taken.id), taken.id, taken.name) == (UUID(ID), ID, "a.pdf")


def test_a_bot_may_take_no_files_at_all() -> None:
    with pytest.raises(Problem, match="takes no files"):
        file_wire.offer({"id": ID, "name": "a"}, 0, limit=0)
