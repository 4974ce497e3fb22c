"""The text of a run in chunks, each from a seed of its own: several processes write them, and the run is the same however many.

Nothing here needs botcore: a process that writes chunks knows the generator and the tokenizer, and no more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from scripts.starter.corpus import Mixture, Stage, written
from scripts.starter.dialogue import Message

__all__ = ["Chunk", "Chunks", "Marks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The tokens around a message: one before it, by role, and one behind."""

    roles: Mapping[str, str]
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Rows, one behind the other."""

    ids: Tensor
    """`[tokens]`, int32."""
    answer: Tensor
    """`[tokens]`, bool: whether the token belongs to an answer."""
    lengths: Sequence[int]
    """Tokens of each row."""

    def rows(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The rows by themselves: ids, and which belong to an answer."""
        yield from zip(self.ids.split(list(self.lengths)), self.answer.split(list(self.lengths)), strict=True)


class Chunks(Dataset[Chunk]):
    """Chunk by chunk what a run reads, as tokens."""

    def __init__(self, seed: int, mixture: Mixture, stages: Sequence[Stage], tokenizer: str, marks: Marks) -> None:
        self._seed, self._mixture, self._stages = seed, mixture, stages
        self._tokenizer, self._marks = tokenizer, marks
        self._core: Tokenizer | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._stages)

    def __getitem__(self, number: int) -> Chunk:
        """Write one and tokenize it."""
        return self.encoded(list(written(self._seed, self._mixture, number, self._stages[number])))

    def encoded(self, talks: Sequence[Sequence[Message]]) -> Chunk:
        """Return conversations as the same ids as the chat template gives."""
        core = self._core = self._core or Tokenizer.from_str(self._tokenizer)
        roles = {role: core.token_to_id(mark) for role, mark in self._marks.roles.items()}
        end = core.token_to_id(self._marks.end)
        texts = iter(core.encode_batch([m.text for talk in talks for m in talk], add_special_tokens=False))
        ids: list[int] = []
        answer: list[bool] = []
        lengths: list[int] = []
        for talk in talks:
            before = len(ids)
            for message in talk:
                body = next(texts).ids
                ids += [roles[message.role], *body, end]
                answer += [False, *[message.role == "assistant"] * (len(body) + 1)]
            lengths.append(len(ids) - before)
        return Chunk(ids=torch.tensor(ids, dtype=torch.int32), answer=torch.tensor(answer), lengths=lengths)

    def all(self, processes: int) -> Iterator[Chunk]:
        """Return all in their order, written ahead by so many processes; 0 = by this one, when asked."""
        ahead = {"prefetch_factor": 2, "multiprocessing_context": "spawn"} if processes else {}
        yield from DataLoader(self, batch_size=None, num_workers=processes, collate_fn=_as_it_is, **ahead)


def _as_it_is(chunk: Chunk) -> Chunk:
    return chunk
