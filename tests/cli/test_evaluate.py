"""`botcore eval model` as a person meets it, before anything runs and afterwards. No torch here."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from botcore.cli import app
from botcore.cli.evaluate import _adapter, _show
from botcore.errors import BotcoreError, TrainingError
from botcore.settings import load_settings
from botcore.training.evaluations import changes
from botcore.training.plan import Plan
from botcore.training.runs import new_run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f'[bot]\ndata_dir = "{tmp_path / "data"}"\n[engine]\npython = "/nowhere/python"\n')
    return file


def evaluated(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["eval", "model", *map(str, arguments), "--config", str(config)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/model"], "botcore model get no/model"),
        (["--base", "eval-9"], "there is no evaluation eval-9; there are: none yet"),
        (["--questions", "/nowhere.jsonl"], "there is no file /nowhere.jsonl"),
        (["--texts", "/nowhere"], "there is no folder or file /nowhere"),
        (["--lora", "sft-7"], "sft-7 is no LoRA version, no run that made one, and no adapter's folder"),
        ([], "/nowhere/python"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_makes_no_folder(
    config: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    result = evaluated(config, *arguments)
    assert isinstance(result.exception, BotcoreError), result.output
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (tmp_path / "data" / "evaluations").exists()


def test_a_version_of_the_bots_own_is_found_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "loras" / "kind-1"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    settings = load_settings((), flags={"bot.data_dir": str(tmp_path)})
    assert _adapter(settings, "kind-1") == str(folder)
    assert _adapter(settings, str(folder)) == str(folder)


def test_an_adapter_that_was_made_for_other_weights_is_not_measured_on_these(config: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path / "data", "sft", Plan(base="/models/other"), at=0.0, base_hash="abc")
    adapter = run.folder / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    run.change(state="done", outputs={"adapter": str(adapter)})
    error = evaluated(config, "--lora", "sft-1").exception
    assert isinstance(error, TrainingError)
    assert str(error).startswith("sft-1 was made for /models/other, and ")
    assert str(error).endswith("has other weights; botcore eval model /models/other")


def test_figures_stand_beside_those_before(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"quote": {"right": 3, "of": 4, "share": 0.75}, "story": {"words": 30.0}, "perplexity": 12.5}
    now = {"id": "eval-2", "name": "sft-1", "set_hash": "a", "seconds": 3.2, "figures": figures}
    before = {**now, "id": "eval-1", "name": "starter", "figures": {**figures, "perplexity": 20.0}}
    _show(now, before, {one.name: one for one in changes(now, before)})
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert shown[0] == "✓ eval-2: sft-1 beside eval-1 (starter), 3 s"
    assert "quotes right 75.0% 3/4 was 75.0%" in shown
    assert "perplexity 12.50 was 20.00 better" in shown


def test_a_broken_question_is_named_with_its_line(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text(json.dumps({"kind": "story", "ask": "Go."}) + "\n{\n")
    result = evaluated(config, "--questions", tmp_path / "mine.jsonl")
    assert str(result.exception).endswith("mine.jsonl:2: no JSON")
