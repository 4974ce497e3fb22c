"""``botcore ingest`` and ``botcore sources`` as a person and as a script call them."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from botcore_qa.command import _told
from botcore_qa.ingestion import Summary
from tests import calls
from tests.documents import make_pdf, prose

pytestmark = pytest.mark.slow

Call = Callable[..., "subprocess.CompletedProcess[str]"]
RULES = ["Welcome to the club.", "Members may bring two guests.", "The sauna is mixed on Mondays."]


@pytest.fixture
def botcore(tmp_path: Path) -> Call:
    (tmp_path / "bot.toml").write_text(f'[bot]\ndata_dir = "{tmp_path / "data"}"\n[plugins.qa]\nsources = []\n')
    (tmp_path / "rules.pdf").write_bytes(make_pdf(RULES, title="Rules"))
    return lambda *arguments: calls.botcore(*arguments, "-c", "bot.toml", here=tmp_path)


@pytest.mark.slow
def test_sources_are_listed_shown_and_removed(botcore: Call, tmp_path: Path) -> None:
    assert botcore("ingest", "rules.pdf").stdout.splitlines() == [
        "[1/1] added     rules.pdf, 3 passages",
        "1 added, 0 updated, 0 unchanged, 0 removed, 0 refused; 3 passages",
    ]
    listed = botcore("sources", "list")
    assert "Rules  pdf, 3 pages, 3 passages  for everybody  20" in listed.stdout
    assert listed.stdout.endswith(f"  {tmp_path}/rules.pdf\n")
    assert "[Rules, p. 2]\nMembers may bring two guests.\n" in botcore("sources", "show", "rules.pdf").stdout
    assert botcore("sources", "remove", "rules.pdf").stdout == "removed Rules (rules.pdf, 3 pages, 3 passages)\n"
    assert botcore("sources", "list").stdout == "no documents; add some with: botcore ingest PATH\n"


def test_whoever_adds_documents_hears_that_the_manual_answers_too(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(f'[bot]\ndata_dir = "{tmp_path / "data"}"\n[plugins.qa]\n')
    told = "botcore's own manual answers beside them; [plugins.qa] sources = [] takes it out"
    assert botcore("ingest", "rules.pdf").stdout.splitlines()[-1] == told
    assert told not in botcore("ingest", "rules.pdf").stdout
    assert json.loads(botcore("ingest", "rules.pdf", "--json").stdout)["unchanged"] == 1


def test_scripts_get_json(botcore: Call) -> None:
    summary = json.loads(botcore("ingest", "rules.pdf", "nothing.pdf", "--json").stdout)
    assert (summary["added"], summary["refused"]) == (
        1,
        [{"source": "nothing.pdf", "reason": "no such file or folder"}],
    )
    [row] = json.loads(botcore("sources", "list", "--json").stdout)
    assert (row["title"], row["kind"], row["pages"], row["passages"], row["who"]) == ("Rules", "pdf", 3, 3, "everybody")
    shown = json.loads(botcore("sources", "show", str(row["id"]), "--json").stdout)
    assert [(one["page"], one["body"]) for one in shown["text"]] == list(enumerate(RULES, 1))
    assert json.loads(botcore("sources", "remove", str(row["id"]), "--json").stdout)["source"] == "rules.pdf"


@pytest.mark.parametrize("which", ["House rules", "house RULES", "club", "club.md"])
def test_a_document_is_named_by_its_title_or_its_file(botcore: Call, tmp_path: Path, which: str) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "club.md").write_text("# House rules\n\nThe sauna is mixed on Mondays.")
    botcore("ingest", "papers", "rules.pdf")
    assert "The sauna is mixed on Mondays." in botcore("sources", "show", which).stdout
    assert botcore("sources", "remove", which).stdout == "removed House rules (papers/club.md, 1 passage)\n"


def test_documents_of_one_title_are_told_apart(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "older.pdf").write_bytes(make_pdf(RULES[:2], title="Rules"))
    botcore("ingest", "rules.pdf")
    botcore("ingest", "older.pdf")
    done = botcore("sources", "show", "Rules")
    assert "2 passages" in botcore("sources", "remove", "older").stdout
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Rules is the name of several documents: say which by its number (2 older.pdf, 1 rules.pdf)\n"


@pytest.mark.parametrize("command", ["show", "remove"])
def test_an_unknown_document_is_one_line_and_status_1(botcore: Call, command: str) -> None:
    botcore("ingest", "rules.pdf")
    done = botcore("sources", command, "nothing.pdf")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "there is no document nothing.pdf; botcore sources list names them\n"


def test_what_a_folder_holds_besides_documents_is_said() -> None:
    told = _told(Summary(others={".xlsx": 2, ".zip": 1, "": 1})).splitlines()
    assert told[1] == (
        "passed over, since PDF, Word (.docx), HTML, Markdown, CSV and text files are read: "
        "2 .xlsx (save as CSV), 1 .zip, 1 without ending"
    )


def test_a_folder_with_nothing_to_read_is_told_of_and_an_address_as_it_was_typed(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = "no file there can be read; PDF, Word (.docx), HTML, Markdown, CSV and text files can"
    done = botcore("ingest", "empty")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, [told])
    refused = botcore("ingest", "https://example.org/rules.html")
    assert (refused.returncode, told in refused.stdout) == (1, False)
    assert "https://example.org/rules.html: only files and folders are read; fetch it first" in refused.stdout


def test_a_refused_document_is_named_and_status_1(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"no pdf")
    botcore("ingest", "rules.pdf")
    done = botcore("ingest", "bad.pdf")
    assert (done.returncode, done.stderr) == (1, "")
    assert "[1/1] refused   bad.pdf: named .pdf, but holds no PDF" in done.stdout


def test_what_the_settings_list_comes_back_and_that_is_said(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(
        f'[bot]\ndata_dir = "{tmp_path / "data"}"\n[engine]\nkind = "scripted"\n'
        f'[http]\nport = 0\n[channels.web]\n[plugins.qa]\nsources = ["{tmp_path / "rules.pdf"}"]\n'
    )
    assert botcore("ask", "How many guests may members bring?").returncode == 0
    assert "the next start reads it again" in botcore("sources", "remove", "rules.pdf").stderr


def test_on_a_terminal_a_long_document_shows_its_page(botcore: Call, tmp_path: Path) -> None:
    (tmp_path / "book.pdf").write_bytes(make_pdf([prose(number) for number in range(60)]))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "botcore", "ingest", "book.pdf", "-c", "bot.toml"]
    subprocess.run(command, cwd=tmp_path, stdout=theirs, check=True)
    os.close(theirs)
    told = os.read(ours, 65_536).decode()
    os.close(ours)
    assert "\r\x1b[K[0/1] reading   book.pdf, page " in told
    assert " of 60\r\x1b[K" in told
