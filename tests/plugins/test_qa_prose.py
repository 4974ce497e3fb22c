"""The lines of a printed page become paragraphs, lists and headings again."""

import pytest

from botcore_qa.reader.parts import SECTION, slices
from botcore_qa.reader.prose import Running, garbled, reflowed

FULL = "This line is as long as the page is wide and goes on into the next, because"
LAST = "its sentence ends here."


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (f"{FULL}\n{LAST}", f"{FULL} {LAST}"),
        (f"{FULL} hyphe-\nnated words are whole again.", f"{FULL} hyphenated words are whole again."),
        (f"{FULL} Anglo-\nSaxon words keep their hyphen", f"{FULL} Anglo-Saxon words keep their hyphen"),
        (f"{FULL}\n{LAST}\n{FULL}\n{LAST}", f"{FULL} {LAST}\n\n{FULL} {LAST}"),
        (f"Parking\n{FULL}\n{LAST}", f"Parking\n\n{FULL} {LAST}"),
        (f"{FULL}\n\n\n{FULL}", f"{FULL}\n\n{FULL}"),
        (f"{FULL}:\n• one\n• two", f"{FULL}:\n\n- one\n- two"),
        (f"{FULL}\n{LAST}\nMain Street 4\n1010 Vienna", f"{FULL} {LAST}\n\nMain Street 4  \n1010 Vienna"),
        (f"2.1 {FULL}\n{LAST}\n2.2 {FULL}\n{LAST}", f"2.1 {FULL} {LAST}\n\n2.2 {FULL} {LAST}"),
        (f"§ 4 {FULL} ends.\n§ 5 {FULL}", f"§ 4 {FULL} ends.\n\n§ 5 {FULL}"),
        (f"{FULL} version\n3.11 of Python", f"{FULL} version 3.11 of Python"),
        (f"{FULL} ends.\n8 Final provisions\n8.1 {FULL}", f"{FULL} ends.\n\n8 Final provisions\n\n8.1 {FULL}"),
        ("  spaced   out \t text  ", "spaced out text"),
        ("", ""),
    ],
)
def test_lines_become_paragraphs(page: str, text: str) -> None:
    assert reflowed(page) == text


def test_running_lines_leave_from_the_second_page_on() -> None:
    running = Running()
    pages = [f"Handbook {number}\none\ntwo\nthree\n- {number} -" for number in (1, 2)]
    assert running.without(pages[0]) == pages[0]
    assert running.without(pages[1]) == "one\ntwo\nthree"
    assert running.without("Handbook 3\n3") == "Handbook 3\n3"  # a page of two lines says no more


def test_signs_without_meaning_are_no_text() -> None:
    assert garbled("\x01\x02\ue001\ufffd" * 5)
    assert not garbled("Größe, 日本語, Ελλάδα, кириллица — 12 €")
    assert not garbled("")


def test_long_text_is_divided_where_it_hurts_least() -> None:
    paragraph = "word " * 6_000
    parts = list(slices(f"{paragraph}\n\n{paragraph}\n\n{paragraph}"))
    assert [part.strip() for part in parts] == [paragraph.strip()] * 3
    assert [len(part) for part in slices("x" * (SECTION + 1))] == [SECTION, 1]
    assert list(slices(" \n ")) == []
