"""The whole state of a run on the disk and back: model, optimizers, random numbers, place in the data, the loss so far.

    checkpoint/step-0000200/   state.safetensors    every tensor
                               state.json           everything else

Safetensors and JSON, no pickle. A folder has its name only when it is whole, and the one before goes after that; so
`kill -9` at any moment leaves one that is whole. Of a run over several GPUs the first process writes for all.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from botcore.training.whole import UNFINISHED, whole_folder

__all__ = ["Checkpoints"]

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
"""Frozen weights are the base's, and stay in its files."""
FULL = StateDictOptions(full_state_dict=True, strict=False)
"""Not strict: the second name of a tied matrix is not in the file."""


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(
        self, folder: Path, accelerator: Accelerator, learner: Any, optimizers: Sequence[torch.optim.Optimizer]
    ) -> None:
        self._home = folder / "checkpoint"
        self._accelerator = accelerator
        self._learner = learner
        self._optimizers = optimizers

    def save(self, step: int, place: dict[str, Any]) -> None:
        """Write the state after ``step`` steps; all processes of the run take part."""
        tensors = self._state()
        if self._accelerator.is_main_process:
            with whole_folder(self._home / f"step-{step:07}") as draft:
                save_file(tensors, draft / "state.safetensors")
                (draft / "state.json").write_text(json.dumps({**place, "step": step}), encoding="utf-8")
            for older in self._all()[:-1]:
                shutil.rmtree(older)
        self._accelerator.wait_for_everyone()

    def restore(self) -> dict[str, Any]:
        """Take up the newest state: what `save` was given as ``place``, with ``step``; empty where there is none."""
        if not (found := self._all()):
            return {}
        self._take(load_file(found[-1] / "state.safetensors"))
        place: dict[str, Any] = json.loads((found[-1] / "state.json").read_text(encoding="utf-8"))
        return place

    def weights(self) -> dict[str, Tensor]:
        """The model's weights in full, by the model's own names."""
        return _apart({name.removeprefix("model."): tensor for name, tensor in self._model().items()})

    def _all(self) -> list[Path]:
        return sorted(path for path in self._home.glob("step-*") if not path.name.endswith(UNFINISHED))

    def _state(self) -> dict[str, Tensor]:
        state = _named("model", self._model())
        for index, optimizer in enumerate(self._optimizers):
            found: Any = get_optimizer_state_dict(self._learner, optimizer, options=WHOLE)
            for weight, values in found.get("state", {}).items():  # nothing but in the first process
                state |= _named(f"optimizer{index}/{weight}", values)
        return _apart(state | _named("random", _random()))

    def _model(self) -> dict[str, Any]:
        """Without second names of one matrix (a tied output matrix): what comes from a GPU is a copy for each name."""
        second = _second_names(self._accelerator.unwrap_model(self._learner))
        state = get_model_state_dict(self._learner, options=WHOLE)
        return {name: tensor for name, tensor in state.items() if name not in second}

    def _take(self, tensors: dict[str, Tensor]) -> None:
        set_model_state_dict(self._learner, _of("model", tensors), options=FULL)
        for index, optimizer in enumerate(self._optimizers):
            # The groups' own values (rates, decay) are the plan's, and made anew.
            groups: Any = get_optimizer_state_dict(self._learner, optimizer)["param_groups"]
            state = {"state": _nested(_of(f"optimizer{index}", tensors)), "param_groups": groups}
            set_optimizer_state_dict(self._learner, optimizer, state, options=FULL)
        _take_random(_of("random", tensors))


def _second_names(learner: nn.Module) -> set[str]:
    seen = set[nn.Parameter]()
    second = set[str]()
    for name, weight in learner.named_parameters(remove_duplicate=False):
        if weight in seen:
            second.add(name.replace("_fsdp_wrapped_module.", ""))
        seen.add(weight)
    return second


def _named(part: str, state: dict[str, Any]) -> dict[str, Tensor]:
    return {f"{part}/{name}": value for name, value in state.items() if isinstance(value, Tensor)}


def _of(part: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{part}/")}


def _nested(flat: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Of each weight the optimizer's values by their names."""
    nested = defaultdict[str, dict[str, Tensor]](dict)
    for name, value in flat.items():
        weight, _, key = name.rpartition("/")
        nested[weight][key] = value
    return dict(nested)


def _apart(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without second names of the same memory, which safetensors refuses."""
    seen = set[int]()
    kept = dict[str, Tensor]()
    for name, tensor in state.items():
        if tensor.numel() and tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        kept[name] = tensor.detach().cpu().contiguous()
    return kept


def _random() -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def _take_random(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
