"""Files into the index and out of it again, over a real store."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

import botcore_qa
from botcore import BotcoreError
from botcore.store import Store
from botcore_qa import QASettings, Summary, catalogue, documents, index, search
from botcore_qa.ingestion import Progress, Refused
from botcore_qa.search import look_up
from botcore_qa.words import question_stems
from tests.documents import make_docx, make_html, make_pdf, prose
from tests.plugins.conftest import Ingest

T = TypeVar("T")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "trams.md").write_text("# Trams\n\nTram 4 stops in front of the door.")
    (folder / "dogs.txt").write_text("Guide dogs are welcome.")
    return folder


async def found(store: Store, question: str) -> list[str]:
    """The sources of the passages that contain words of the question."""
    words = question_stems(question)
    return [hit.source for hit in (await store.read(lambda connection: look_up(connection, words))).hits]


async def rows(store: Store, table: str) -> int:
    return await store.read(lambda connection: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


async def test_a_folder_is_read_and_found(ingest: Ingest, store: Store, folder: Path) -> None:
    assert await ingest(store, [folder]) == Summary(added=2, passages=2)
    assert await found(store, "Where does the tram stop?") == ["papers/trams.md"]


async def test_what_has_not_changed_is_not_written_again(ingest: Ingest, store: Store, folder: Path) -> None:
    await ingest(store, [folder])
    before = await store.read(lambda connection: connection.exec_driver_sql("SELECT max(id) FROM qa_document").scalar())
    assert await ingest(store, [folder]) == Summary(unchanged=2)
    after = await store.read(lambda connection: connection.exec_driver_sql("SELECT max(id) FROM qa_document").scalar())
    assert after == before


async def test_a_changed_file_takes_the_place_of_the_old_one(ingest: Ingest, store: Store, folder: Path) -> None:
    await ingest(store, [folder])
    (folder / "trams.md").write_text("# Buses\n\nBus 7 stops there now.")
    assert await ingest(store, [folder]) == Summary(updated=1, unchanged=1, passages=1)
    assert await found(store, "tram") == []
    assert await found(store, "bus") == ["papers/trams.md"]
    assert await rows(store, "qa_passage") == 2


async def test_a_removed_file_leaves_nothing_behind(ingest: Ingest, store: Store, folder: Path) -> None:
    await ingest(store, [folder])
    (folder / "trams.md").unlink()
    (folder / "dogs.txt").unlink()
    assert await ingest(store, [folder]) == Summary(removed=2)
    assert [await rows(store, table) for table in ("qa_document", "qa_passage", "qa_word")] == [0, 0, 0]


async def test_files_of_other_kinds_in_a_folder_are_counted(ingest: Ingest, store: Store, folder: Path) -> None:
    for name in ("prices.xlsx", "stock.XLSX", "Makefile", ".hidden.xlsx"):
        (folder / name).write_text("a;b")
    assert await ingest(store, [folder]) == Summary(added=2, passages=2, others={".xlsx": 2, "": 1})


async def test_a_removed_folder_leaves_too(ingest: Ingest, store: Store, folder: Path) -> None:
    await ingest(store, [folder])
    shutil.rmtree(folder)
    assert (await ingest(store, [folder])).removed == 2


@pytest.mark.parametrize("leaves_an_empty_one", [False, True])
async def test_a_folder_of_the_settings_that_is_not_mounted_keeps_its_documents(
    ingest: Ingest, store: Store, folder: Path, *, leaves_an_empty_one: bool
) -> None:
    await ingest(store, [folder], origin="settings")
    away = shutil.move(folder, folder.with_name("away"))
    if leaves_an_empty_one:
        os.mkdir(folder)
    (told,) = (await ingest(store, [folder], origin="settings")).refused
    assert told.reason.startswith("nothing is there now; the 2 documents read from it before stay.")
    assert await found(store, "Where does the tram stop?") == ["papers/trams.md"]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(away, folder)
    assert await ingest(store, [folder], origin="settings") == Summary(unchanged=2)


async def test_a_person_who_names_an_empty_folder_means_it(ingest: Ingest, store: Store, folder: Path) -> None:
    await ingest(store, [folder], origin="settings")
    shutil.rmtree(folder)
    os.mkdir(folder)
    assert await ingest(store, [folder]) == Summary(removed=2)


async def test_a_folder_that_the_settings_no_longer_list_leaves_mounted_or_not(
    ingest: Ingest, store: Store, folder: Path
) -> None:
    await ingest(store, [folder], origin="settings")
    shutil.rmtree(folder)
    assert await ingest(store, [], origin="settings") == Summary(removed=2)


async def test_other_folders_are_left_alone(ingest: Ingest, store: Store, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "papers-two"
    other.mkdir()
    (other / "bus.md").write_text("Bus 7.")
    await ingest(store, [folder, other])
    (other / "bus.md").unlink()
    assert await ingest(store, [folder]) == Summary(unchanged=2)
    assert await found(store, "bus") == ["papers-two/bus.md"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "photo.png",
            b"\x89PNG",
            'type ".png" is not supported; known are .csv, .docx, .htm, .html, .markdown, .md, .pdf, .text, .txt,'
            " .xhtml",
        ),
        ("prices.XLSX", b"PK\x03\x04", 'type ".XLSX" is not supported; save it as CSV'),
        ("letter.doc", b"\xd0\xcf\x11\xe0", 'type ".doc" is not supported; save it as .docx or PDF'),
        ("latin.txt", "Straße".encode("latin-1"), "not UTF-8 text (byte 4); save it as UTF-8"),
        ("long.md", b"x" * 1001, "larger than 0.001 MB; split it or raise max_file_bytes"),
        ("empty.md", b" \n", "empty"),
        ("data.txt", b"a\0b", "holds NUL bytes: no text file"),
    ],
)
async def test_what_is_no_document_is_refused_by_name(
    ingest: Ingest, store: Store, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    summary = await ingest(store, [file], settings=QASettings(max_file_bytes=1000))
    assert summary == Summary(refused=(Refused(source=name, reason=reason),))


async def test_a_missing_path_is_refused_by_name(ingest: Ingest, store: Store, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    assert (await ingest(store, [missing])).refused == (Refused(source=missing, reason="no such file or folder"),)


async def test_an_address_is_refused_with_the_next_step(ingest: Ingest, store: Store) -> None:
    address = "https://example.org/rules.html"
    told = "only files and folders are read; fetch it first"
    assert (await ingest(store, [address])).refused == (Refused(source=address, reason=told),)


async def test_a_path_that_cannot_be_looked_at_is_one_line(ingest: Ingest, store: Store, tmp_path: Path) -> None:
    with pytest.raises(BotcoreError, match=r"xxx cannot be looked at: File name too long$"):
        await ingest(store, [str(tmp_path / ("x" * 300))])


async def test_a_name_in_an_old_encoding_is_shown_by_its_bytes(ingest: Ingest, store: Store, folder: Path) -> None:
    for name in (b"caf\xe9.txt", b"caf\xe9.png"):
        (folder / os.fsdecode(name)).write_text("The café opens at ten.")
    summary = await ingest(store, [folder])
    assert (summary.added, summary.others) == (3, {".png": 1})
    assert await found(store, "cafe") == ["papers/caf\\xe9.txt"]
    assert await ingest(store, [folder]) == Summary(unchanged=3, others={".png": 1})


async def test_of_a_folder_that_cannot_be_looked_into_everything_stays(
    ingest: Ingest, store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "bus.md").write_text("Bus 7.")
    await ingest(store, [folder])
    scandir = os.scandir

    def shut(path: str) -> Any:
        if str(path).endswith("inner"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    summary = await ingest(store, [folder])
    assert (summary.removed, [one.source for one in summary.refused]) == (0, ["papers/inner"])
    assert await found(store, "bus") == ["papers/inner/bus.md"]


async def test_one_bad_file_does_not_keep_the_others_out(ingest: Ingest, store: Store, folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"\xff\xfe\xfa")
    summary = await ingest(store, [folder])
    assert (summary.added, [one.source for one in summary.refused]) == (2, ["papers/bad.txt"])


async def test_a_file_that_became_unreadable_keeps_its_earlier_version(
    ingest: Ingest, store: Store, folder: Path
) -> None:
    await ingest(store, [folder])
    (folder / "trams.md").write_bytes(b"\xff\xfe")
    assert "earlier version stays" in (await ingest(store, [folder])).refused[0].reason
    assert await found(store, "tram") == ["papers/trams.md"]


async def test_hidden_files_foreign_types_and_links_out_are_not_read(
    ingest: Ingest, store: Store, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.md").write_text("The secret word.")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / ".hidden.md").write_text("The secret word.")
    (folder / "image.png").write_bytes(b"\x89PNG")
    assert await ingest(store, [folder]) == Summary(added=2, passages=2, others={".png": 1})
    assert await found(store, "secret") == []


async def test_progress_is_told_file_by_file(ingest: Ingest, store: Store, folder: Path) -> None:
    told = list[Progress]()
    await ingest(store, [folder], told.append)
    assert [(one.done, one.total, one.source, one.state) for one in told] == [
        (1, 2, "papers/dogs.txt", "added"),
        (2, 2, "papers/trams.md", "added"),
    ]


@pytest.mark.parametrize("kind", ["pdf", "docx", "html"])
@pytest.mark.parametrize("pages", [1, 20, pytest.param(200, marks=pytest.mark.slow)])
async def test_documents_of_any_length_are_read_with_progress(
    ingest: Ingest, store: Store, tmp_path: Path, kind: str, pages: int
) -> None:
    texts = [prose(number) for number in range(1, pages + 1)]
    parts = [(f"Part {number}", text) for number, text in enumerate(texts, 1)]
    make = {"pdf": lambda: make_pdf(texts), "docx": lambda: make_docx(parts), "html": lambda: make_html(parts)}
    (tmp_path / f"book.{kind}").write_bytes(make[kind]())
    told = list[Progress]()
    summary = await ingest(store, [tmp_path / f"book.{kind}"], told.append)
    assert summary.added == 1
    assert summary.passages >= 3 * pages
    steps = [(one.page, one.pages, one.passages) for one in told if one.state == "reading"]
    assert len(steps) == summary.passages // 50
    assert steps == sorted(steps)
    assert all((of == pages) if kind == "pdf" else (page == of == 0) for page, of, _ in steps)
    assert await found(store, f"room {pages}") != []
    assert await ingest(store, [tmp_path / f"book.{kind}"]) == Summary(unchanged=1)
    (tmp_path / f"book.{kind}").unlink()
    assert await ingest(store, [tmp_path / f"book.{kind}"]) == Summary(removed=1)
    assert [await rows(store, table) for table in ("qa_document", "qa_passage", "qa_word")] == [0, 0, 0]


async def test_a_long_document_is_found_only_as_a_whole(ingest: Ingest, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "long.md"
    file.write_text("\n\n".join(f"# Part {number}\n\nThe number {number} is here." for number in range(250)))
    writes = list[int]()
    write = store.write

    async def watched(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        result = await write(fn, *args, **kwargs)
        writes.append(len(await found(store, "number")))
        return result

    store.write = watched  # type: ignore[method-assign]
    assert (await ingest(store, [file])).passages == 250
    assert len(writes) >= 5  # begin, three slices, publish
    assert set(writes) <= {0, search.CANDIDATES}
    assert writes[-1] == search.CANDIDATES


async def test_what_a_crash_left_half_done_is_swept_up(ingest: Ingest, store: Store, folder: Path) -> None:
    def half(connection: sa.Connection) -> None:
        document = index.Document(path=str(folder / "trams.md"), source="s", title="t", hash="h", origin="ingest")
        id = index.begin(connection, document)
        row = {"heading": "", "body": "Tram", "heading_stems": "", "body_stems": "tram", "page": 0}
        index.add(connection, id, "", 0, [row])

    await store.write(half)
    assert await found(store, "tram") == []
    await ingest(store, [folder])
    assert await rows(store, "qa_passage") == 2


async def test_what_the_settings_no_longer_list_leaves_and_what_was_ingested_stays(
    ingest: Ingest, store: Store, folder: Path
) -> None:
    await ingest(store, [folder / "dogs.txt"])
    await ingest(store, [folder], origin="settings")
    assert await ingest(store, [], origin="settings") == Summary(removed=1)
    assert await found(store, "tram dogs") == ["papers/dogs.txt"]


async def test_people_never_see_folders_above_the_one_that_was_named(
    ingest: Ingest, store: Store, folder: Path
) -> None:
    await ingest(store, [folder])
    _, listed = await store.read(lambda connection: catalogue.shelf(connection, ""))
    assert all(str(folder.parent) not in one.source for one in listed)
    assert [one.title for one in listed] == ["dogs", "Trams"]


async def test_botcores_own_documents_are_those_of_the_checkout(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    _, listed = await store.read(lambda connection: catalogue.shelf(connection, ""))
    assert "plugins/README.md" in [one.source for one in listed]


def test_an_installed_package_offers_its_readme(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "botcore").mkdir()
    monkeypatch.setattr("botcore.__file__", str(tmp_path / "botcore" / "__init__.py"))
    monkeypatch.setattr(documents, "_own_readme", lambda: "# botcore\n\nA chatbot.")
    (only,) = documents.documents(["self"])
    assert (only.path, only.open().read()) == ("self/README.md", b"# botcore\n\nA chatbot.")


def test_too_many_files_are_an_error(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(documents, "FILES_LIMIT", 1)
    with pytest.raises(BotcoreError, match=r"more than 1 files under .*papers; name a smaller folder"):
        list(documents.documents([str(folder)]))


def test_the_public_names_are_there() -> None:
    assert {"MIGRATIONS", "QA", "Summary", "ingest"} <= set(botcore_qa.__all__)
