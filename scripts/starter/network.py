"""The network of the starter model: Qwen3 in plain PyTorch, with the parameter names of transformers' Qwen3ForCausalLM.

Training happens here and not in transformers because a small module compiles faster and the loss can skip every
position that is not an answer. Files and export formats are not known here (see export.py).
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Network", "Shape", "answer_loss", "look_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of the network; the defaults are those of the model in the box (2.7 M parameters)."""

    vocab: int = 2048
    width: int = 192
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    inner: int = 416
    theta: float = 10_000.0
    context: int = 2048

    def frequencies(self) -> Tensor:
        """Rotary frequencies, `[head / 2]`, fastest first."""
        return self.theta ** (-torch.arange(0, self.head, 2).float() / self.head)


class Norm(nn.Module):
    """Root-mean-square norm over the last dimension."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` scaled to unit mean square, times the weight."""
        return F.rms_norm(x, (x.size(-1),), self.weight.to(x.dtype), 1e-6)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.size(-1) // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Attention(nn.Module):
    """Grouped-query attention with normed queries and keys."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q_proj = _linear(shape.width, shape.heads * shape.head)
        self.k_proj = _linear(shape.width, shape.kv_heads * shape.head)
        self.v_proj = _linear(shape.width, shape.kv_heads * shape.head)
        self.o_proj = _linear(shape.heads * shape.head, shape.width)
        self.q_norm = Norm(shape.head)
        self.k_norm = Norm(shape.head)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the attended `x`, `[batch, time, width]`."""
        batch, time, _ = x.shape
        size = (batch, time, -1, self.shape.head)
        q = _rotate(self.q_norm(self.q_proj(x).view(size)).transpose(1, 2), cos, sin)
        k = _rotate(self.k_norm(self.k_proj(x).view(size)).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(size).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, time, -1))


class Mlp(nn.Module):
    """Gated feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = _linear(shape.width, shape.inner)
        self.up_proj = _linear(shape.width, shape.inner)
        self.down_proj = _linear(shape.inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[batch, time, width]`."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each on a normed copy."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = Norm(shape.width)
        self.post_attention_layernorm = Norm(shape.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return `x` after the layer."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Network(nn.Module):
    """Token ids in, hidden states out; the output matrix is the embedding (tied)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        for name, weight in self.layers.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(weight)  # every layer starts as the identity
            elif weight.dim() == 2:
                nn.init.normal_(weight, std=1 / math.sqrt(weight.size(1)))
        angles = torch.outer(torch.arange(shape.context).float(), shape.frequencies()).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        look_back(self)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the last hidden states, `[batch, time, width]`, for ids `[batch, time]`."""
        x = self.embed_tokens(ids)
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.bfloat16)
        cos, sin = (table[: ids.size(1)].to(x.dtype) for table in (self.cos, self.sin))
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


def answer_loss(network: Network, hidden: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy over the answer tokens only; `hidden` belongs to `ids[:, :-1]`."""
    keep = mask[:, 1:].reshape(-1).nonzero().squeeze(1)
    logits = F.linear(hidden.reshape(-1, hidden.size(-1))[keep], network.embed_tokens.weight)
    return F.cross_entropy(logits.float(), ids[:, 1:].reshape(-1)[keep])


@torch.no_grad()
def look_back(network: Network, steps: tuple[int, ...] = (1, 2, 3), fast: int = 5) -> None:
    """Let the first heads of layer 0 start out looking 1, 2 and 3 tokens back.

    That is the first half of an induction circuit, which copying needs; found by training it takes about half of the
    tokens of a short run. A constant component of the embedding feeds query and key, and the rotary phase of the
    `fast` quickest frequencies puts the offset in. The weights stay ordinary Qwen3 weights.
    """
    shape, attention = network.shape, network.layers[0].self_attn
    group, half = shape.heads // shape.kv_heads, shape.head // 2
    network.embed_tokens.weight[:, 0] = 0.1
    for kv in range(math.ceil(len(steps) / group)):
        first = kv * shape.head
        attention.k_proj.weight[first : first + shape.head] *= 0.02
        attention.k_proj.weight[first : first + fast, 0] = 1.0
    for index, step in enumerate(steps):
        first = index * shape.head
        angle = -step * shape.frequencies()[:fast]
        attention.q_proj.weight[first : first + shape.head] *= 0.02
        attention.q_proj.weight[first : first + fast, 0] = angle.cos()
        attention.q_proj.weight[first + half : first + half + fast, 0] = angle.sin()
        noise = torch.randn(shape.width, shape.head) / math.sqrt(shape.width)
        attention.o_proj.weight[:, first : first + shape.head] = noise * 0.5
    attention.q_norm.weight.fill_(1.6)
    attention.k_norm.weight.fill_(1.6)
