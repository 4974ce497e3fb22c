"""Packing: documents laid end to end and cut into rows of equal length. Pure; knows where tokens are, not which.

Nothing is learnt across a document's edge: a row says where each piece begins, attention stays within it, positions
begin anew, and a document's last token has no successor. Where a row's end cuts a document, the token before the cut
still learns its successor, and the rest goes on without what came before.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Packing", "Piece", "split"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens ``start`` to ``stop`` of the whole text, of a document that ends at ``end``."""

    start: int
    stop: int
    end: int


def split(lengths: Sequence[int], share: float, seed: int) -> tuple[list[Piece], list[Piece]]:
    """The documents to learn from, and the ``share`` of them held out: of few documents from the longest one's end."""
    whole, at = list[Piece](), 0
    for length in lengths:
        whole.append(Piece(at, at + length, at + length))
        at += length
    number = round(len(whole) * share)
    if not number or len(whole) == 1:
        return _without_an_end(whole, at - int(at * (1 - share)))
    held = set(random.Random(f"held out {seed}").sample(range(len(whole)), number))
    return [one for n, one in enumerate(whole) if n not in held], [whole[n] for n in sorted(held)]


def _without_an_end(documents: list[Piece], tokens: int) -> tuple[list[Piece], list[Piece]]:
    """All but so many tokens at the end of the longest, and these; something is left of it."""
    longest = max(documents, key=lambda one: one.stop - one.start, default=Piece(0, 0, 0))
    cut = max(longest.start + 1, longest.stop - tokens)
    if cut >= longest.stop:
        return documents, []
    rest = Piece(longest.start, cut, cut)
    return [rest if one is longest else one for one in documents], [Piece(cut, longest.stop, longest.end)]


class Packing:
    """Rows without end: the documents in another order each time through, the rows of each time shuffled."""

    def __init__(self, documents: Sequence[Piece], context: int, *, seed: int, shuffle: bool = True) -> None:
        self._documents = documents
        self._context = context
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = -1
        self._rows: list[list[Piece]] = []
        self.rows: int = -(-sum(one.stop - one.start for one in documents) // context)
        """Rows of one time through the text."""

    def row(self, number: int) -> list[Piece]:
        """The pieces of a row; the same number always gives the same ones."""
        epoch, at = divmod(number, self.rows)
        if epoch != self._epoch:
            self._rows, self._epoch = self._packed(epoch), epoch
        return self._rows[at]

    def _packed(self, epoch: int) -> list[list[Piece]]:
        order = random.Random(f"order {self._seed} {epoch}")
        documents = list(self._documents)
        if self._shuffle:
            order.shuffle(documents)
        rows = list(_cut(documents, self._context))
        if self._shuffle:
            order.shuffle(rows)
        return rows


def _cut(documents: Sequence[Piece], context: int) -> Iterator[list[Piece]]:
    row, room = list[Piece](), context
    for one in documents:
        start = one.start
        while start < one.stop:
            stop = min(one.stop, start + room)
            row.append(Piece(start, stop, one.end))
            room -= stop - start
            start = stop
            if not room:
                yield row
                row, room = [], context
    if row:
        yield row
