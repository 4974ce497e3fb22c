"""Rows from folders of text: documents to tokens once, kept beside the run, then packed.

The tokens stay in the run's folder, so a resumed run learns what it began with, whatever became of the folders.
"""

import dataclasses
import json
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from botcore.errors import TrainingError
from botcore.training._inside.source import IGNORE, Batch
from botcore.training.packing import Packing, Piece, split
from botcore.training.plan import Plan
from botcore.training.texts import Card, Reader
from botcore.training.whole import whole_folder

__all__ = ["Texts"]

AT_ONCE = 256
"""Documents tokenised together."""
HELD_OUT_ROWS = 128
"""At most so many are looked at."""
PROMPT = 12
"""Tokens of a held-out document that a sample begins with."""


class Texts:
    """A `Source`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder / "data"
        self._tokens: Any = None
        self._held: list[Piece] = []
        self._steps = 0

    def vocabulary(self) -> Iterator[str]:
        """See `Source`."""
        return Reader(self._plan.texts).documents()

    def open(self, tokenizer: Any, *, first: bool) -> dict[str, Any]:
        """See `Source`."""
        if first and not self._folder.is_dir():
            self._prepare(tokenizer)
        self._tokens = numpy.memmap(self._folder / "tokens.bin", dtype=numpy.uint32, mode="r")
        lengths = numpy.fromfile(self._folder / "lengths.bin", dtype=numpy.uint32).tolist()
        plan = self._plan
        train, self._held = split(lengths, plan.held_out, plan.seed)
        self._packing = Packing(train, plan.context, seed=plan.seed)
        self._steps = plan.steps or max(1, round(plan.epochs * self._packing.rows / plan.batch))
        card: dict[str, Any] = json.loads((self._folder / "card.json").read_text(encoding="utf-8"))
        held = sum(one.stop - one.start for one in self._held)
        return {**card, "held_out_documents": len(self._held), "held_out_tokens": held, "steps": self._steps}

    def batches(self, start: int) -> Iterator[Batch]:
        """See `Source`."""
        for step in range(start, self._steps):
            first = step * self._plan.batch
            rows = [self._packing.row(first + n) for n in range(self._plan.batch)]
            yield self._batch(rows, after=(step + 1) / self._steps)

    def held_out(self) -> Iterator[Batch]:
        """See `Source`."""
        if self._held:
            packing = Packing(self._held, self._plan.context, seed=0, shuffle=False)
            numbers = iter(range(min(packing.rows, HELD_OUT_ROWS)))
            while some := list(islice(numbers, self._plan.batch)):
                yield self._batch([packing.row(n) for n in some], after=0.0)

    def prompts(self) -> list[list[int]]:
        """See `Source`."""
        return [self._tokens[one.start : min(one.stop, one.start + PROMPT)].tolist() for one in self._held]

    def _prepare(self, tokenizer: Any) -> None:
        end = tokenizer.eos_token_id
        if end is None:
            raise TrainingError("the base has no end-of-text token, so documents cannot be told apart")
        reader, lengths = Reader(self._plan.texts), list[int]()
        with whole_folder(self._folder) as draft:
            with (draft / "tokens.bin").open("wb") as file:
                documents = reader.documents()
                while some := list(islice(documents, AT_ONCE)):
                    for ids in tokenizer(some, add_special_tokens=False, verbose=False)["input_ids"]:
                        file.write(array("I", [*ids, end]))
                        lengths.append(len(ids) + 1)
            card = reader.card
            _require_text(card, self._plan.texts)
            card.tokens = sum(lengths)
            (draft / "lengths.bin").write_bytes(array("I", lengths))
            (draft / "card.json").write_text(json.dumps(dataclasses.asdict(card), indent=1), encoding="utf-8")

    def _batch(self, rows: Sequence[Sequence[Piece]], *, after: float) -> Batch:
        made = [self._row(row) for row in rows]
        ids, labels, positions = (torch.stack(some) for some in zip(*made, strict=True))
        return Batch(ids=ids, labels=labels, positions=positions, after=after, tokens=ids.numel())

    def _row(self, row: Sequence[Piece]) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, labels and positions, `[context]` each; what the last row lacks is filled with what nobody learns."""
        context = self._plan.context
        ids, positions = torch.zeros(2, context, dtype=torch.long)
        labels = torch.full((context,), IGNORE)
        at = 0
        for one in row:
            size = one.stop - one.start
            following = self._tokens[one.start + 1 : min(one.stop + 1, one.end)]
            ids[at : at + size] = torch.from_numpy(self._tokens[one.start : one.stop].astype(numpy.int64))
            labels[at : at + len(following)] = torch.from_numpy(following.astype(numpy.int64))
            positions[at : at + size] = torch.arange(size)
            at += size
        return ids, labels, positions


def _require_text(card: Card, texts: Sequence[str]) -> None:
    if not card.documents:
        first = f"; {card.named[0].where}: {card.named[0].reason}" if card.named else ""
        raise TrainingError(f"{', '.join(texts)}: no document could be used ({card.skipped} skipped{first})")
