"""Rows from questions and answers, L = −log P(y | x): the chat template around both, and a loss on the answer alone.

Rows become tokens once, which stay in the run's folder: a resumed run learns what it began with, and of any number of
rows only those of a batch are in memory.
"""

import dataclasses
import json
import random
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from jinja2 import TemplateError

from botcore.errors import TrainingError
from botcore.training._inside.source import IGNORE, Batch
from botcore.training._inside.template import rendered
from botcore.training.packing import split
from botcore.training.plan import Plan, answer_steps
from botcore.training.rows import Row, RowReader
from botcore.training.texts import Card
from botcore.training.whole import whole_folder

__all__ = ["Answers", "encoded"]

Encoded = tuple[list[int], int]
"""Ids, and how many of them are the prompt's."""
HELD_OUT_ROWS = 128
"""At most so many are looked at."""


class Answers:
    """A `Source`."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder / "data"
        self._tokens: Any = None
        self._edges: Any = None
        """Where each row begins among the tokens, and the last one ends."""
        self._asked: Any = None
        """How many of each row's tokens are the prompt's."""
        self._train: list[int] = []
        self._held: list[int] = []
        self._steps = 0
        self._order: list[int] = []
        self._epoch = -1

    def vocabulary(self) -> Iterator[str]:
        """See `Source`; a model that learns answers has a tokenizer already."""
        return iter(())

    def open(self, tokenizer: Any, *, first: bool) -> dict[str, Any]:
        """See `Source`."""
        if first and not self._folder.is_dir():
            self._keep(tokenizer)
        self._tokens = numpy.memmap(self._folder / "tokens.bin", dtype=numpy.uint32, mode="r")
        lengths, self._asked = numpy.fromfile(self._folder / "rows.bin", dtype=numpy.uint32).reshape(-1, 2).T
        self._edges = numpy.append(0, lengths.cumsum(dtype=numpy.int64))
        train, held = split([1] * len(lengths), self._plan.held_out, self._plan.seed)
        self._train, self._held = ([one.start for one in some] for some in (train, held))
        self._steps = answer_steps(self._plan, len(self._train))
        card: dict[str, Any] = json.loads((self._folder / "card.json").read_text(encoding="utf-8"))
        tokens = int(lengths[self._held].sum())
        return {**card, "held_out_documents": len(self._held), "held_out_tokens": tokens, "steps": self._steps}

    def batches(self, start: int) -> Iterator[Batch]:
        """See `Source`."""
        batch = self._plan.batch
        for step in range(start, self._steps):
            rows = [self._row(self._train[self._at(step * batch + n)]) for n in range(batch)]
            yield _batch(rows, after=(step + 1) / self._steps)

    def held_out(self) -> Iterator[Batch]:
        """See `Source`."""
        some = self._held[:HELD_OUT_ROWS]
        for at in range(0, len(some), self._plan.batch):
            yield _batch([self._row(number) for number in some[at : at + self._plan.batch]], after=0.0)

    def prompts(self) -> list[list[int]]:
        """See `Source`."""
        rows = (self._row(number) for number in self._held[:HELD_OUT_ROWS])
        return [ids[:prompt] for ids, prompt in rows]

    def _row(self, number: int) -> Encoded:
        start, stop = self._edges[number : number + 2]
        return self._tokens[start:stop].tolist(), int(self._asked[number])

    def _at(self, number: int) -> int:
        """Which row comes as number so many: each once before any comes again, in another order each time."""
        epoch, at = divmod(number, len(self._train))
        if epoch != self._epoch:
            self._order, self._epoch = list(range(len(self._train))), epoch
            random.Random(f"order {self._plan.seed} {epoch}").shuffle(self._order)
        return self._order[at]

    def _keep(self, tokenizer: Any) -> None:
        """The rows that can be used as tokens, beside the run, and the card that says where they came from."""
        if not tokenizer.chat_template:
            raise TrainingError("the base has no chat template, so there is no telling a question from an answer")
        with whole_folder(self._folder) as draft:
            card = self._written(tokenizer, draft)
            if not card.documents:
                first = f"; {card.named[0].where}: {card.named[0].reason}" if card.named else ""
                raise TrainingError(f"{self._plan.rows}: no row could be used ({card.skipped} skipped{first})")
            (draft / "card.json").write_text(json.dumps(dataclasses.asdict(card), indent=1), encoding="utf-8")

    def _written(self, tokenizer: Any, draft: Path) -> Card:
        """The card; what is too long, or refused by the template, is skipped too."""
        reader = RowReader(Path(self._plan.rows))
        with (draft / "tokens.bin").open("wb") as tokens, (draft / "rows.bin").open("wb") as rows:
            for row in reader.rows():
                try:
                    ids, prompt = encoded(tokenizer, row, self._plan.context)
                except TrainingError as error:
                    reader.card.skip(row.where, str(error))
                    reader.card.documents -= 1
                    continue
                tokens.write(array("I", ids))
                rows.write(array("I", (len(ids), prompt)))
                reader.card.tokens += len(ids)
        return reader.card


def encoded(tokenizer: Any, row: Row, most: int) -> Encoded:
    """The prompt as the engine will make it, and then what the template adds for the answer.

    Raises `TrainingError` where it cannot be learnt, or has more than ``most`` tokens.
    """
    try:
        asked, whole = rendered(tokenizer, row.prompt), rendered(tokenizer, row.prompt, answer=row.answer)
    except TemplateError as error:  # such as one that wants user and assistant by turns, and no system
        raise TrainingError(f"the base's chat template refuses it: {' '.join(str(error).split())[:200]}") from None
    if not whole.startswith(asked):
        raise TrainingError("the base's chat template does not put an answer after its prompt")
    first = tokenizer(asked, add_special_tokens=False)["input_ids"]
    # Apart, so that no token lies across the edge: generation begins exactly here.
    ids = first + tokenizer(whole[len(asked) :], add_special_tokens=False)["input_ids"]
    if len(ids) > most:
        raise TrainingError(f"{len(ids)} tokens, more than --context {most}")
    return ids, len(first)


def _batch(rows: Sequence[Encoded], *, after: float) -> Batch:
    """Rows as long as the longest; padding comes last, where no token looks at it."""
    length = max(len(ids) for ids, _ in rows) - 1
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full((len(rows), length), IGNORE)
    for number, (tokens, prompt) in enumerate(rows):
        ids[number, : len(tokens) - 1] = torch.tensor(tokens[:-1])
        labels[number, prompt - 1 : len(tokens) - 1] = torch.tensor(tokens[prompt:])
    return Batch(ids=ids, labels=labels, after=after, tokens=sum(len(tokens) for tokens, _ in rows))
