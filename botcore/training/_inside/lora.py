"""LoRA with PEFT: small matrices beside the large ones, learnt alone; kept as an adapter, or merged into the base."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from botcore.errors import TrainingError
from botcore.training.plan import Plan

__all__ = ["lora_config", "merged", "with_lora"]


def lora_config(plan: Plan) -> LoraConfig:
    """Matrices of the plan's rank beside every linear layer, which is what vLLM can load."""
    return LoraConfig(r=plan.lora, lora_alpha=2 * plan.lora, target_modules="all-linear", task_type="CAUSAL_LM")


def with_lora(model: Any, plan: Plan) -> Any:
    """The adapter around the model, whose own weights stay as they are. The model itself now computes with both."""
    adapter = get_peft_model(model, lora_config(plan))
    adapter.peft_config["default"].base_model_name_or_path = plan.base
    return adapter


def merged(base: Path, adapter: Path) -> Any:
    """The base with the adapter added to its weights; computed in float32, in the base's own precision after that."""
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
        dtype = AutoConfig.from_pretrained(base, local_files_only=True).dtype or torch.float32
        whole = PeftModel.from_pretrained(model, adapter, local_files_only=True).merge_and_unload()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise TrainingError(f"{adapter} cannot be merged into {base}: {reason}") from None
    return whole.to(dtype)
