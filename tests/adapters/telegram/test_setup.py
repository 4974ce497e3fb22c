"""`botcore telegram setup`: from a token to a bot people can write to, as it is typed."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from botcore import BotcoreError, SettingsError
from botcore_telegram.setup import setup
from botcore_telegram.testing import FakeTelegram, Fault

TOKEN = "BOTCORE_CHANNELS__TELEGRAM__TOKEN"
Typed = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def typed(server: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Exit status, output and errors of the command, run in an empty directory, away from a terminal."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(setup)

    async def run(*arguments: str, **environ: str) -> tuple[int, str, str]:
        # In a thread, since the command brings its own loop; the server goes on in ours.
        given = ["--base-url", server.base_url, *arguments]
        result = await asyncio.to_thread(CliRunner().invoke, app, given, env=environ)
        errors, status = result.stderr, result.exit_code
        if isinstance(result.exception, BotcoreError):  # as `botcore.cli.main` says it
            errors, status = f"{result.exception}\n", 2 if isinstance(result.exception, SettingsError) else 1
        assert server.token.partition(":")[2] not in result.stdout + errors
        return status, result.stdout, errors

    return run


def test_the_command_needs_no_configuration_and_knows_its_exit_status(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "botcore", "telegram", "setup"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("botcore: no token: give --token-file")
    assert done.stderr.count("\n") == 1


async def test_a_token_becomes_a_link_and_a_menu_and_nothing_is_written(
    server: FakeTelegram, typed: Typed, tmp_path: Path
) -> None:
    status, output, errors = await typed(**{TOKEN: server.token})
    assert (status, errors) == (0, "")
    assert "@botcore_bot" in output
    assert "https://t.me/botcore_bot?start=hello" in output
    assert [command["command"] for command in server.api.commands] == ["start", "help", "stop", "again"]
    assert "--save" in output
    assert os.listdir(tmp_path) == []


async def test_scripts_read_json_and_the_token_from_a_file(server: FakeTelegram, typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{server.token}\n")
    server.api.commands = [{"command": "story", "description": "A story"}]
    server.updates.webhook = "https://elsewhere.example/hook"
    for given in (("--token-file", str(file)), ()):
        status, output, _ = await typed("--json", *given, **({} if given else {f"{TOKEN}_FILE": str(file)}))
        found = json.loads(output)
        assert (status, found["username"], found["id"]) == (0, "botcore_bot", 123456789)
        assert found["commands"] == ["story"], "a menu the running bot has filled is kept"
        assert found["webhook"] == "https://elsewhere.example/hook"


async def test_saving_keeps_what_is_there_and_lets_nobody_else_read_it(
    server: FakeTelegram, typed: Typed, tmp_path: Path
) -> None:
    local = tmp_path / "config" / "local.toml"
    local.parent.mkdir()
    local.write_text('# mine\n[channels.telegram]\ngroup_mode = "all"  # all of it\n\n[http]\nport = 9000\n')
    status, output, _ = await typed("--save", **{TOKEN: server.token})
    assert (status, "config/local.toml" in output) == (0, True)
    assert stat.S_IMODE(local.stat().st_mode) == 0o600
    assert local.read_text() == (
        f'# mine\n[channels.telegram]\nbase_url = "{server.base_url}"\ntoken = "{server.token}"\n'
        'group_mode = "all"  # all of it\n\n[http]\nport = 9000\n'
    )
    assert (await typed("--save", **{TOKEN: server.token}))[0] == 0
    assert local.read_text().count("token =") == 1


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "named"),
    [
        ((), {}, 2, TOKEN),
        ((), {TOKEN: "nonsense"}, 2, "@BotFather"),
        ((), {TOKEN: "987654321:" + "x" * 35}, 2, "does not know this token (401)"),
        (("--token-file", "missing"), {}, 2, "cannot read missing"),
        (("--channel", "support"), {TOKEN: "123:x"}, 2, "BOTCORE_CHANNELS__SUPPORT__TOKEN"),
        (("--base-url", "nonsense"), {TOKEN: "123456789:" + "x" * 35}, 2, "--base-url"),
        (("--base-url", "http://127.0.0.1:9"), {TOKEN: "123456789:" + "x" * 35}, 1, "no connection to Telegram"),
    ],
)
async def test_what_is_wrong_is_one_line_with_the_next_step(
    typed: Typed, arguments: tuple[str, ...], environ: dict[str, str], status: int, named: str
) -> None:
    got, output, errors = await typed(*arguments, **environ)
    assert (got, output, errors.count("\n")) == (status, "", 1)
    assert named in errors


async def test_a_server_in_trouble_is_said_and_nothing_saved(
    server: FakeTelegram, typed: Typed, tmp_path: Path
) -> None:
    server.fail("getMe", Fault.broken(502, html=True))
    status, _, errors = await typed("--save", **{TOKEN: server.token})
    assert (status, "502" in errors, os.listdir(tmp_path)) == (1, True, [])
