"""Conducting a run with a trainer of a few lines: what it says is heard and kept, however it ends."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.errors import TrainingError
from botcore.training.conduct import conduct
from botcore.training.plan import SIZES, Plan
from botcore.training.progress import Event, encode
from botcore.training.runs import Run, new_run
from tests.disk import no_more_than

STEP = encode("step", step=5, loss=2.5, tokens=100, speed=10.0, progress=0.5, left=1.0)
DATA = encode("data", hash="abc", documents=3, skipped=1, tokens=9, held_out_tokens=0)
END = encode("end", state="done", reason="", outputs={"model": "/m"})
SAY = "for line in {lines!r}: print(line, flush=True)\n"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path, "pretrain", Plan(texts=("t",), shape=SIZES["nano"]), at=1.0)


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a Python that runs the guard as it is, and this code in the place of the trainer."""

    def make(code: str) -> Path:
        (tmp_path / "trainer.py").write_text("import os, sys, time\nfolder = sys.argv[2]\n" + code)
        path = tmp_path / "python"
        guard = f'[ "$1" = -I ] && exec {sys.executable} "$@"'
        path.write_text(f'#!/bin/sh\n{guard}\nexec {sys.executable} {tmp_path / "trainer.py"} "$@"\n')
        path.chmod(0o755)
        return path

    return make


async def conducted(run: Run, python: Path, stop: asyncio.Event | None = None) -> tuple[str, str, list[str]]:
    heard = list[str]()
    record = await conduct(
        run, python, clock=SystemClock(), heard=lambda event: heard.append(event["event"]), stop=stop or asyncio.Event()
    )
    assert run.read() == record
    return record.state, record.reason, heard


async def test_what_the_trainer_says_is_heard_and_kept(run: Run, trainer: Callable[[str], Path]) -> None:
    python = trainer(SAY.format(lines=["a library's line", DATA, STEP, END]))
    assert await conducted(run, python) == ("done", "", ["data", "step", "end"])
    record = run.read()
    assert (record.data, record.metrics["step"], record.metrics["skipped"], record.outputs) == (
        "abc",
        5,
        1,
        {"model": "/m"},
    )
    assert record.ended > record.began
    assert "a library's line" in (run.folder / "log").read_text()


async def test_a_stop_reaches_the_trainer_as_a_note_in_the_runs_folder(
    run: Run, trainer: Callable[[str], Path]
) -> None:
    stopped = encode("end", state="stopped", reason="asked to stop")
    waits = f"print({STEP!r}, flush=True)\nwhile not os.path.exists(folder + '/stop'): time.sleep(0.01)\n"
    stop = asyncio.Event()
    heard = list[str]()

    def hear(event: object) -> None:
        heard.append(str(event))
        stop.set()

    python = trainer(waits + SAY.format(lines=[stopped]))
    record = await conduct(run, python, clock=SystemClock(), heard=hear, stop=stop)
    assert (record.state, record.reason) == ("stopped", "asked to stop")


async def test_an_old_note_does_not_stop_a_resumed_run(run: Run, trainer: Callable[[str], Path]) -> None:
    run.stop_note.touch()
    code = f"assert not os.path.exists(folder + '/stop')\nprint({END!r})"
    assert (await conducted(run, trainer(code)))[0] == "done"


async def test_a_trainer_that_dies_without_a_word_is_quoted(run: Run, trainer: Callable[[str], Path]) -> None:
    state, reason, _ = await conducted(run, trainer("sys.exit('ValueError: odd weights')"))
    assert state == "failed"
    assert reason.startswith("the trainer ended with 1: ValueError: odd weights; all of it: ")
    assert reason.endswith("/log")


async def test_where_a_state_was_saved_the_next_step_is_to_go_on(run: Run, trainer: Callable[[str], Path]) -> None:
    (run.folder / "checkpoint").mkdir()
    _, reason, _ = await conducted(run, trainer("sys.exit('ValueError: odd weights')"))
    assert reason.endswith(f"/log; botcore train resume {run.id} goes on from the last state saved")


async def test_a_killed_trainer_is_told_as_killed(run: Run, trainer: Callable[[str], Path]) -> None:
    state, reason, _ = await conducted(run, trainer("os.kill(os.getpid(), 9)"))
    assert state == "failed"
    assert reason.startswith("the trainer was killed (signal 9), by hand or because memory ran out; all of it: ")


@pytest.mark.parametrize(
    ("state", "said"),
    [("failed", "the disk is full"), ("done", "nothing that was saved is lost: botcore train resume ")],
)
async def test_a_full_disk_is_one_line_and_the_run_can_be_gone_on_with(
    run: Run, trainer: Callable[[str], Path], state: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run.lessons.mkdir()
    whose = '{"whose": {"people": [["web", "ana"]], "conversations": []}}\n'
    (run.lessons / "sft.jsonl").write_text(whose)
    end = encode("end", state=state, reason="the disk is full" if state == "failed" else "", outputs={})
    python = trainer(SAY.format(lines=[encode("stage", text="begins"), "a library's line", DATA, STEP, end]))
    heard = list[str]()
    with ExitStack() as disk:

        def hear(event: Event) -> None:
            if not heard:
                disk.enter_context(no_more_than(20))
            heard.append(event["event"])

        record = await conduct(run, python, clock=SystemClock(), heard=hear, stop=asyncio.Event())
    assert (record.state, heard, capfd.readouterr().err) == ("failed", ["stage", "data", "step", "end"], "")
    assert said in record.reason
    assert "\n" not in record.reason
    assert run.lessons.is_dir()
    assert run.read().state == "interrupted"
    assert (await conducted(run, trainer(SAY.format(lines=[END]))))[0] == "done"
    assert not run.lessons.exists()
    assert run.whose.read_text() == whose


async def test_a_run_that_runs_cannot_be_conducted_twice(run: Run, trainer: Callable[[str], Path]) -> None:
    with run.alone(), pytest.raises(TrainingError, match="is running already"):
        await conducted(Run(run.folder), trainer(""))


async def test_the_bots_secrets_do_not_reach_the_trainer(
    run: Run, trainer: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_HTTP__KEY", "secret")
    await conducted(run, trainer("import json; print(json.dumps(dict(os.environ)))"))
    told = json.loads(next(line for line in (run.folder / "log").read_text().splitlines() if line.startswith("{")))
    assert not [name for name in told if name.startswith("BOTCORE_")]
    assert (told["HF_HUB_OFFLINE"], told["PYTHONSAFEPATH"]) == ("1", "1")
