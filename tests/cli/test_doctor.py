"""``doctor`` on platforms that answer nonsense: one line each, with the fix; no traceback, no secret."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from botcore.cli import doctor
from botcore.clock import SystemClock
from botcore.store import Store
from botcore.testing.openai_server import FakeOpenAI
from tests.calls import botcore
from tests.models.made import model_files

SECRET = "AAHthe-secret-half-of-the-token-12345"
TELEGRAM = """
[channels.{name}]
use = "telegram"
token = "123456789:{secret}"
base_url = "{address}/{name}"
"""
ANSWERS: Mapping[str, tuple[int, str, Mapping[str, str]]] = {
    "html": (200, "<html>Sign in to the network of this hotel</html>", {}),
    "empty": (200, "", {}),
    "notours": (200, '{"hello": "world"}', {}),
    "alist": (200, "[1, 2, 3]", {}),
    "noresult": (200, '{"ok": true}', {}),
    "wrongtypes": (200, '{"ok": true, "result": {"id": "x", "username": [], "first_name": null}}', {}),
    "deep": (200, "[" * 100_000, {}),
    "broken": (500, "Internal Server Error", {}),
    "missing": (404, "no such page", {}),
    "revoked": (401, '{"ok": false, "error_code": 401, "description": "Unauthorized"}', {}),
    "moved": (302, "", {"Location": "http://127.0.0.1:9/elsewhere"}),
    "echo": (400, '{"ok": false, "error_code": 400, "description": "bad PATH"}', {}),
}


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server that answers each platform's name with its own nonsense; ``PATH`` is what was asked for."""

    async def answer(request: web.Request) -> web.Response:
        status, text, headers = ANSWERS[request.path.split("/")[1]]
        return web.Response(status=status, text=text.replace("PATH", request.path), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_engine_elsewhere_is_asked_which_model_it_has(tmp_path: Path) -> None:
    async with FakeOpenAI(model="tiny", key=SECRET) as server:
        config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "openai"\nbase_url = "{server.url}"\n'
        await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
        right = await engine_found(tmp_path, BOTCORE_ENGINE__API_KEY=SECRET)
        wrong = await engine_found(tmp_path, BOTCORE_ENGINE__API_KEY="wrong")
    gone = await engine_found(tmp_path)
    assert (right["state"], right["found"]) == ("ok", f"tiny at {server.url}")
    assert [one["state"] for one in (wrong, gone)] == ["wrong", "wrong"]
    assert "cannot be reached" in gone["found"]
    assert gone["fix"] == "start that server, or see [engine] base_url, model and api_key"


async def test_a_model_that_cannot_chat_is_named(tmp_path: Path) -> None:
    for name, content in (model_files() | {"tokenizer_config.json": b"{}"}).items():
        if "/" not in name:
            (tmp_path / name).write_bytes(content)
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nmodel = "{tmp_path}"\n'
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    found = (await findings(tmp_path))["model"]
    assert (found["state"], found["found"]) == ("wrong", f"{tmp_path.name} has no chat template, and cannot chat")
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config + 'args = ["--chat-template", "mine.jinja"]\n')
    assert "template" not in (await findings(tmp_path))["model"]["found"]


async def test_an_engine_of_an_unknown_kind_is_not_to_be_started(tmp_path: Path) -> None:
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "vlm"\n'
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    found = await findings(tmp_path)
    assert found["engine"]["fix"] == "set [engine] kind to one of these"
    assert "encoder" not in found


async def test_what_a_crash_has_left_stays_for_the_bots_next_start(tmp_path: Path) -> None:
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "scripted"\n'
    owner, fault = tmp_path / "data" / "owner", tmp_path / "data" / "logs" / "fault.log"
    await asyncio.to_thread(fault.parent.mkdir, parents=True)
    for file, text in ((tmp_path / "bot.toml", config), (owner, "killed"), (fault, "Fatal Python error")):
        await asyncio.to_thread(file.write_text, text)
    async with Store(f"sqlite:///{owner.parent}/botcore.db", clock=SystemClock(), data_dir=owner.parent, alone=False):
        pass
    assert (await findings(tmp_path))["database"]["found"] == "sqlite: ok"
    assert [await asyncio.to_thread(file.read_text) for file in (owner, fault)] == ["killed", "Fatal Python error"]


async def test_a_database_that_is_not_there_yet_is_a_hint_and_is_not_made(tmp_path: Path) -> None:
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "scripted"\n'
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    found = (await findings(tmp_path))["database"]
    assert (found["state"], found["found"]) == ("hint", f"none at {tmp_path}/data/botcore.db yet")
    assert not (tmp_path / "data").exists()


def test_a_folder_of_another_user_is_told_with_whose_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr(Path, "iterdir", refused)
    disk = next(finding for finding in doctor._machine(tmp_path) if finding.what == "disk")
    assert (disk.state, disk.found) == ("wrong", f"{tmp_path} cannot be read and written")
    assert "the user the bot runs as" in disk.fix
    assert doctor._clock(tmp_path).state == "ok"


def refused(path: Path) -> Iterator[Path]:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_link_to_nowhere_in_the_folder_is_no_trouble_of_the_clock(tmp_path: Path) -> None:
    (tmp_path / "web").symlink_to(tmp_path / "not mounted")
    assert doctor._clock(tmp_path).state == "ok"


async def engine_found(here: Path, **environ: str) -> Mapping[str, str]:
    return (await findings(here, **environ))["engine"]


async def findings(here: Path, **environ: str) -> Mapping[str, Mapping[str, str]]:
    done = await asyncio.to_thread(botcore, "doctor", "-c", "bot.toml", "--json", here=here, **environ)
    return {finding["what"]: finding for finding in json.loads(done.stdout)}


async def test_an_encoder_is_asked_for_a_vector_where_there_is_one(tmp_path: Path) -> None:
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "scripted"\n'
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    async with FakeOpenAI(model="e5", key=SECRET) as server:
        there = {"BOTCORE_ENCODER__KIND": "openai", "BOTCORE_ENCODER__BASE_URL": server.url}
        right = (await findings(tmp_path, **there, BOTCORE_ENCODER__API_KEY=SECRET))["encoder"]
        wrong = (await findings(tmp_path, **there, BOTCORE_ENCODER__API_KEY="very-wrong"))["encoder"]
    assert (right["state"], right["found"]) == ("ok", f"e5 at {server.url}")
    assert (wrong["state"], "set encoder.api_key" in wrong["found"]) == ("wrong", True)
    assert "see [encoder] base_url, model and api_key; the bot goes on without it" in wrong["fix"]


async def test_an_encoder_that_is_not_here_is_told_with_the_command_that_gets_it(tmp_path: Path) -> None:
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "scripted"\n[encoder]\nkind = "vllm"\n'
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    found = await findings(tmp_path, BOTCORE_ENCODER__MODEL="owner/bert", BOTCORE_ENGINE__PYTHON="/nowhere/python")
    assert found["encoder"]["state"] == "wrong"
    assert found["encoder"]["found"].endswith("fetch it: botcore model get owner/bert")
    assert "/nowhere/python has no vLLM" in found["engine"]["found"]


async def test_a_platform_that_answers_nonsense_is_one_line_with_a_fix(address: str, tmp_path: Path) -> None:
    tables = [TELEGRAM.format(name=name, secret=SECRET, address=address) for name in ANSWERS]
    config = "".join([f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nkind = "scripted"\n', *tables])
    await asyncio.to_thread((tmp_path / "bot.toml").write_text, config)
    done = await asyncio.to_thread(botcore, "doctor", "-c", "bot.toml", "--json", here=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    for name in ANSWERS:
        assert (name, found[name]["state"]) == (name, "wrong")
        assert found[name]["fix"] == f"see [channels.{name}]"
        assert "\n" not in found[name]["found"]
        assert len(found[name]["found"]) < 300
    assert SECRET not in done.stdout
    assert "is the token right?" in found["revoked"]["found"]
