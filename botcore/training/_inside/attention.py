"""Attention written out, for a CPU: up to some hundred positions its fused kernel takes twice as long as two products.

The kernel never holds all the weights of a row's tokens for each other, which is what long rows need; they keep it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from botcore.training.memory import WRITTEN_OUT

__all__ = ["write_out"]

NAME = "botcore"


def write_out(model: Any) -> None:
    """Let layers that use the kernel use this from now on; what is saved of the model does not name it."""
    if model.config._attn_implementation != "sdpa":
        return
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **told: Any,
) -> tuple[Tensor, None]:
    """Of `[rows, heads, length, head]`; several heads of queries share one of keys without a copy of it."""
    rows, heads, length, head = query.shape
    plain = key.size(2) == length and not dropout and told.get("position_bias") is None
    if length > WRITTEN_OUT or not plain:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **told
        )
    shared, dtype = key.size(1), value.dtype
    seen = torch.ones(length, length, dtype=torch.bool).tril() if attention_mask is None else attention_mask
    asked = (query * (scaling or head**-0.5)).to(dtype).reshape(rows, shared, -1, head)
    scores = (asked @ key.to(dtype).mT).view(rows, shared, -1, length, length).float()
    scores = scores.masked_fill(~seen.unsqueeze(-3), torch.finfo(torch.float32).min)
    weights = scores.softmax(-1).to(dtype).view(rows, shared, -1, length)
    found = (weights @ value).view(rows, heads, length, head)
    return found.transpose(1, 2).contiguous(), None
