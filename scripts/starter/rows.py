"""The generator's conversations as rows to learn from: what `botcore.training` calls a source. The loss counts answers only.

The course follows the tokens seen, so that a busy machine makes it later and not worse: a short course in copying, the
whole mixture, then long rows while the learning rate falls to nothing.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from botcore.training._inside.source import IGNORE, Batch
from botcore.training._inside.tokenizer import END, ROLES
from botcore.training.plan import Plan
from scripts.starter.corpus import Corpus, Mixture, fingerprint
from scripts.starter.dialogue import Message

__all__ = ["Conversations", "Shelves"]

Row = tuple[list[int], list[int]]
"""Ids, and for each whether it belongs to an answer."""
Shelves = dict[int, list[Row]]
"""Rows by the length that they are padded to."""

LENGTHS = (64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
"""Rows are padded to the next of these: less than a tenth of the tokens is padding."""
BATCH_TOKENS = 4096
COPYING_TOKENS = 500_000
HELD_OUT = 600
"""Conversations in held-out words that are looked at."""


class Conversations:
    """A source without end, cut off after `options["tokens"]`, of the mixture that the other options say; one seed, one course."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        options = dict(plan.options)
        self._budget = int(options.pop("tokens"))
        self._mixture = Mixture(**options)
        self._core: Any = None
        self._stage = "copying"

    def vocabulary(self) -> Iterator[str]:
        """Texts to train the tokenizer on."""
        return Corpus(self._plan.seed + 1).texts(12_000)

    def open(self, tokenizer: Any, *, first: bool) -> dict[str, Any]:
        """Take the tokenizer; the card's hash is that of the first conversations."""
        self._core = tokenizer.backend_tokenizer
        counts = {"documents": 0, "held_out_tokens": 0, "skipped": 0}
        return {"hash": fingerprint(self._plan.seed, self._mixture), "tokens": self._budget, **counts}

    def batches(self, start: int) -> Iterator[Batch]:
        """The course from batch `start` on; what lies before is made again, at 26,000 conversations a second."""
        return islice(self._course(), start, None)

    def held_out(self) -> Iterator[Batch]:
        """Conversations in words kept back from training."""
        corpus = Corpus(self._plan.seed + 3, held=True)
        shelves: Shelves = defaultdict(list)
        self._shelve(shelves, [corpus.conversation("all") for _ in range(HELD_OUT)])
        for size, rows in shelves.items():
            for ids, mask in _padded(rows, size):
                yield _batch(ids, mask, after=0.0)

    def prompts(self) -> list[list[int]]:
        """None: evaluate.py lets it talk."""
        return []

    def _course(self) -> Iterator[Batch]:
        tokens = 0
        self._stage = "all" if self._plan.base else "copying"
        for ids, mask in self._endless():
            if tokens >= self._budget:
                return
            self._move(tokens)
            tokens += ids.numel()
            yield _batch(ids, mask, after=min(1.0, tokens / self._budget))

    def _move(self, tokens: int) -> None:
        """Choose what the next conversations are about, after so many tokens."""
        behind = tokens + (COPYING_TOKENS if self._plan.base else 0)
        long = tokens / self._budget >= self._mixture.long_from
        self._stage = "long" if long else "all" if behind >= COPYING_TOKENS else "copying"

    def _endless(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches without end. What fills no batch waits for the next thousand: short rows would else be lost the most."""
        corpus = Corpus(self._plan.seed + 2, self._mixture)
        shuffle = random.Random(7).shuffle
        shelves: Shelves = defaultdict(list)
        while True:
            self._shelve(shelves, [corpus.conversation(self._stage) for _ in range(1000)])
            ready = [batch for size, rows in shelves.items() for batch in _padded(rows, size)]
            shuffle(ready)
            yield from ready

    def _shelve(self, shelves: Shelves, talks: list[list[Message]]) -> None:
        """Put each conversation with those of its length; what is longer than the window is left out."""
        for row in self._encoded(talks):
            if len(row[0]) <= LENGTHS[-1]:
                shelves[next(size for size in LENGTHS if len(row[0]) <= size)].append(row)

    def _encoded(self, talks: list[list[Message]]) -> list[Row]:
        """The same ids as the chat template gives."""
        texts = iter(self._core.encode_batch([m.text for talk in talks for m in talk], add_special_tokens=False))
        end = self._core.token_to_id(END)
        rows: list[Row] = []
        for talk in talks:
            ids: list[int] = []
            mask: list[int] = []
            for message in talk:
                body = [*next(texts).ids, end]
                ids += [self._core.token_to_id(ROLES[message.role]), *body]
                mask += [0, *[int(message.role == "assistant")] * len(body)]
            rows.append((ids, mask))
        return rows


def _padded(rows: list[Row], size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Take as many batches from the rows as they fill: ids and answer masks, `[rows, length + 1]`, of about as many tokens."""
    count = BATCH_TOKENS // size
    for _ in range(len(rows) // count):
        batch, rows[:count] = rows[:count], []
        ids = torch.zeros(count, size + 1, dtype=torch.long)
        mask = torch.zeros(count, size + 1, dtype=torch.long)
        for index, (tokens, answer) in enumerate(batch):
            ids[index, : len(tokens)] = torch.tensor(tokens)
            mask[index, : len(answer)] = torch.tensor(answer)
        yield ids, mask


def _batch(ids: torch.Tensor, mask: torch.Tensor, *, after: float) -> Batch:
    labels = torch.where(mask[:, 1:] == 1, ids[:, 1:], IGNORE)
    return Batch(ids=ids[:, :-1], labels=labels, after=after, tokens=ids.numel())
