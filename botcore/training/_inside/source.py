"""What gives rows to learn from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from botcore.training.plan import Plan

__all__ = ["IGNORE", "Batch", "MakeSource", "Source"]

IGNORE = -100
"""The label of a token that nothing is learnt from; PyTorch's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The rows of one step, for all devices together."""

    ids: Tensor
    """`[rows, length]`, int64."""
    labels: Tensor
    """`[rows, length]`: the token that follows each, or `IGNORE`."""
    positions: Tensor | None = None
    """`[rows, length]`, beginning anew with each document: attention stays within it. None = a row is one document."""
    after: float
    """The share of the run (0 to 1) that lies behind once this is learnt."""
    tokens: int
    """How many this batch counts."""


class Source(Protocol):
    """Rows in an order that the plan alone decides: the same again after a crash."""

    def vocabulary(self) -> Iterator[str]:
        """Texts to train a tokenizer on."""
        ...

    def open(self, tokenizer: Any, *, first: bool) -> dict[str, Any]:
        """Make ready; the data card. Of several processes ``first`` is true in one, which prepares for all."""
        ...

    def batches(self, start: int) -> Iterator[Batch]:
        """The run's batches from number ``start`` on."""
        ...

    def held_out(self) -> Iterator[Batch]:
        """What is only looked at; bounded."""
        ...

    def prompts(self) -> list[list[int]]:
        """Beginnings for the samples."""
        ...


MakeSource = Callable[[Plan, Path], Source]
"""What ``Plan.source`` names: from the plan and the run's folder to a source."""
