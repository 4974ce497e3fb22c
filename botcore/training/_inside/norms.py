"""Norms in one kernel each, for a GPU: written out they are eight, and a small model's step is mostly starting them."""

from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["fuse_norms"]


def fuse_norms(model: nn.Module) -> None:
    """Let RMS norms of Llama's kind (Qwen, Mistral, …) be PyTorch's own from now on; the weights stay as they are."""
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm") and hasattr(module, "variance_epsilon"):
            module.forward = MethodType(_normed, module)


def _normed(norm: Any, hidden: Tensor) -> Tensor:
    """In the input's precision, summed up in float32: autocast would make float32 of it, and two kernels more."""
    with torch.autocast(hidden.device.type, enabled=False):
        return F.rms_norm(hidden, norm.weight.shape, norm.weight.to(hidden.dtype), norm.variance_epsilon)
