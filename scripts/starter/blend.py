"""The mean of two models' weights: `python -m scripts.starter.blend BEFORE AFTER FOLDER [SHARE]`, with the engine's Python.

BEFORE and AFTER are the models of two sittings, one on from the other; FOLDER gets AFTER's files, with SHARE of its
weights (half, unless told otherwise) and the rest of BEFORE's. A sitting that teaches to answer unlearns some refusals,
and the mean of both keeps more of each than either has (model soups: https://arxiv.org/abs/2203.05482).
"""

import shutil
import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

__all__ = ["AFTER", "blend"]

AFTER = 0.5
"""How much of the later model. A third and two thirds were as good within noise, all of it was worse."""
WEIGHTS = "model.safetensors"


def blend(before: Path, after: Path, into: Path, share: float = AFTER) -> None:
    """Write the model whose weights lie between the two; added up in float32, stored as they were."""
    old, new = load_file(before / WEIGHTS), load_file(after / WEIGHTS)
    mean = {name: (old[name].float() * (1 - share) + new[name].float() * share).to(new[name].dtype) for name in new}
    with safe_open(after / WEIGHTS, framework="pt") as file:
        metadata = file.metadata()
    shutil.copytree(after, into, dirs_exist_ok=True)
    save_file(mean, into / WEIGHTS, metadata=metadata)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    blend(*map(Path, sys.argv[1:4]), *map(float, sys.argv[4:]))
