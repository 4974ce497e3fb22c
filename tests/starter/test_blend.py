"""The mean of two models, made in the engine's environment."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from botcore.engine.environment import PROJECT
from botcore.engine.model import STARTER
from tests.engine_python import PYTHON, needs_engine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(120),
    needs_engine,
]
TWICE = """
import sys
from safetensors.torch import load_file, save_file
weights = load_file(sys.argv[1])
save_file({name: 2 * weight for name, weight in weights.items()}, sys.argv[1], metadata={"format": "pt"})
"""
COMPARED = """
import json, sys
from safetensors.torch import load_file
once, mean = ({name: weight.float() for name, weight in load_file(path).items()} for path in sys.argv[1:3])
off = [((mean[name] - float(sys.argv[3]) * once[name]).abs().max() / once[name].abs().max()).item() for name in once]
print(json.dumps(max(off)))
"""
BF16 = 2**-7
"""Of the largest number, at most; half of it is what is rounded away at nearly twice the size."""


def python(*arguments: str | Path) -> str:
    done = subprocess.run([PYTHON, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize(("share", "size"), [((), "1.5"), (("0.75",), "1.75")])
def test_the_mean_has_half_of_the_later_model_or_what_is_told_and_its_files(
    share: tuple[str, ...], size: str, tmp_path: Path
) -> None:
    later, mean = tmp_path / "later", tmp_path / "mean"
    shutil.copytree(STARTER, later)
    python("-c", TWICE, later / "model.safetensors")
    python("-m", "scripts.starter.blend", STARTER, later, mean, *share)
    off = json.loads(python("-c", COMPARED, STARTER / "model.safetensors", mean / "model.safetensors", size))
    assert off < BF16
    assert (mean / "tokenizer.json").read_bytes() == (later / "tokenizer.json").read_bytes()
