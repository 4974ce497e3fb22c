"""The mean of two models' weights: `python -m scripts.starter.blend BEFORE AFTER FOLDER`, in the engine environment.

BEFORE and AFTER are the models of two sittings, one on from the other; FOLDER gets AFTER's files with a quarter of
BEFORE's weights in them. A sitting that teaches refusals unlearns some answers, and the mean of both keeps more of
each than either has (model soups: https://arxiv.org/abs/2203.05482).
"""

import shutil
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

__all__ = ["AFTER", "blend"]

AFTER = 0.75
"""How much of the later model: of half, three quarters and all of it what answered and refused most, with two sittings."""
WEIGHTS = "model.safetensors"


def blend(before: Path, after: Path, into: Path) -> None:
    """Write the model whose weights lie between the two; added up in float32, stored as they were."""
    old, new = load_file(before / WEIGHTS), load_file(after / WEIGHTS)
    mean = {name: (old[name].float() * (1 - AFTER) + new[name].float() * AFTER).to(new[name].dtype) for name in new}
    with safe_open(after / WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    shutil.copytree(after, into, dirs_exist_ok=True)
    save_file(mean, into / WEIGHTS, metadata=metadata)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    blend(*map(Path, sys.argv[1:]))
