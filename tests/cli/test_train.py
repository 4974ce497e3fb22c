"""Training as a person meets it before anything runs, and what is listed afterwards. No torch here."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from botcore.cli import app
from botcore.cli.train.conduct import hash_of_base
from botcore.cli.train.lines import Lines
from botcore.errors import BotcoreError
from botcore.training.plan import SIZES, Plan
from botcore.training.runs import Record, Run, State, new_run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f'[bot]\ndata_dir = "{tmp_path}"\n[engine]\npython = "/nowhere/python"\n')
    return file


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("Some words.")
    return tmp_path / "texts"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that ended well, as far as its folder says."""
    run = new_run(tmp_path, "pretrain", Plan(texts=("t",), shape=SIZES["nano"], steps=30), at=0.0)
    lines = [{"kind": "step", "step": n, "loss": 5.0 - n} for n in range(4)]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run.folder / "samples.jsonl").write_text(json.dumps({"step": 3, "text": "Once\nupon"}) + "\n")
    run.change(state="done", metrics={"step": 3, "loss": 2.0, "perplexity": 7.4}, outputs={"model": "/m"})
    return run


def train(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments), "--config", str(config)])


def error_of(result: Result) -> str:
    assert isinstance(result.exception, BotcoreError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_an_empty_folder_is_one_line(config: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "an empty folder; put .txt" in error_of(train(config, "pretrain", tmp_path / "empty"))


def test_an_unknown_base_names_what_it_could_have_been(config: Path, texts: Path) -> None:
    said = error_of(train(config, "pretrain", texts, "--base", "some/model"))
    assert said.startswith("some/model is no base, as there is no run of that name: ")
    assert said.endswith("fetch it: botcore model get some/model")
    assert "is no base" in error_of(train(config, "pretrain", texts, "--base", texts))


def test_a_run_that_made_nothing_is_no_base_yet(config: Path, texts: Path, run: Run) -> None:
    assert "pretrain-1 has made no model yet" in error_of(train(config, "pretrain", texts, "--base", "pretrain-1"))


def test_a_run_that_made_an_adapter_is_no_base_until_it_is_merged(config: Path, texts: Path, run: Run) -> None:
    run.change(outputs={"adapter": "/a"})
    said = error_of(train(config, "pretrain", texts, "--base", "pretrain-1"))
    assert said.endswith("botcore train merge pretrain-1 makes one of it and its base")


def test_an_adapter_that_is_refused_is_not_merged(config: Path, run: Run) -> None:
    run.change(state="refused", reason="3 of 4 answers are empty", outputs={"adapter": "/a"})
    assert error_of(train(config, "merge", "pretrain-1")) == "pretrain-1 is refused: 3 of 4 answers are empty"


@pytest.mark.parametrize(("command", "state"), [("resume", "stopped"), ("merge", "done")])
def test_an_adapter_goes_with_the_weights_it_was_begun_on_and_no_others(
    config: Path, tmp_path: Path, command: str, state: State
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.safetensors").write_bytes(b"one")
    plan = Plan(base=str(base), lora=4)
    run = new_run(tmp_path, "sft", plan, at=0.0, base_hash=hash_of_base(plan))
    run.change(state=state, outputs={"adapter": "/a"})
    assert "/nowhere/python" in error_of(train(config, command, "sft-1"))
    (base / "model.safetensors").write_bytes(b"another")
    assert error_of(train(config, command, "sft-1")).startswith(f"{base} has other weights than when sft-1 began, and ")


def test_a_file_of_accelerate_that_is_not_there_is_named(config: Path, texts: Path) -> None:
    said = error_of(train(config, "pretrain", texts, "--accelerate", "/no.yaml"))
    assert said == "there is no file /no.yaml; `accelerate config --config_file /no.yaml` writes one"


def test_a_size_that_is_none_is_named(config: Path, texts: Path) -> None:
    said = train(config, "pretrain", texts, "--size", "huge")
    assert said.exit_code == 2
    assert "none of nano, tiny" in said.stderr


def test_without_an_engine_nothing_is_begun(config: Path, texts: Path) -> None:
    assert "/nowhere/python has no vLLM" in error_of(train(config, "pretrain", texts))
    assert train(config, "list").stdout == "There are no runs; botcore train pretrain FOLDER begins one.\n"


def test_a_run_that_is_done_or_unknown_is_not_resumed(config: Path, run: Run) -> None:
    assert "pretrain-1 is done; botcore train show" in error_of(train(config, "resume", "pretrain-1"))
    assert "there is no run x" in error_of(train(config, "resume", "x"))


def test_runs_are_listed_with_their_figures(config: Path, run: Run) -> None:
    line = train(config, "list").stdout
    assert line.split()[:2] == ["pretrain-1", "done"]
    assert line.endswith("from nothing     step 3, loss 2.000, perplexity 7.40\n")
    assert [row["id"] for row in json.loads(train(config, "list", "--json").stdout)] == ["pretrain-1"]


def test_of_a_run_that_learnt_nothing_only_what_it_made_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(as_json=False).end(Record(id="merge-1", kind="merge", state="done", outputs={"model": "/m"}))
    assert capsys.readouterr().out == "✓ merge-1: the model is in /m\n"


def test_one_is_shown_with_its_curve_and_what_it_writes(config: Path, run: Run) -> None:
    shown = train(config, "show", "pretrain-1").stdout
    assert "loss         5.000 █▆▃▁ 2.000" in shown
    assert "sample       Once upon" in shown
    assert "steps 30" in shown
    run.change(outputs={"model": "/m"})
    assert "\nmodel        /m\n" in train(config, "show", "pretrain-1").stdout
    told = json.loads(train(config, "show", "pretrain-1", "--json").stdout)
    assert (len(told["curve"]), told["samples"][0]["text"], told["metrics"]["perplexity"]) == (4, "Once\nupon", 7.4)
