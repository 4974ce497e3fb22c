"""``botcore model`` against a hub on this machine: fetched, chosen, looked at, interrupted, refused."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from botcore.cli import app
from botcore.engine import room
from botcore.errors import BotcoreError
from tests.models.fake_hub import FakeHub, Fault, Repo
from tests.models.made import encoder_files, model_files

NAME = "owner/tiny"


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with FakeHub() as hub:
        hub.repos[NAME] = Repo(model_files(), licence="mit")
        yield hub


@pytest.fixture(autouse=True)
def here(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("BOTCORE_", "HF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def model(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["model", *arguments])


async def said(*arguments: str) -> Any:
    done = await model(*arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return [json.loads(line) for line in done.stdout.splitlines()][-1]


async def refused(*arguments: str) -> str:
    error = (await model(*arguments)).exception
    assert isinstance(error, BotcoreError)
    return str(error)


async def test_one_command_fetches_a_model_and_chooses_it(here: Path) -> None:
    done = await said("get", NAME, "--use")
    assert done["folder"] == "data/models/owner--tiny"
    assert done["use"]["model"] == NAME
    assert (here / "config" / "local.toml").read_text() == f'[engine]\nmodel = "{NAME}"\n'
    rows = {row["name"]: row for row in (await said("list"))["models"]}
    assert {name: row["in_use"] for name, row in rows.items()} == {"starter": False, NAME: True}
    assert (rows[NAME]["licence"], rows[NAME]["facts"]["parameters"]) == ("mit", 4096)


async def test_size_and_licence_are_said_before_the_first_byte(hub: FakeHub) -> None:
    hub.faults += [Fault(status=404)]
    done = await model("get", NAME)
    assert isinstance(done.exception, BotcoreError)
    assert "size     8.3 KiB in 5 files" in done.stdout
    assert "licence  mit" in done.stdout
    assert "fits     weights" in done.stdout


async def test_what_is_here_already_is_not_fetched_again(hub: FakeHub) -> None:
    await said("get", NAME)
    hub.asked.clear()
    assert (await said("get", NAME))["event"] == "done"
    assert hub.asked == []


async def test_info_says_the_same_of_a_model_before_and_after(hub: FakeHub) -> None:
    hub.repos[NAME].parameters = {"BF16": 4096}
    before = await said("info", NAME)
    assert (before["folder"], before["licence"], before["facts"]["window"]) == ("", "mit", 4096)
    await said("get", NAME)
    hub.repos.clear()  # from here on nothing asks the hub
    after = await said("info", NAME)
    kept = ("name", "licence", "fit")
    assert [after[key] for key in kept if key != "fit"] == [before[key] for key in kept if key != "fit"]
    assert after["facts"] | {"chat_template": True} == before["facts"] | {"chat_template": True}
    assert after["origin"].startswith(f"{before['origin']}, ")


async def test_a_page_about_a_model_is_for_people() -> None:
    shown = (await model("info", "starter")).stdout
    assert "parameters     5.8 million" in shown
    assert "chat template  there" in shown
    assert "knows nothing of the world" in shown
    assert "A better one for this machine: botcore model get Qwen/" in shown


async def test_verify_reads_every_byte(here: Path) -> None:
    await said("get", NAME)
    assert await said("verify", NAME) == {
        "name": NAME, "folder": "data/models/owner--tiny", "files": 5, "problems": {},
    }  # fmt: skip
    (here / "data" / "models" / "owner--tiny" / "config.json").write_text("{}")
    done = await model("verify", NAME)
    assert done.exit_code == 1
    assert f"! config.json has 2 bytes, not {len(model_files()['config.json'])}" in done.stderr
    assert f"fetch it again: botcore model get {NAME}" in done.stderr
    assert "nothing is recorded" in await refused("verify", "starter")


async def test_a_damaged_model_is_fetched_again(here: Path) -> None:
    await said("get", NAME)
    config = here / "data" / "models" / "owner--tiny" / "config.json"
    config.write_text("{}")
    await said("get", NAME)
    assert config.read_bytes() == model_files()["config.json"]


async def test_what_does_not_fit_is_refused_where_nobody_can_be_asked(hub: FakeHub) -> None:
    hub.repos[NAME].parameters = {"BF16": 10**13}
    assert "does not fit this machine: weights 18626.5 GiB" in await refused("get", NAME)
    assert hub.asked == []
    assert (await said("get", NAME, "--yes"))["event"] == "done"


# ------------------------------------------------------------------ the choice


async def test_use_changes_one_value_and_starter_undoes_it(here: Path) -> None:
    await said("get", NAME)
    local = here / "config" / "local.toml"
    local.parent.mkdir()
    local.write_text('# mine\n[http]\nport = 9000 # why\n\n[engine]\nkind = "vllm"\n')
    shown = (await model("use", NAME)).stdout
    assert shown.splitlines() == [
        f"✓ engine.model = {NAME} in config/local.toml (it was starter)",
        "  it holds from the next start: botcore run",
        "  undo: botcore model use starter",
    ]
    chosen = f'# mine\n[http]\nport = 9000 # why\n\n[engine]\nmodel = "{NAME}"\nkind = "vllm"\n'
    assert local.read_text() == chosen
    again = (await model("use", NAME)).stdout.splitlines()
    assert again[:2] == [
        f"✓ engine.model = {NAME} in config/local.toml",
        "  it was that already: nothing to do, unless the bot was not started again since",
    ]
    await said("use", "starter")
    assert local.read_text() == chosen.replace(NAME, "starter")


async def test_a_folder_is_chosen_by_its_whole_path(here: Path) -> None:
    await said("get", NAME)
    assert (await said("use", "data/models/owner--tiny"))["model"] == str(here / "data" / "models" / "owner--tiny")


async def test_a_variable_that_wins_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    await said("get", NAME)
    monkeypatch.setenv("BOTCORE_ENGINE__MODEL", "starter")
    assert "! BOTCORE_ENGINE__MODEL says otherwise, and wins; unset it" in (await model("use", NAME)).stdout


async def test_what_cannot_be_used_is_not_chosen(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await refused("use", NAME) == f"{NAME} is not on this machine; fetch it: botcore model get {NAME}"
    (here / "old").mkdir()
    (here / "old" / "config.json").write_text("{}")
    (here / "old" / "pytorch_model.bin").touch()
    assert "only as a pickle" in await refused("use", "./old")
    assert "no model's name" in await refused("get", "../secrets")
    monkeypatch.setenv("BOTCORE_ENGINE__KIND", "openai")
    assert "the other server's choice" in await refused("use", "starter")
    assert not (here / "config").exists()


async def test_what_cannot_chat_is_chosen_only_by_force(hub: FakeHub) -> None:
    hub.repos[NAME].files["tokenizer_config.json"] = b"{}"
    assert "has no chat template" in await refused("get", NAME, "--use", "--yes")  # fetched, but not chosen
    assert "has no chat template" in await refused("use", NAME)
    assert (await said("use", NAME, "--force"))["model"] == NAME


async def test_nothing_is_fetched_for_an_engine_that_is_elsewhere(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_ENGINE__KIND", "openai")
    assert "the other server's choice" in await refused("get", NAME, "--use")
    assert hub.asked == []


async def test_what_may_not_run_well_is_chosen_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    await said("get", NAME)
    monkeypatch.setattr(room, "memory", lambda: (64 << 30, 1 << 30))
    assert "! tight: weights" in (await model("use", NAME)).stdout


ENCODER = "owner/bert"


@pytest.fixture
def encoder(hub: FakeHub) -> str:
    hub.repos[ENCODER] = Repo(encoder_files(), parameters={"F32": 4096})
    return ENCODER


async def test_an_encoder_is_chosen_as_the_encoder_and_the_engine_keeps_its_model(here: Path, encoder: str) -> None:
    shown = (await model("get", encoder, "--use")).stdout
    assert "made for vectors: it is an encoder" in shown
    assert "chat template" not in shown
    assert f"✓ encoder.model = {encoder} in config/local.toml (it was off)" in shown
    assert 'undo: write kind = "off" below [encoder] in config/local.toml' in shown
    local = here / "config" / "local.toml"
    assert local.read_text() == f'[encoder]\nkind = "vllm"\nmodel = "{encoder}"\n'
    again = (await model("use", encoder)).stdout
    assert "it was that already" in again
    rows = {row["name"]: row["in_use"] for row in (await said("list"))["models"]}
    assert rows == {"starter": True, encoder: True}
    assert "an encoder" in (await model("list")).stdout


async def test_info_says_the_same_of_an_encoder_before_and_after(hub: FakeHub, encoder: str) -> None:
    before = await said("info", encoder)
    assert (before["facts"]["encoder"], before["facts"]["window"]) == (True, 256)
    assert "KV cache" not in before["fit"]["why"]
    await said("get", encoder)
    hub.repos.clear()
    assert (await said("info", encoder))["facts"] == before["facts"]
    shown = (await model("info", encoder)).stdout
    assert "made for       vectors: it is an encoder, for [encoder] (`botcore model use` writes it there)" in shown


async def test_an_encoder_beside_an_engine_elsewhere_is_chosen_and_one_elsewhere_is_not_replaced(
    encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await said("get", encoder)
    monkeypatch.setenv("BOTCORE_ENGINE__KIND", "openai")
    assert (await said("use", encoder))["table"] == "encoder"
    monkeypatch.setenv("BOTCORE_ENCODER__KIND", "openai")
    monkeypatch.setenv("BOTCORE_ENCODER__BASE_URL", "http://h/v1")
    assert 'encoder.kind is "openai", so the model is the other server' in await refused("use", encoder)


async def test_a_variable_that_switches_the_encoder_off_is_named(encoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await said("get", encoder)
    monkeypatch.setenv("BOTCORE_ENCODER__KIND", "off")
    assert "! BOTCORE_ENCODER__KIND says otherwise, and wins; unset it" in (await model("use", encoder)).stdout


async def test_a_model_in_use_that_is_not_here_stands_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTCORE_ENGINE__MODEL", NAME)
    shown = (await model("list")).stdout
    assert f"is not on this machine; fetch it: botcore model get {NAME}  in use" in shown
    assert "This machine: " in shown


# ------------------------------------------------------------------ interruptions


class Process:
    """``botcore model get`` as a process of its own."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child

    @classmethod
    async def start(cls, *arguments: str, stdin: int | None = None, stderr: int | None = None) -> "Process":
        command = (sys.executable, "-m", "botcore", "model", "get", NAME, *arguments)
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=stdin, stdout=pipe, stderr=stderr or pipe, preexec_fn=_hear_interrupts
            )
        )


def _hear_interrupts() -> None:
    """A test run in the background of a shell ignores SIGINT, and so would everything it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
async def test_an_interrupted_fetch_goes_on_where_it_was(hub: FakeHub, here: Path, number: signal.Signals) -> None:
    hub.repos[NAME] = Repo(model_files(500_000))
    hub.faults += [Fault(cut=400_000, hold=True)]
    child = (await Process.start()).child
    await hub.holding.wait()
    parts = here / "data" / "models" / ".fetching" / "owner--tiny"
    while sum(path.stat().st_size for path in parts.glob("sha256-*")) < 400_000:  # noqa: ASYNC110 -- another process
        await asyncio.sleep(0.01)
    child.send_signal(number)
    _, complained = await child.communicate()
    if number == signal.SIGINT:
        assert child.returncode == 130
        assert complained.decode() == "interrupted; what is there is kept, and the same command goes on\n"
    assert f"… {NAME} was interrupted; go on: botcore model get {NAME}" in (await model("list")).stdout
    assert (await said("get", NAME))["event"] == "done"
    assert [span for file, span in hub.asked if file == "model.safetensors"] == ["", "bytes=400000-"]


async def test_a_person_is_asked_and_may_say_no(hub: FakeHub) -> None:
    ours, theirs = os.openpty()
    child = (await Process.start(stdin=theirs, stderr=theirs)).child
    os.close(theirs)
    os.write(ours, b"n\n")
    await child.communicate()
    asked = os.read(ours, 4096).decode()
    os.close(ours)
    assert "Fetch it? [Y/n]" in asked
    assert child.returncode == 1
    assert hub.asked == []
