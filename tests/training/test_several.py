"""Several devices, over which FSDP cuts the model, learn what one does."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import botcore
from botcore.engine.model import STARTER
from botcore.training import conduct
from botcore.training.jsonl import lines_of
from botcore.training.plan import SIZES, Plan
from botcore.training.runs import Run, new_run
from tests.engine_python import PYTHON, needs_engine

SCRIPT = Path(__file__).with_name("sharded.py")
STEPS = 12
PLAN = Plan(
    shape=replace(SIZES["nano"], vocab=300, context=64), context=32, batch=4, steps=STEPS, warmup=3, rate=3e-3,
    precision="fp32", held_out=0.1, eval_every=6, save_every=4, log_every=1, samples=1, threads=1,
)  # fmt: skip

pytestmark = [pytest.mark.engine, needs_engine]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    folder = tmp_path_factory.mktemp("several")
    text = folder / "text.txt"
    text.write_text("".join(f"{n} foxes see the sea, and {n % 7} of them sing.\n" for n in range(200)))

    def make(**changes: Any) -> Run:
        return new_run(folder / "runs", "pretrain", replace(PLAN, texts=(str(text),), **changes), at=0.0)

    return make


@pytest.fixture(scope="module")
def alone(server: Any, new: Callable[..., Run]) -> Run:
    run = new()
    assert server.train(run)["state"] == "done"
    return run


def sharded(*runs: str) -> str:
    """Train these; what was printed."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [str(PYTHON), *launcher, str(SCRIPT), str(Path(botcore.__file__).parent), *runs]
    environment = conduct.environment(Plan(threads=1), os.environ)
    done = subprocess.run(
        command, env=environment, timeout=120, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.stdout


def curve(run: Run) -> list[float]:
    lines = [line for line in lines_of(run.folder / "metrics.jsonl") if line["kind"] == "step"]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    return [line["loss"] for line in lines]


def test_a_model_cut_over_two_processes_has_the_curve_of_one(server: Any, alone: Run, new: Callable[..., Run]) -> None:
    base = {"base": str(STARTER), "shape": None, "rate": 3e-4}
    run, killed, straight = new(), new(**base), new(**base)
    sharded(str(run.folder), f"{killed.folder}:8")
    assert curve(run) == pytest.approx(curve(alone), abs=1e-4)
    sizes = [(one.model / "model.safetensors").stat().st_size for one in (run, alone)]
    assert sizes[0] == sizes[1]
    assert "going on after step 8" in sharded(str(killed.folder))
    assert server.train(straight)["state"] == "done"
    assert curve(killed) == pytest.approx(curve(straight), abs=1e-3)


def test_what_cannot_be_cut_is_one_line(new: Callable[..., Run]) -> None:
    matrices, adapter = new(optimizer="muon"), new(base=str(STARTER), shape=None, lora=4)
    said = sharded(str(matrices.folder), str(adapter.folder))
    assert "muon needs whole matrices and FSDP cuts them; take --optimizer adamw" in said
    assert "an adapter is small and FSDP cuts it; leave --accelerate out, or take --full" in said
    assert "Traceback" not in said
