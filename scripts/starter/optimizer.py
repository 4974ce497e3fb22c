"""The optimizers of the starter model: Muon for matrices, AdamW for the embedding and the norms.

Muon: https://kellerjordan.github.io/posts/muon/ (momentum, then the update matrix is made orthogonal by five
Newton-Schulz steps). At this size it needs clearly fewer tokens than AdamW alone.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["Muon", "optimizers", "set_rate"]


def _orthogonal(batch: Tensor) -> Tensor:
    x = batch.bfloat16()
    tall = x.size(-2) > x.size(-1)
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum whose update is orthogonalised; for two-dimensional weights only."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter once; equal shapes are orthogonalised together, which is what makes it cheap."""
        for group in self.param_groups:
            same: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                same[weight.shape].append(weight)
            for size, weights in same.items():
                updates = _orthogonal(torch.stack([self._momentum(w, group["momentum"]) for w in weights]))
                scale = max(1.0, size[0] / size[1]) ** 0.5
                for weight, update in zip(weights, updates, strict=True):
                    weight.add_(update, alpha=-group["lr"] * scale)

    def _momentum(self, weight: nn.Parameter, keep: float) -> Tensor:
        assert weight.grad is not None
        state = self.state[weight]
        mean = state.setdefault("mean", torch.zeros_like(weight))
        mean.lerp_(weight.grad, 1 - keep)
        return weight.grad.lerp(mean, keep)


def optimizers(network: nn.Module, *, matrix_rate: float, other_rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the layers and AdamW for everything else."""
    named = list(network.named_parameters())
    matrices = [p for name, p in named if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in named if p.dim() != 2 or "embed" in name]
    adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    both: list[torch.optim.Optimizer] = [Muon(matrices, lr=matrix_rate), adam]
    for optimizer in both:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return both


def set_rate(both: list[torch.optim.Optimizer], share: float) -> None:
    """Set every learning rate to `share` of its peak."""
    for optimizer in both:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
