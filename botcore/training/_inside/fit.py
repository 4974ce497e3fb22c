"""What does not fit the base, the devices or the memory is refused before anything large is loaded."""

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedType

from botcore.errors import TrainingError
from botcore.ram import memory
from botcore.training._inside.learner import parameters_of
from botcore.training.memory import needed, refusal
from botcore.training.plan import Plan

__all__ = ["fit"]


def fit(plan: Plan, config: Any, accelerator: Accelerator) -> None:
    """Nothing, where the run can be. Raises `TrainingError` with the arithmetic and the next step where it cannot."""
    world = accelerator.num_processes
    if plan.batch < world:
        raise TrainingError(f"--batch {plan.batch} is less than the {world} devices there are")
    window = getattr(config, "max_position_embeddings", 0) or plan.context
    if plan.context > window:
        raise TrainingError(f"--context {plan.context} is more than the model's {window} positions")
    parameters = _parameters(plan)
    sizes = {"layers": config.num_hidden_layers, "width": config.hidden_size, "vocab": config.vocab_size}
    gpu = accelerator.device.type == "cuda"
    model, rows = needed(plan, parameters, **sizes, heads=0 if gpu else config.num_attention_heads, devices=world)
    free = torch.cuda.mem_get_info()[0] if gpu else memory()[1] // world
    shared = world if accelerator.distributed_type == DistributedType.FSDP else 1
    if why := refusal(plan, parameters, model=model // shared, rows=rows, free=free, devices=world):
        raise TrainingError(why)


def _parameters(plan: Plan) -> int:
    if plan.base:
        return parameters_of(Path(plan.base))
    assert plan.shape
    return plan.shape.parameters
