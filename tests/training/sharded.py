"""Trains runs by processes over which FSDP cuts the model: under torchrun, ``sharded.py BOTCORE_FOLDER RUN[:STEP]…``.

accelerate shards over GPUs alone. Here it takes processes on a CPU for devices of a kind it shards over, so what is
trained, saved and resumed goes through the real FSDP, version 2, with gloo between them. The first process kills itself
as soon as it has saved the state of ``STEP``.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

bare = ModuleType("botcore")
bare.__path__ = [sys.argv[1]]
sys.modules["botcore"] = bare

from accelerate import DistributedType, PartialState  # noqa: E402
from accelerate.state import AcceleratorState  # noqa: E402

main = importlib.import_module("botcore.training._inside.main")
loop = importlib.import_module("botcore.training._inside.loop")

# What `accelerate launch` sets for a file in which FSDP, version 2, was chosen and all else left as it was.
os.environ |= {
    "ACCELERATE_USE_CPU": "true",
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}


def sharding(begin: Callable[..., None]) -> Callable[..., None]:
    """Its state, where processes on a CPU count as devices of a kind that accelerate shards over."""

    def begun(self: Any, *words: Any, **told: Any) -> None:
        begin(self, *words, **told)
        if self.distributed_type == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_XPU

    return begun


def dying(save: Callable[[Any], None], at: int) -> Callable[[Any], None]:
    """`Loop._save`, and the end after this step."""

    def saved(self: Any) -> None:
        save(self)
        if self.step == at and not int(os.environ["RANK"]):
            os.kill(os.getpid(), signal.SIGKILL)

    return saved


def train(folder: Path, at: int) -> None:
    """One run; what the one before left in accelerate is gone."""
    AcceleratorState._reset_state(reset_partial_state=True)
    plain, loop.Loop._save = loop.Loop._save, dying(loop.Loop._save, at)
    main.main(folder)
    loop.Loop._save = plain


PartialState.__init__ = sharding(PartialState.__init__)
for name in sys.argv[2:]:
    run, _, at = name.partition(":")
    train(Path(run), int(at or -1))
