"""``backup``, ``restore`` and ``export`` as a person and as a script call them."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.calls import botcore

pytestmark = pytest.mark.slow

CONFIG = """
[bot]
data_dir = "data"
[plugins.textgen]
[channels.web]
[engine]
kind = "scripted"
[http]
port = 0
"""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bot that has answered one question."""
    folder = tmp_path_factory.mktemp("answered")
    (folder / "bot.toml").write_text(CONFIG)
    assert botcore("ask", "hello", "-c", "bot.toml", here=folder).returncode == 0
    return folder


@pytest.fixture
def here(answered: Path, tmp_path: Path) -> Path:
    """The same folder, for one test alone."""
    return shutil.copytree(answered, tmp_path / "here")


@pytest.fixture
def running(here: Path) -> Iterator[str]:
    """The address of a bot that runs in this folder."""
    command = [sys.executable, "-m", "botcore", "run", "-c", "bot.toml", "--json"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as bot:
        assert bot.stdout
        lines = map(json.loads, iter(bot.stdout.readline, ""))
        yield next(line["url"] for line in lines if line["event"] == "web page")
        bot.send_signal(signal.SIGTERM)


def test_a_running_bot_is_backed_up_but_not_restored_over(here: Path, running: str) -> None:
    made = botcore("backup", "x.tar.gz", "-c", "bot.toml", "--json", here=here)
    assert made.returncode == 0, made.stderr
    summary = json.loads(made.stdout)
    assert (summary["store"], summary["counts"]["exchanges"], summary["files"]) == ("sqlite", 1, 0)
    assert summary["bytes"] == (here / "x.tar.gz").stat().st_size
    refused = botcore("restore", "x.tar.gz", "-c", "bot.toml", "--force", here=here)
    assert refused.returncode == 1
    assert running in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_restore_says_what_it_brought_back_and_what_it_kept(here: Path) -> None:
    assert botcore("backup", "x.tar.gz", "-c", "bot.toml", here=here).stdout.startswith("x.tar.gz: ")
    refused = botcore("restore", "x.tar.gz", "-c", "bot.toml", here=here)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--force" in refused.stderr
    done = botcore("restore", "x.tar.gz", "-c", "bot.toml", "--force", here=here)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.endswith("UTC: 1 conversation, 1 exchange, 0 judgements, 0 files")
    kept = second.removeprefix("kept what was here before: ")
    assert (here / kept).exists()
    assert json.loads(botcore("export", "-", "-c", "bot.toml", here=here).stdout.splitlines()[1])["message"] == "hello"


def test_the_folder_for_backups_is_made(here: Path) -> None:
    done = botcore("backup", "data/backups/monday.tar.gz", "-c", "bot.toml", here=here)
    assert done.returncode == 0, done.stderr
    assert (here / "data" / "backups").stat().st_mode & 0o777 == 0o700


def test_an_export_is_lines_of_json_in_a_file_of_its_own(here: Path) -> None:
    done = botcore("export", "chats.jsonl", "-c", "bot.toml", "--json", here=here)
    assert json.loads(done.stdout) == {"file": "chats.jsonl", "conversation": 1, "exchange": 1}
    lines = list(map(json.loads, (here / "chats.jsonl").read_text().splitlines()))
    assert [line["record"] for line in lines] == ["conversation", "exchange"]
    assert lines[1]["reply"] == "You said: hello"
    assert (here / "chats.jsonl").stat().st_mode & 0o777 == 0o600
    again = botcore("export", "chats.jsonl", "-c", "bot.toml", here=here)
    assert again.returncode == 1
    assert "exists; give another name, or --force" in again.stderr


def test_an_export_begins_at_a_date_or_so_long_ago(here: Path) -> None:
    for since, exchanges in (("7d", 1), ("1h", 1), ("2100-01-01", 0)):
        done = botcore("export", "-", "-c", "bot.toml", "--since", since, "--json", here=here)
        assert (done.returncode, json.loads(done.stderr)["exchange"]) == (0, exchanges)


def test_an_export_to_standard_output_keeps_the_summary_apart(here: Path) -> None:
    done = botcore("export", "-", "-c", "bot.toml", "--channel", "telegram", "--json", here=here)
    assert done.stdout == ""
    assert json.loads(done.stderr) == {"file": "-", "conversation": 0, "exchange": 0}


def test_a_reader_who_has_enough_is_no_traceback(here: Path) -> None:
    command = [sys.executable, "-m", "botcore", "export", "-", "-c", "bot.toml"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as export:
        assert export.stdout
        assert export.stderr
        export.stdout.close()
        assert export.stderr.read() == ""
    assert export.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("export", "-", "--since", "yesterday"), 2, "botcore: 'yesterday' is no time; write 2026-11-25"),
        (("export", "x.jsonl", "-c", "nowhere.toml"), 2, "no such file"),
        (("backup", "no/such/folder/x.tar.gz"), 1, "there is no folder no/such/folder to write x.tar.gz in"),
        (("restore", "nothing.tar.gz"), 1, "nothing.tar.gz: there is no such file"),
        (("restore", "bot.toml"), 1, "is no backup, or was cut off or damaged"),
    ],
)
def test_a_mistake_is_one_line_and_its_status(
    arguments: tuple[str, ...], status: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "bot.toml").write_text(CONFIG)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "botcore.db").touch()
    config = () if "-c" in arguments else ("-c", "bot.toml")
    done = botcore(*arguments, *config, here=tmp_path)
    assert done.returncode == status
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_a_database_nothing_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(CONFIG)
    for arguments in (("backup", "x.tar.gz"), ("export", "x.jsonl")):
        done = botcore(*arguments, "-c", "bot.toml", here=tmp_path)
        assert done.returncode == 1
        assert f"there is no database at {tmp_path}/data/botcore.db: call this in the bot's folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bot.toml"]


HALF = """
import threading
from botcore import cli
from botcore.store.backup import make

def copy(source, target, report):
    target.write_bytes(b"what people wrote")
    print("copying", flush=True)
    threading.Event().wait()

make.sqlite.copy = copy
cli.main()
"""


@contextmanager
def half_made(here: Path) -> Iterator[subprocess.Popen[str]]:
    """A backup that has copied some of the database."""
    command = [sys.executable, "-c", HALF, "backup", "data/backups/x.tar.gz", "-c", "bot.toml"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as backup:
        assert backup.stdout
        assert backup.stdout.readline() == "copying\n"
        yield backup


def test_what_a_killed_backup_left_is_removed_by_the_next_one(here: Path) -> None:
    backups = here / "data" / "backups"
    with half_made(here) as killed:
        killed.kill()
    (backups / ".backup-mine").mkdir()
    assert len(list(backups.iterdir())) == 2
    with half_made(here) as living:
        done = botcore("backup", "data/backups/y.tar.gz", "-c", "bot.toml", here=here)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in backups.iterdir()} > {".backup-mine", "y.tar.gz"}
        assert len(list(backups.iterdir())) == 3
        living.kill()


def test_a_backup_that_is_told_to_end_leaves_nothing_half_made(here: Path) -> None:
    with half_made(here) as backup:
        backup.send_signal(signal.SIGTERM)
    assert backup.returncode == 143
    assert list((here / "data" / "backups").iterdir()) == []
