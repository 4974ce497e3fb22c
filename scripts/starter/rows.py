"""The generator's conversations as rows to learn from: what `botcore.training` calls a source. The loss counts answers only.

The course follows the conversations seen, so that a busy machine makes it later and not worse: a short course in copying, the
whole mixture, then long rows while the learning rate falls to nothing.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from botcore.training._inside.source import IGNORE, Batch
from botcore.training._inside.tokenizer import END, ROLES
from botcore.training.plan import Plan
from scripts.starter.chunks import Chunk, Chunks, Marks
from scripts.starter.corpus import CONVERSATIONS, COPYING, Corpus, Mixture, Stage, fingerprint

__all__ = ["Conversations"]

Row = tuple[Tensor, Tensor]
"""Ids, and for each whether it belongs to an answer."""
Shelves = dict[int, list[Row]]
"""Rows by the length that they are padded to."""

LENGTHS = (64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
"""Rows are padded to the next of these: less than a tenth of the tokens is padding."""
HELD_OUT = 600
"""Conversations in held-out words that are looked at."""
VOCABULARY = 12_000
"""Conversations that the tokenizer is trained on."""


class Conversations:
    """So many chunks of conversations, of the mixture that the options say; one seed, one course."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        options = dict(plan.options)
        self._chunks, self._batch_tokens = int(options.pop("chunks")), int(options.pop("batch_tokens"))
        self._processes = int(options.pop("processes"))
        self._mixture = Mixture(**options)
        self._written: Chunks

    def vocabulary(self) -> Iterator[str]:
        """Texts to train the tokenizer on."""
        return Corpus(self._plan.seed, self._mixture).texts(VOCABULARY)

    def open(self, tokenizer: Any, *, first: bool) -> dict[str, Any]:
        """Take the tokenizer; the card's hash is that of the first conversations."""
        core = tokenizer.backend_tokenizer.to_str()
        marks = Marks(roles=dict(ROLES), end=END)
        self._written = Chunks(self._plan.seed, self._mixture, self._stages(), core, marks)
        counts = {"tokens": 0, "held_out_tokens": 0, "skipped": 0}
        told = {"hash": fingerprint(self._plan.seed, self._mixture), "documents": self._chunks * CONVERSATIONS}
        return told | counts

    def batches(self, start: int) -> Iterator[Batch]:
        """The course from batch `start` on; what lies before is written again."""
        return islice(self._course(), start, None)

    def held_out(self) -> Iterator[Batch]:
        """Conversations in words kept back from training."""
        corpus = Corpus(self._plan.seed, held=True)
        shelves: Shelves = defaultdict(list)
        _shelve(shelves, self._written.encoded([corpus.conversation("all") for _ in range(HELD_OUT)]))
        for size, rows in shelves.items():
            for ids, answer in _padded(rows, size, self._batch_tokens):
                yield _batch(ids, answer, after=0.0)

    def prompts(self) -> list[list[int]]:
        """None: evaluate.py lets it talk."""
        return []

    def _stages(self) -> list[Stage]:
        """What each chunk is about."""
        copied = 0 if self._plan.base else min(COPYING, self._chunks)
        whole = max(0, round(self._chunks * self._mixture.long_from) - copied)
        return ["copying"] * copied + ["all"] * whole + ["long"] * (self._chunks - copied - whole)

    def _course(self) -> Iterator[Batch]:
        """What fills no batch waits for the next chunk: short rows would else be lost the most."""
        shuffle = random.Random(self._plan.seed).shuffle
        shelves: Shelves = defaultdict(list)
        for number, chunk in enumerate(self._written.all(self._processes)):
            _shelve(shelves, chunk)
            ready = [batch for size, rows in shelves.items() for batch in _padded(rows, size, self._batch_tokens)]
            shuffle(ready)
            for index, (ids, answer) in enumerate(ready, 1):
                yield _batch(ids, answer, after=(number + index / len(ready)) / self._chunks)


def _shelve(shelves: Shelves, chunk: Chunk) -> None:
    """Put each row with those of its length; what is longer than the window is left out."""
    for row in chunk.rows():
        if len(row[0]) <= LENGTHS[-1]:
            shelves[next(size for size in LENGTHS if len(row[0]) <= size)].append(row)


def _padded(rows: list[Row], size: int, tokens: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Take as many batches from the rows as they fill: ids and answer masks, `[rows, length + 1]`, of about as many tokens."""
    count = max(1, tokens // size)
    for _ in range(len(rows) // count):
        batch, rows[:count] = rows[:count], []
        ids = torch.zeros(count, size + 1, dtype=torch.long)
        answer = torch.zeros(count, size + 1, dtype=torch.bool)
        for index, (row, counts) in enumerate(batch):
            ids[index, : len(row)] = row
            answer[index, : len(counts)] = counts
        yield ids, answer


def _batch(ids: Tensor, answer: Tensor, *, after: float) -> Batch:
    labels = torch.where(answer[:, 1:], ids[:, 1:], IGNORE)
    return Batch(ids=ids[:, :-1], labels=labels, after=after, tokens=ids.numel())
