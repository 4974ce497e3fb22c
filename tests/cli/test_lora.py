"""LoRA versions at the command line, beside a bot that runs and where none does."""

import asyncio
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from botcore.bot import visiting
from botcore.cli import app
from botcore.cli.doctor import Finding, _lora
from botcore.cli.lora import _heeded, _off, _used
from botcore.clock import SystemClock
from botcore.errors import BotcoreError, ModelError
from botcore.settings import Settings, load_settings
from botcore.store import loras
from botcore.testing import chatting
from botcore.training.plan import Plan
from botcore.training.runs import new_run
from botcore.versions import Lora
from tests.engine.conftest import fake_python  # noqa: F401 -- a fixture
from tests.models.made import adapter_files, model_files


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny", model_files())


@pytest.fixture
def config(tmp_path: Path, base: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\nmodel = "{base}"\n')
    return file


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write(tmp_path / "made", adapter_files())


def lora(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["lora", *map(str, arguments), "--config", str(config)])


def error_of(result: Result) -> str:
    assert isinstance(result.exception, BotcoreError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


async def begun(config: Path) -> None:
    """The database is there, as after the bot's first start."""
    async with visiting(load_settings([config], environ={}, local=None)):
        pass


def listed(config: Path) -> list[dict[str, object]]:
    return json.loads(lora(config, "list", "--json").output)  # type: ignore[no-any-return]


def test_where_there_are_none_it_says_how_one_is_made(config: Path) -> None:
    asyncio.run(begun(config))
    assert "botcore train sft" in lora(config, "list").output
    assert listed(config) == []
    assert "no version was in service" in lora(config, "off").output


def test_an_adapter_made_elsewhere_is_offered_and_used_at_the_next_start(config: Path, adapter: Path) -> None:
    assert "✓ pirate is offered" in lora(config, "add", adapter, "--name", "pirate").output
    assert "pirate           offered " in lora(config, "list").output
    assert "✓ pirate comes in service when the bot runs" in lora(config, "use", "pirate").output
    assert listed(config)[0]["state"] == "serving"
    assert "pirate           wanted " in lora(config, "list").output
    assert "botcore lora use pirate brings the version back" in lora(config, "off").output
    assert listed(config)[0]["state"] == "off"


def test_a_training_run_is_offered_when_it_is_used(config: Path, adapter: Path, base: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path / "data", "sft", Plan(rows="r", base=str(base), lora=8), at=0.0)
    (run.folder / "data").mkdir()
    (run.folder / "data" / "card.json").write_text('{"documents": 200}')
    run.change(state="done", metrics={"loss": 0.25}, outputs={"adapter": str(adapter)}, data="abc")
    assert lora(config, "use", "sft-1").exit_code == 0
    (version,) = listed(config)
    assert (version["run"], version["method"], version["base"], version["dataset_hash"]) == (
        *("sft-1", "sft"),
        *(str(base), "abc"),
    )
    assert version["figures"] == {"loss": 0.25, "rows": 200}
    assert "rows 200, loss 0.25" in lora(config, "list").output
    run.change(reason="it learnt from what was forgotten since")
    assert lora(config, "list").output.splitlines()[1] == "    it learnt from what was forgotten since"
    run.change(data="another")  # a run that took the name of one that was deleted
    assert len(lora(config, "list").output.splitlines()) == 1


def test_a_run_whose_base_has_other_weights_by_now_is_not_offered(
    config: Path, adapter: Path, base: Path, tmp_path: Path
) -> None:
    run = new_run(tmp_path / "data", "sft", Plan(rows="r", base=str(base), lora=8), at=0.0, base_hash="another")
    run.change(state="done", outputs={"adapter": str(adapter)})
    assert f"{base} has other weights than when sft-1 began" in error_of(lora(config, "use", "sft-1"))
    assert listed(config) == []


def test_a_run_that_made_no_adapter_is_told(config: Path, tmp_path: Path) -> None:
    new_run(tmp_path / "data", "pretrain", Plan(texts=("t",)), at=0.0)
    assert "pretrain-1 has made no adapter" in error_of(lora(config, "use", "pretrain-1"))


def test_a_name_there_is_not_names_the_list(config: Path) -> None:
    assert error_of(lora(config, "use", "x")) == "there is no LoRA version x; `botcore lora list` says which there are"


def test_another_base_is_refused_with_the_next_step(config: Path, adapter: Path, base: Path) -> None:
    lora(config, "add", adapter, "--name", "pirate")
    write(base, model_files(size=2048))
    said = error_of(lora(config, "use", "pirate"))
    assert "has other weights; choose that model, or train on this one" in said
    assert listed(config)[0]["state"] == "offered"


def test_files_that_vanished_are_told_before_anything_is_changed(config: Path, adapter: Path, tmp_path: Path) -> None:
    lora(config, "add", adapter, "--name", "pirate")
    (tmp_path / "data" / "loras" / "pirate" / "adapter_model.safetensors").unlink()
    assert "its files are gone from" in error_of(lora(config, "use", "pirate"))


def _settings(config: Path, data_dir: Path) -> Settings:
    flags = {"bot.data_dir": data_dir, "engine.kind": "scripted"}
    return load_settings([config], environ={}, flags=flags, local=None)


async def test_beside_a_running_bot_use_waits_until_it_serves_and_off_until_it_does_not(
    config: Path, adapter: Path, base: Path, tmp_path: Path
) -> None:
    said = list[str]()
    async with chatting(tmp_path / "bot") as chat:
        await chat.bot.loras.offer(adapter, name="pirate", method="sft", base=str(base))
        settings = _settings(config, tmp_path / "bot")
        assert (await _used(settings, "pirate", said.append)).live
        assert chat.engine.status.lora == "pirate"
        assert [version.live for version in await _off(settings, said.append)] == [False]
        assert chat.engine.status.lora == ""


async def test_what_the_engine_refuses_is_told_where_it_was_asked_for(
    config: Path, adapter: Path, base: Path, tmp_path: Path
) -> None:
    async with chatting(tmp_path / "bot") as chat:
        await chat.bot.loras.offer(adapter, name="pirate", method="sft", base=str(base))
        chat.engine.refuses["pirate"] = "unexpected modules"
        with pytest.raises(ModelError, match="pirate cannot be served: unexpected modules"):
            await _used(_settings(config, tmp_path / "bot"), "pirate", lambda _: None)


class Leaping(SystemClock):
    """A clock whose pauses are over at once."""

    at = 0.0

    def now(self) -> float:
        return 1.8e9 + self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class Elsewhere:
    """A bot on another machine, by whose clock it is an hour earlier; it says a word every nine seconds."""

    database = SimpleNamespace(dialect="postgresql")

    def __init__(self, *, serves_after: float = float("inf"), silent_after: float = float("inf")) -> None:
        self.clock, self.loras = Leaping(), self
        self._serves_after, self._silent_after = serves_after, silent_after

    async def list(self) -> list[Lora]:
        spoken = min(self.clock.at, self._silent_after) // 9 * 9
        told = 1.8e9 - 3_600 + spoken if spoken else 0.0
        made = {"base": "tiny", "base_hash": "", "path": "", "files_hash": "", "method": "sft", "state": "serving"}
        live = self.clock.at >= self._serves_after
        return [Lora(name="pirate", **made, live=live, changed_at=1.8e9, told_at=told)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bot", "live", "within"),
    [
        (Elsewhere(serves_after=45), True, (45, 46)),
        (Elsewhere(silent_after=20), False, (78, 79)),
        (Elsewhere(silent_after=0), False, (10, 11)),
    ],
    ids=["at work", "fell silent", "nobody"],
)
async def test_a_bot_whose_clock_is_behind_is_waited_for_as_long_as_it_says_something(
    config: Path, bot: Any, live: bool, within: tuple[float, float]
) -> None:
    (asked,) = await bot.list()
    found = await _heeded(_settings(config, config.parent), bot, asked, lambda _: None, lambda now: now.live)
    assert found.live is live
    assert within[0] <= bot.clock.at <= within[1]


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_base_and_version_are_tried_side_by_side(
    config: Path,
    adapter: Path,
    fake_python: Path,  # noqa: F811 -- the fixture
) -> None:
    config.write_text(config.read_text() + f'python = "{fake_python}"\n')
    lora(config, "add", adapter, "--name", "pirate")
    tried = lora(config, "try", "pirate", "who", "--json")
    assert json.loads(tried.output) == [{"prompt": "who", "base": "tiny", "version": "pirate"}]
    assert lora(config, "try", "pirate", "who").output == "› who\n  base    tiny\n  pirate  pirate\n"


def test_doctor_tells_what_is_wanted_and_what_could_not_be_until_the_base_is(
    config: Path, adapter: Path, tmp_path: Path
) -> None:
    lora(config, "add", adapter, "--name", "pirate")
    assert found_by_doctor(config) == []
    lora(config, "use", "pirate")
    assert found_by_doctor(config) == [("hint", "pirate is wanted: it comes in service when the bot runs")]
    asyncio.run(set_aside(load_settings([config]), "its files are gone"))
    assert found_by_doctor(config) == [("wrong", "its files are gone")]
    lora(config, "off")
    assert found_by_doctor(config) == []


def found_by_doctor(config: Path) -> list[tuple[str, str]]:
    findings = asyncio.run(findings_of(load_settings([config])))
    return [(finding.state, finding.found) for finding in findings]


async def findings_of(settings: Settings) -> list[Finding]:
    return [finding async for finding in _lora(settings)]


async def set_aside(settings: Settings, reason: str) -> None:
    async with visiting(settings) as bot:
        (version,) = await bot.loras.list()
        await bot.database.write(partial(loras.set_aside, version=version, reason=reason, now=bot.clock.now()))
