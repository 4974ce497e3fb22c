"""Conversations as rows, made in the engine's environment: the same course however many processes write the text."""

import json
import os
import subprocess

import pytest

from botcore.engine.environment import PROJECT
from botcore.engine.model import STARTER
from tests.engine_python import PYTHON, needs_engine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(180),
    needs_engine,
]
ROWS = """
import hashlib, json, sys
import scripts.starter.bare
from dataclasses import replace
from pathlib import Path
from transformers import AutoTokenizer
from scripts.starter.rows import Conversations
from scripts.starter.sittings import SITTINGS, plan

def course(processes, start=0):
    told = plan(replace(SITTINGS[1], chunks=2), base="before", processes=processes)
    source = Conversations(told, Path())
    source.open(AutoTokenizer.from_pretrained(sys.argv[1]), first=True)
    return [(hashlib.sha256(b.ids.numpy().tobytes() + b.labels.numpy().tobytes()).hexdigest(), b.after, b.ids.numel())
            for b in source.batches(start)]

if __name__ == "__main__":
    alone = course(0)
    print(json.dumps({"alone": alone, "helped": course(2), "later": course(0, start=len(alone) - 3)}))
"""


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, float, int]]]:
    script = tmp_path_factory.mktemp("rows") / "courses.py"
    script.write_text(ROWS)
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([PYTHON, script, STARTER], capture_output=True, text=True, timeout=150, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[tuple[str, float, int]]] = json.loads(done.stdout)
    return found


def test_how_many_processes_write_the_text_does_not_change_it(courses: dict[str, list[tuple[str, float, int]]]) -> None:
    assert courses["helped"] == courses["alone"]


def test_a_run_that_goes_on_reads_what_it_would_have_read(courses: dict[str, list[tuple[str, float, int]]]) -> None:
    assert courses["later"] == courses["alone"][-3:]


def test_batches_are_full_and_the_last_one_ends_the_course(courses: dict[str, list[tuple[str, float, int]]]) -> None:
    _, after, sizes = zip(*courses["alone"], strict=True)
    assert all(7000 < size <= 8192 for size in sizes)
    assert list(after) == sorted(after)
    assert after[-1] == 1.0
