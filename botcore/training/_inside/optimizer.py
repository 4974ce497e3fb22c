"""AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest.

Muon: https://kellerjordan.github.io/posts/muon/ (momentum, then the update matrix is made orthogonal by five
Newton-Schulz steps). At a few million parameters it needs clearly fewer tokens than AdamW alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from botcore.training.plan import Plan

__all__ = ["Muon", "optimizers", "set_rate"]


OUTSIDE = ("embed", "wte", "wpe", "lm_head")
"""Parts of the names of matrices that are tables and stay with AdamW."""


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
    """Momentum whose update is orthogonalised, and decay beside it; for two-dimensional weights only."""

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update every parameter once; equal shapes are orthogonalised together, which is what makes it cheap."""
        for group in self.param_groups:
            same: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                same[weight.shape].append(weight)
            for size, weights in same.items():
                updates = _orthogonal(torch.stack(self._momenta(weights, group["momentum"])))
                scale = max(1.0, size[0] / size[1]) ** 0.5
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(weights, updates.unbind(), alpha=-group["lr"] * scale)

    def _momenta(self, weights: list[nn.Parameter], keep: float) -> Sequence[Tensor]:
        grads = [weight.grad for weight in weights if weight.grad is not None]
        means = [self.state[weight].setdefault("mean", torch.zeros_like(weight)) for weight in weights]
        torch._foreach_lerp_(means, grads, 1 - keep)
        return torch._foreach_lerp(grads, means, keep)


def optimizers(learner: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """What the plan asks for; each group keeps its peak rate for `set_rate`."""
    named = [(name, weight) for name, weight in learner.named_parameters() if weight.requires_grad]
    made = _muon(named, plan) if plan.optimizer == "muon" else [_adam(named, plan)]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def _muon(named: list[tuple[str, nn.Parameter]], plan: Plan) -> list[torch.optim.Optimizer]:
    inside = {name for name, weight in named if weight.dim() == 2 and not any(word in name for word in OUTSIDE)}
    matrices = [weight for name, weight in named if name in inside]
    others = [(name, weight) for name, weight in named if name not in inside]
    return [Muon(matrices, lr=plan.matrix_rate, weight_decay=plan.weight_decay), _adam(others, plan)]


def _adam(named: list[tuple[str, nn.Parameter]], plan: Plan) -> torch.optim.Optimizer:
    """Norms and biases do not decay."""
    matrices = [weight for _, weight in named if weight.dim() >= 2]
    vectors = [weight for _, weight in named if weight.dim() < 2]
    groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    filled = [group for group in groups if group["params"]]
    return torch.optim.AdamW(filled, lr=plan.rate, betas=(0.9, 0.95), fused=True)


def set_rate(made: list[torch.optim.Optimizer], share: float) -> float:
    """Set every learning rate to ``share`` of its peak; the last group's."""
    for optimizer in made:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share
    return float(made[-1].param_groups[-1]["lr"])
