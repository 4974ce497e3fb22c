"""``botcore feedback`` as an operator and a script call it, beside a bot that runs or one that does not."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from botcore import BotcoreError, SettingsError
from botcore.bot import visiting
from botcore.settings import load_settings
from botcore.testing import Chat, chatting
from botcore_finetune import FineTuneSettings
from botcore_finetune.command import feedback_commands
from tests.plugins.conftest import HANDBOOK

pytestmark = pytest.mark.slow

TABLES = {"plugins": {"memory": {}, "finetune": {}, "textgen": {"persona": "Be kind."}}}
CONFIG = '[bot]\ndata_dir = "{data}"\n[plugins.finetune]\n[plugins.textgen]\n'


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def feedback(here: Path, *arguments: str) -> Done:
    """The command in this process, which takes a tenth of the time; errors are told as the command line tells them."""
    settings = load_settings([here / "bot.toml"], environ={}, local=None)
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    for name, function in feedback_commands(lambda: visiting(settings), FineTuneSettings()).items():
        app.command(name)(function)
    with chdir(here):
        done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, BotcoreError):
        status = 2 if isinstance(done.exception, SettingsError) else 1
        return Done(status, done.stdout, f"botcore: {done.exception}\n")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.stdout, done.stderr)


def botcore_feedback(here: Path, *arguments: str) -> Done:
    """The command as a process of its own."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
    command = [sys.executable, "-m", "botcore", "feedback", *arguments, "--config", "bot.toml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=here, env=clean, timeout=60, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


async def ask(chat: Chat, text: str, answer: str) -> str:
    chat.engine.say(answer)
    await chat.says(text)
    await chat.hears(answer)
    return (await chat.replies())[-1].id


async def judge(chat: Chat) -> list[str]:
    """Three replies: bad with a reason, corrected, good; the last takes the place of the first."""
    await chat.says("/feedback yes")
    await chat.hears("Thank you")
    first = await ask(chat, "Mail me at ana@mail.example", "I do not know.")
    await chat.judges(first, -1, reasons=("ignored",), comment="too\x1b[31m short")
    third = await ask(chat, "/again", "I will write.")
    await chat.judges(third, 1)
    second = await ask(chat, "When do you open?", "At ten.")
    await chat.judges(second, -1, correction="At nine.")
    return [first, second, third]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "bot.toml").write_text(CONFIG.format(data=tmp_path / "data"))
    return tmp_path


@pytest.fixture
def judged(here: Path) -> list[str]:
    """The ids of three replies that were judged by a bot that runs no more."""

    async def talk() -> list[str]:
        async with chatting(here / "data", settings=TABLES) as chat:
            return await judge(chat)

    return asyncio.run(talk())


def test_list_says_each_verdict_in_a_line_newest_first(here: Path, judged: list[str]) -> None:
    lines = feedback(here, "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [judged[1], judged[2], judged[0]]
    assert "bad        loopback/ana  “When do you open?” → “At ten.” ✎ “At nine.”" in lines[0]
    assert "missed the question: too" in lines[2]
    assert [line.endswith("↻") for line in lines] == [False, False, True]
    assert "\x1b" not in lines[2]
    assert feedback(here, "list", "--limit", "1").stdout.splitlines()[1] == "… and 2 more: --limit"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--value", "good"), [2]),
        (("--value", "corrected"), [1]),
        (("--channel", "slack"), []),
        (("--since", "1h"), [1, 2, 0]),
        (("--since", "2999-01-01"), []),
    ],
)
def test_list_for_scripts_shows_only_what_was_asked_for(
    here: Path, judged: list[str], filters: tuple[str, ...], found: list[int]
) -> None:
    rows = json.loads(feedback(here, "list", "--json", *filters).stdout)
    assert [row["reply_id"] for row in rows] == [judged[place] for place in found]


def test_show_tells_everything_about_a_reply(here: Path, judged: list[str]) -> None:
    told = feedback(here, "show", judged[2]).stdout
    for line in (
        "  [system] Be kind.",
        "  [user] Mail me at ana@mail.example",
        "  I will write.",
        f"  in the place of {judged[0]}",
        f"  {judged[0]} “I do not know.”",
        "training may use it",
        "temperature 0.7",
    ):
        assert line in told
    bad = json.loads(feedback(here, "show", judged[0][:-1], "--json").stdout)
    assert (bad["answered_again_by"], bad["verdicts"][0]["reasons"]) == ([judged[2]], ["ignored"])


def test_show_says_that_a_quotation_is_for_reports(here: Path) -> None:
    async def talk() -> str:
        qa = {"sources": [str(HANDBOOK)]}
        async with chatting(here / "data", settings={"plugins": {"qa": qa, "finetune": {"consent": True}}}) as chat:
            plugin: Any = chat.bot.loaded.plugins["qa"]
            await plugin.sources_read.wait()
            await chat.says("Where can I park my car?")
            await chat.hears("car park")
            await chat.says("/bad sources")
            await chat.hears("Thank you")
            return (await chat.replies())[0].id

    told = feedback(here, "show", asyncio.run(talk())).stdout
    assert "quoted from documents without the model: for reports, never for training" in told
    assert "  Where can I park my car?" in told
    assert "  [1] Visiting the library › Getting here (handbook/opening.md)" in told
    assert "training may" not in told


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("show", "nothing"), 1, "nobody judged a reply 'nothing'"),
        (("show", ""), 1, "nobody judged a reply ''"),
        (("list", "--since", "yesterday"), 2, "'yesterday' is no time"),
        (("list", "--value", "great"), 2, "'great' is not one of"),
        (("export", "x.jsonl"), 2, "Missing option '--format'"),
        (("export", "x.jsonl", "--format", "kto", "--good"), 2, "--good is for --format sft"),
        (("export", "no/x.jsonl", "--format", "kto"), 1, "there is no folder no to write x.jsonl in"),
        (("export", "x.jsonl", "--format", "kto"), 1, ""),
    ],
)
def test_what_is_wrong_is_said_and_has_a_status(here: Path, arguments: tuple[str, ...], status: int, told: str) -> None:
    done = feedback(here, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert told in done.stderr
    assert not (here / "x.jsonl").exists()


def test_export_says_what_was_written_left_out_and_replaced(here: Path, judged: list[str]) -> None:
    done = feedback(here, "export", "out.jsonl", "--format", "dpo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"2 lines for dpo in {here / 'out.jsonl'}"
    assert "  nothing in it for this format: 1" in done.stdout
    assert "  e-mail addresses: " in done.stdout
    rows = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert {(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows} == {
        ("At nine.", "At ten."),
        ("I will write.", "I do not know."),
    }
    assert "ana@mail.example" not in (here / "out.jsonl").read_text()


def test_what_is_dangerous_is_asked_for_and_said(here: Path, judged: list[str]) -> None:
    done = feedback(here, "export", "out.jsonl", "--format", "kto", "--no-redact", "--all-consents")
    assert "Contains what people did not allow (--all-consents)." in done.stdout
    assert "Not redacted: personal data may be in it." in done.stdout
    assert "ana@mail.example" in (here / "out.jsonl").read_text()


def test_a_file_is_replaced_only_by_force(here: Path, judged: list[str]) -> None:
    (here / "out.jsonl").write_text("mine")
    refused = botcore_feedback(here, "export", "out.jsonl", "--format", "kto")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "out.jsonl exists; give another name" in refused.stderr
    assert json.loads(feedback(here, "export", "out.jsonl", "--format", "kto", "--force", "--json").stdout)["rows"] == 4


def test_exports_are_on_record(here: Path, judged: list[str]) -> None:
    assert feedback(here, "list", "--exports").stdout == "Nothing was exported yet.\n"
    written = json.loads(feedback(here, "export", "out.jsonl", "--format", "sft", "--json").stdout)
    assert json.loads(feedback(here, "list", "--exports", "--json").stdout) == [written]
    (line,) = feedback(here, "list", "--exports").stdout.splitlines()
    assert "sft  1 line  " in line
    assert written["sha256"] in line


async def test_the_commands_work_beside_a_running_bot(here: Path) -> None:
    async with chatting(here / "data", settings=TABLES) as chat:
        replies = await judge(chat)
        done = await asyncio.to_thread(botcore_feedback, here, "export", "out.jsonl", "--format", "kto", "--json")
        assert json.loads(done.stdout)["rows"] == 4
        shown = await asyncio.to_thread(botcore_feedback, here, "show", replies[0])
        assert "I do not know." in shown.stdout
        await ask(chat, "Are you there?", "Yes.")


async def test_what_was_forgotten_is_neither_listed_nor_shown_nor_exported_while_the_bot_runs(here: Path) -> None:
    async with chatting(here / "data", settings=TABLES) as chat:
        await chat.says("/feedback yes")
        await chat.hears("Thank you")
        for arguments in (("export", "out.jsonl", "--format", "kto"), ("list",), ("show", "")):
            reply = await ask(chat, "My secret is 42.", "I keep it.")
            await chat.judges(reply, 1)
            await chat.bot.forget(chat.conversation)
            told = await asyncio.to_thread(feedback, here, *arguments[:1], *(one or reply for one in arguments[1:]))
            assert "secret" not in told.stdout + told.stderr
            assert told.returncode == (0 if arguments == ("list",) else 1)
        assert not (here / "out.jsonl").exists()
