"""The command line as a person and as a script calls it, each time as a process of its own."""

import asyncio
import errno
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from botcore.cli import app, main
from botcore.cli.common import secrets_of
from botcore.cli.config import _rows, _written, check
from botcore.cli.talk import _print_end
from botcore.errors import SettingsError
from botcore.observe import Redactor
from botcore.registering import OURS
from botcore.settings import load_settings
from tests.calls import botcore

LOCKED = 'data_dir = "{data}"'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "bot.toml").write_text(f"[bot]\n{LOCKED.format(data=tmp_path / 'data')}\n[plugins.textgen]\n")
    return tmp_path


def test_help_names_every_command(here: Path) -> None:
    done = botcore("--help", here=here)
    assert done.returncode == 0
    asked = "run chat ask ingest sources doctor backup restore export plugins config dlq engine lora model version"
    for command in asked.split():
        assert f"\n  {command} " in done.stdout


@pytest.fixture
def shelf(here: Path) -> dict[str, str]:
    """An installed package with the plugin `SHELF`: the environment that makes it so."""
    install(here, "shelf", SHELF, "[botcore]\nshelf = shelf:Shelf\n[botcore.cli]\nshelf.build = shelf:build\n")
    (here / "shelf.toml").write_text("[plugins.shelf]\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(here), os.environ.get("PYTHONPATH")]))}


def test_a_plugin_offers_several_commands_under_one_name(here: Path, shelf: dict[str, str]) -> None:
    told = botcore("books", "show", "--config", "shelf.toml", "Emma", here=here, **shelf)
    assert (told.returncode, told.stdout) == (0, "Emma, quietly\n")
    helped = botcore("--help", "--config", "shelf.toml", here=here, **shelf).stdout
    assert re.search(r"\n  books +Sub-commands: .*show", helped)


def test_a_set_up_helper_runs_before_its_plugin_is_configured(here: Path, shelf: dict[str, str]) -> None:
    (here / "bot.toml").write_text("[plugins.shelf]\nheight = 3\n")  # which is wrong
    helped = botcore("shelf", "build", "--loud", here=here, **shelf)
    assert (helped.returncode, helped.stdout) == (0, "BUILT\n")
    assert botcore("shelf", "burn", here=here, **shelf).returncode == 2


def test_a_set_up_helper_hides_no_command_of_its_plugin(here: Path, shelf: dict[str, str]) -> None:
    told = botcore("shelf", "order", "-c", "shelf.toml", here=here, **shelf)
    assert (told.returncode, told.stdout) == (0, "by title\n")
    helped = botcore("shelf", "--help", "-c", "shelf.toml", here=here, **shelf).stdout
    assert "\n  order\n" in helped
    assert "\n  build\n" in helped
    assert "--config FILE" in botcore("shelf", "order", "--help", "-c", "shelf.toml", here=here, **shelf).stdout


def install(here: Path, name: str, code: str, entry_points: str) -> None:
    """A package as pip would leave it, for whoever has ``here`` on its path."""
    (here / f"{name}.py").write_text(code)
    dist = here / f"{name}-1.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (dist / "entry_points.txt").write_text(entry_points)


SHELF = """
from typing import Annotated
import typer
from botcore import hookimpl


class Shelf:
    @hookimpl
    def register(self, registry):
        registry.cli("books", {"list": lambda: None, "show": show})
        registry.cli("shelf", {"order": lambda: print("by title")})


def show(title: str) -> None:
    typer.echo(f"{title}, quietly")


def build(loud: Annotated[bool, typer.Option()] = False) -> None:
    typer.echo("BUILT" if loud else "built")
"""


def test_the_version_is_an_option_too(here: Path) -> None:
    assert botcore("--version", here=here).stdout == botcore("version", here=here).stdout != ""


def test_version_for_scripts(here: Path) -> None:
    assert json.loads(botcore("version", "--json", here=here).stdout)["botcore"]


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[engine]\nmodle = 'x'", '[engine] has no key "modle"; did you mean "model"?'),
        ("[plugins.textgen]\npersna = 'x'", '[plugins.textgen] has no key "persna"; did you mean "persona"?'),
        ("[channels.telegram]", "channels.telegram.token is missing"),
    ],
)
def test_a_wrong_configuration_is_one_line_and_status_2(here: Path, toml: str, told: str) -> None:
    (here / "wrong.toml").write_text(toml)
    done = botcore("run", "--config", "wrong.toml", here=here)
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[engine]\nkind = 'openai'", 'engine.kind = "openai" needs engine.base_url'),
        ("[engine]\nkind = 'vlm'", 'engine.kind = "vlm": there are vllm, openai and scripted'),
        ("[http]\nhost = '0.0.0.0'", "can be reached from other machines, which needs a key"),
        ("[store]\nurl = 'mysql://x/y'", "mysql is not supported"),
    ],
)
def test_config_check_refuses_what_a_start_refuses(
    here: Path, monkeypatch: pytest.MonkeyPatch, toml: str, told: str
) -> None:
    (here / "wrong.toml").write_text(toml)
    monkeypatch.chdir(here)
    with pytest.raises(SettingsError) as refused:
        check(config=[Path("wrong.toml")])
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("toml", "name", "told"),
    [
        ("[plugins.textgne]", "textgne", 'did you mean "textgen"?'),
        ("[http]\nhost = '0.0.0.0'", "configuration", "needs a key"),
    ],
)
def test_config_check_tells_scripts_what_is_wrong(
    here: Path, capsys: pytest.CaptureFixture[str], toml: str, name: str, told: str
) -> None:
    (here / "wrong.toml").write_text(f"{toml}\n[engine]\nkind = 'scripted'\n")
    with pytest.raises(typer.Exit) as ended:
        check(config=[here / "wrong.toml"], json=True)
    said = json.loads(capsys.readouterr().out)
    assert (ended.value.exit_code, said["ok"]) == (2, False)
    assert told in said["problems"][name]


def test_config_show_says_where_each_value_came_from_and_masks_secrets(here: Path) -> None:
    url = "postgresql://me:hunter2@db.example/botcore"
    secrets = {"BOTCORE_HTTP__KEY": "hunter2hunter2", "BOTCORE_STORE__URL": url}
    done = botcore("config", "show", "--config", "bot.toml", "--json", here=here, **secrets)
    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["http.key"] == {"key": "http.key", "value": "***", "origin": "BOTCORE_HTTP__KEY"}
    assert rows["store.url"]["value"] == "postgresql://me:***@db.example/botcore"
    assert rows["bot.data_dir"]["origin"] == "bot.toml"
    assert "hunter2" not in done.stdout + done.stderr


def test_a_secret_below_a_table_or_in_a_list_is_one_too(here: Path) -> None:
    weather = """
    [plugins.weather]
    max_tokens = 512
    api_keys = ["hunter2-one", "hunter2-two"]
    places = ["https://me:hunter2-three@weather.example"]
    auth.password = "hunter2-four"
    servers = [{name = "one", token = "hunter2-five"}]
    """
    (here / "bot.toml").write_text(weather)
    rows = {dotted: value for dotted, value, _ in _rows(load_settings([here / "bot.toml"], environ={}, local=None))}
    told = {name.removeprefix("plugins.weather."): value for name, value in rows.items() if "weather" in name}
    assert told == {
        "max_tokens": 512,
        "api_keys": "***",
        "places": ["https://me:***@weather.example"],
        "auth.password": "***",
        "servers": [{"name": "one", "token": "***"}],
    }
    secrets = secrets_of(load_settings([here / "bot.toml"], environ={}, local=None))
    assert {f"hunter2-{number}" for number in ("one", "two", "three", "four", "five")} <= set(secrets)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["--hf-token", "hunter2"], ["--hf-token", "***"]),
        (["--hf_token=hunter2", "--seed=1"], ["--hf_token=***", "--seed=1"]),
        (["--api-key", "hunter2-a", "hunter2-b", "--seed", "1"], ["--api-key", "***", "***", "--seed", "1"]),
        (["--x.Password", "hunter2"], ["--x.Password", "***"]),
        (["--token"], ["--token"]),
        (["--max-batched-tokens", "2048", "--tokenizer", "t"], ["--max-batched-tokens", "2048", "--tokenizer", "t"]),
        (["--ssl-keyfile", "tls.key", "--key-file=tls.key"], ["--ssl-keyfile", "tls.key", "--key-file=tls.key"]),
    ],
)  # fmt: skip
def test_an_argument_of_the_engine_that_is_a_secret_is_masked(given: list[str], shown: list[str]) -> None:
    settings = load_settings([], environ={}, local=None, flags={"engine.args": given})
    assert {dotted: value for dotted, value, _ in _rows(settings)}["engine.args"] == shown
    assert ("hunter2" in str(secrets_of(settings))) == ("hunter2" in str(given))
    assert "hunter2" not in Redactor(secrets_of(settings)).clean(" ".join(given))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://me:hunter2@db/bot", "postgresql://me:***@db/bot"),
        ("postgresql://me:hunter2:x@y@db/bot", "postgresql://me:***@db/bot"),
        ("postgresql://me:s3/hunter2+pw@db/bot?options=a@b", "postgresql://me:***@db/bot?options=a@b"),
        ("postgresql://me:12/hunter2@db/bot", "postgresql://me:***@db/bot"),
        ("postgresql://me@there:hunter2@db/bot", "postgresql://me@there:***@db/bot"),
        ("postgresql:///bot?password=hunter2&host=db", "postgresql:///bot?password=***&host=db"),
        ("postgresql://me@db:5432/bot", "postgresql://me@db:5432/bot"),
    ],
)
def test_a_password_in_an_address_is_masked_wherever_it_stands(url: str, told: str) -> None:
    settings = load_settings([], environ={"BOTCORE_STORE__URL": url}, local=None)
    assert {dotted: value for dotted, value, _ in _rows(settings)}["store.url"] == told
    assert any("hunter2" in secret for secret in secrets_of(settings)) == ("hunter2" in url)


def test_a_password_is_a_secret_as_the_address_has_it_and_as_it_is_meant() -> None:
    settings = load_settings([], environ={"BOTCORE_STORE__URL": "postgresql://me:hunter%2F2%40@db/bot"}, local=None)
    told = Redactor(secrets_of(settings)).clean("no entry with hunter%2F2%40, which is hunter/2@")
    assert told == "no entry with ***, which is ***"


def test_the_port_of_an_address_is_no_password() -> None:
    flags = {"engine.base_url": "http://gpu:8000/v1@2", "encoder.base_url": "http://me:hunter2@gpu:8000/v1@2"}
    settings = load_settings([], environ={}, local=None, flags={**flags, "encoder.kind": "openai"})
    told = {dotted: value for dotted, value, _ in _rows(settings)}
    assert [told[dotted] for dotted in flags] == ["http://gpu:8000/v1@2", "http://me:***@gpu:8000/v1@2"]
    assert [secret for secret in secrets_of(settings) if secret] == ["hunter2"]


@pytest.mark.parametrize(
    ("value", "written"), [((), "[]"), (("a.example",), '["a.example"]'), (True, "true"), (8080, "8080"), ("x", "x")]
)
def test_config_show_writes_values_as_a_file_has_them(value: object, written: str) -> None:
    assert _written(value) == written


def test_plugins_lists_what_could_not_be_loaded(here: Path) -> None:
    (here / "more.toml").write_text("[plugins.textgne]\n[plugins.textgen]")
    done = botcore("plugins", "--config", "more.toml", "--json", here=here)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert 'did you mean "textgen"?' in rows["textgne"]["problem"]
    assert "reply" in rows["textgen"]["hooks"]


def test_a_plugin_under_another_name_is_listed_with_its_package_and_once(here: Path) -> None:
    (here / "named.toml").write_text('[plugins.stories]\nuse = "textgen"\n[plugins.textgen]\nenabled = false')
    done = botcore("plugins", "--config", "named.toml", "--json", here=here)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["stories"]["enabled"]
    assert rows["stories"]["package"] == rows["memory"]["package"] != ""
    assert "textgen" not in rows


@pytest.mark.parametrize(
    "command", ["dlq list", "dlq drop 1", "lora list", "lora off", "feedback list", "sources list"]
)
def test_what_only_looks_makes_no_database_where_there_is_none(here: Path, command: str) -> None:
    (here / "all.toml").write_text('bot.data_dir = "elsewhere"\n[plugins.qa]\n[plugins.finetune]')
    done = botcore(*command.split(), "--config", "all.toml", here=here)
    assert done.returncode == 1
    assert f"there is no database at {here}/elsewhere/botcore.db" in done.stderr
    assert not (here / "elsewhere" / "botcore.db").exists()


def test_a_command_that_had_to_make_the_database_says_where_and_once(here: Path) -> None:
    (here / "qa.toml").write_text("[plugins.qa]\nsources = []")
    (here / "good.md").write_text("The shop opens at nine.")
    told = "no bot has run here yet; if yours runs elsewhere, call this in its folder"
    for said in (f"new database at {here}/data/botcore.db: {told}\n", ""):
        done = botcore("ingest", "good.md", "-c", "bot.toml", "-c", "qa.toml", here=here)
        assert (done.returncode, done.stderr) == (0, said)


def test_a_command_there_is_not_says_what_may_have_become_of_it(here: Path) -> None:
    (here / "more.toml").write_text("[plugins.borad]")
    mistyped = botcore("plugin", here=here)
    assert (mistyped.returncode, mistyped.stderr) == (
        2,
        'botcore: there is no command "plugin"; did you mean "plugins"?\n',
    )
    gone = botcore("board", "list", "-c", "more.toml", here=here)
    assert gone.returncode == 2
    assert 'no command "board"; one of a plugin is there where --config FILE enables the plugin; ' in gone.stderr
    assert 'nothing installed is called "borad"' in gone.stderr


def test_an_argument_that_is_not_utf8_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["botcore", "train", "sft", os.fsdecode(b"caf\xe9.jsonl")])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err == (
        "botcore: caf\\xe9.jsonl is not UTF-8; write it so, or give the file another name\n"
    )


def test_a_text_where_a_file_is_wanted_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["botcore", "train", "sft", "say it " * 50, "--config", str(here / "bot.toml")])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err.endswith("say it say i… is too long for the name of a file\n")


def test_output_that_a_full_disk_does_not_take_is_one_line(here: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "botcore", "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "botcore: cannot write the output: No space left on device; free some and call this again\n"


def test_a_file_of_another_user_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refused(*_: object, **__: object) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(open_another_users))

    def open_another_users() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/data/botcore.db")

    monkeypatch.setattr("botcore.cli.talk._ask", refused)
    monkeypatch.setattr(sys, "argv", ["botcore", "ask", "hi", "--config", str(here / "bot.toml")])
    with pytest.raises(SystemExit, match="1"):
        main()
    told = "botcore: /srv/data/botcore.db: Permission denied; is this the user the bot runs as?\n"
    assert capsys.readouterr().err == told


def test_what_comes_in_another_encoding_is_asked_all_the_same(here: Path) -> None:
    said = "import sys; from botcore.cli import _open_streams; _open_streams(); print(sys.stdin.read(), '\u2713')"
    done = subprocess.run(
        [sys.executable, "-c", said],
        input="Grüße".encode("latin-1"),
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"Gr\\ufffd\\ufffde \\u2713\n", b"")


def test_a_caller_who_closed_standard_input_is_one_who_says_nothing(here: Path) -> None:
    command = ["sh", "-c", 'exec "$0" -m botcore ask - <&-', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, cwd=here, check=False)
    assert done.returncode == 2
    assert "the question is empty" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_names_that_plugins_cannot_take_are_our_commands() -> None:
    assert {str(one.name) for one in [*app.registered_commands, *app.registered_groups]} == OURS


def test_a_citation_without_a_source_ends_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    cited = [{"number": 1, "title": "Ticket 7", "page": 0, "source": "", "snippet": ""}]
    _print_end({"reason": "", "citations": cited})
    assert capsys.readouterr().out == "\n  [1] Ticket 7\n"


def test_doctor_finds_and_says_the_fix(here: Path) -> None:
    done = botcore("doctor", "--config", "bot.toml", "--json", here=here, BOTCORE_ENGINE__MODEL="/no/such/model")
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found["python"]["state"] == "ok"
    assert found["database"]["fix"] == "the bot's first start makes it"
    assert found["model"]["state"] == "wrong"
    assert found["model"]["fix"]


def test_ask_prints_the_reply_of_a_bot_started_for_it(here: Path) -> None:
    (here / "web.toml").write_text("[channels.web]\n[engine]\nkind = 'scripted'")
    done = botcore("ask", "hello there", "-c", "bot.toml", "-c", "web.toml", "--json", here=here)
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert (reply["outcome"], reply["text"], reply["plugin"]) == ("answered", "You said: hello there", "textgen")


def test_ask_shows_where_an_answer_comes_from(here: Path) -> None:
    (here / "hours.md").write_text("# Opening hours\n\nThe shop opens at nine.\n")
    (here / "web.toml").write_text(
        "[channels.web]\n[plugins.textgen]\nenabled = false\n"
        "[plugins.qa]\nsources = ['hours.md']\n[engine]\nkind = 'scripted'"
    )
    done = botcore("ask", "when does the shop open?", "-c", "bot.toml", "-c", "web.toml", here=here)
    assert done.returncode == 0, done.stderr
    assert "  [1] Opening hours - hours.md\n      The shop opens at nine." in done.stdout


def test_a_chat_answers_line_after_line(here: Path) -> None:
    (here / "web.toml").write_text("[channels.web]\n[engine]\nkind = 'scripted'")
    done = botcore("chat", "-c", "bot.toml", "-c", "web.toml", here=here, typed="one\n\ntwo\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["You said: one", "You said: two"]


def test_nobody_waits_for_the_reply_to_an_order(here: Path) -> None:
    (here / "web.toml").write_text("[channels.web]\n[engine]\nkind = 'scripted'")
    done = botcore("chat", "-c", "bot.toml", "-c", "web.toml", here=here, typed="/stop\none\n")
    assert done.stdout.splitlines()[1:] == ["Nothing is running. Ctrl-C stops a reply.", "You said: one"]
    done = botcore("ask", "/stop", "-c", "bot.toml", "-c", "web.toml", here=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/stop ends a reply that is being written" in done.stderr


@pytest.mark.slow
def test_ctrl_c_at_the_prompt_says_how_to_leave(here: Path) -> None:
    (here / "web.toml").write_text("[channels.web]\n[engine]\nkind = 'scripted'")
    terminal, side = pty.openpty()
    arguments = [sys.executable, "-m", "botcore", "chat", "-c", "bot.toml", "-c", "web.toml"]
    with subprocess.Popen(arguments, cwd=here, stdin=side, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as chat:
        heard(chat, "Ctrl-D leaves.\n> ")
        chat.send_signal(signal.SIGINT)
        heard(chat, "Nothing is running. Ctrl-D leaves.\n> ")
        os.write(terminal, b"one\n")
        heard(chat, "You said: one\n> ")
        chat.send_signal(signal.SIGINT)
        heard(chat, "Nothing is running. Ctrl-D leaves.\n> ")
        os.write(terminal, b"\x04")
        assert chat.wait(20) == 0
    os.close(terminal)
    os.close(side)


def heard(process: "subprocess.Popen[bytes]", end: str) -> None:
    """Returns when the output ends so; a process that ends first is a failure."""
    assert process.stdout
    said = b""
    while not said.endswith(end.encode()):
        one = process.stdout.read(1)
        assert one, said
        said += one


def test_ingest_takes_documents_and_refuses_others_by_name(here: Path) -> None:
    (here / "good.md").write_text("# Opening hours\n\nThe shop opens at nine.\n")
    (here / "bad.bin").write_bytes(b"\x00\x01")
    (here / "qa.toml").write_text("[plugins.qa]\nsources = []")
    done = botcore("ingest", "good.md", "bad.bin", "-c", "bot.toml", "-c", "qa.toml", "--json", here=here)
    summary = json.loads(done.stdout)
    assert done.returncode == 1
    assert summary["added"] == 1
    assert "bad.bin" in summary["refused"][0]["source"]


def test_a_second_signal_ends_the_bot_at_once_without_a_traceback(here: Path) -> None:
    (here / "web.toml").write_text("[engine]\nkind = 'scripted'\n[http]\nport = 0")
    arguments = [sys.executable, "-m", "botcore", "run", "-c", "bot.toml", "-c", "web.toml", "--json"]
    with subprocess.Popen(arguments, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as bot:
        assert bot.stdout
        while json.loads(bot.stdout.readline()).get("stage") != "ready":
            pass
        bot.send_signal(signal.SIGTERM)
        bot.send_signal(signal.SIGINT)
        _, errors = bot.communicate(timeout=20)
    assert "Traceback" not in errors
    assert bot.returncode in (0, 1)  # 0 where the first signal was enough already


@pytest.mark.slow
def test_a_second_signal_ends_the_bot_even_where_a_plugin_does_not_end(here: Path) -> None:
    install(here, "clings", CLINGS, "[botcore]\nclings = clings:Clings\n")
    (here / "clings.toml").write_text("[plugins.clings]\n[engine]\nkind = 'scripted'\n[http]\nport = 0")
    arguments = [sys.executable, "-m", "botcore", "run", "-c", "bot.toml", "-c", "clings.toml"]
    path = {"PYTHONPATH": os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        arguments, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | path
    ) as bot:
        assert bot.stdout
        while "ready" not in bot.stdout.readline():
            pass
        bot.send_signal(signal.SIGTERM)
        assert "cleaning" in bot.stdout.readline()
        bot.send_signal(signal.SIGTERM)
        _, errors = bot.communicate(timeout=20)
    assert "did not end within 5 s; left without it" in errors
    assert bot.returncode == 1


CLINGS = """
import asyncio
from contextlib import asynccontextmanager
from botcore import hookimpl


class Clings:
    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot):
        yield
        print("cleaning", flush=True)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass
"""
