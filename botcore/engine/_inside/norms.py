"""RMS norms of a CPU by vLLM's own kernels.

vLLM 0.32 has these kernels for CPUs too but uses them on GPUs only, and puts a norm together from six operations of
torch: 45 us instead of 11, twenty-five times a token in the model in the box.
"""

from typing import Any

import torch
from torch import Tensor
from vllm import ir
from vllm.config.kernel import IrOpPriorityConfig
from vllm.platforms import current_platform

__all__ = ["use_kernels"]

PROVIDER = "botcore"
VECTOR = 8
"""Numbers the kernels take at a time; they refuse a width that is no multiple of it."""


def use_kernels() -> None:
    """From now on vLLM chooses them before its own composition, where an input fits."""
    if not current_platform.is_cpu() or PROVIDER in ir.ops.rms_norm.impls:
        return
    current_platform.import_kernels()
    ir.ops.rms_norm.register_impl(PROVIDER, supports_args=_fits)(_norm)
    ir.ops.fused_add_rms_norm.register_impl(PROVIDER, supports_args=_both_fit, inplace=True)(_add_and_norm)
    order = [PROVIDER, "native"]
    kernels = IrOpPriorityConfig.with_default(["native"], rms_norm=order, fused_add_rms_norm=order)
    composed = current_platform.get_default_ir_op_priority

    def chosen(_: Any, config: Any) -> IrOpPriorityConfig:
        eager = config.model_config is not None and config.model_config.enforce_eager
        return kernels if eager else composed(config)  # a compiler makes one kernel of the composition anyway

    type(current_platform).get_default_ir_op_priority = classmethod(chosen)


def _norm(x: Tensor, weight: Tensor | None, epsilon: float, variance_size: int | None = None) -> Tensor:
    x = x.contiguous()  # queries and keys are slices of one matrix; the kernel knows no strides
    normed = torch.empty_like(x)
    torch.ops._C.rms_norm(normed, x, weight, epsilon)
    return normed


def _add_and_norm(
    x: Tensor, x_residual: Tensor, weight: Tensor | None, epsilon: float, variance_size: int | None = None
) -> tuple[Tensor, Tensor]:
    torch.ops._C.fused_add_rms_norm(x, x_residual, weight, epsilon)
    return x, x_residual


def _fits(x: Tensor, weight: Tensor | None, epsilon: float, variance_size: int | None = None) -> bool:
    plain = variance_size is None and weight is not None and weight.dtype == x.dtype
    return plain and x.shape[-1] % VECTOR == 0


def _both_fit(
    x: Tensor, x_residual: Tensor, weight: Tensor | None, epsilon: float, variance_size: int | None = None
) -> bool:
    alike = x_residual.dtype == x.dtype and x_residual.is_contiguous() and x.is_contiguous()
    return alike and _fits(x, weight, epsilon, variance_size)
