"""Packing: every token once, rows full, nothing across a document's edge, the same rows for the same seed."""

from hypothesis import given
from hypothesis import strategies as st

from botcore.training.packing import Packing, Piece, split

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=30)


def tokens_of(pieces: list[Piece]) -> list[int]:
    return [token for one in pieces for token in range(one.start, one.stop)]


@given(lengths=LENGTHS, context=st.integers(1, 40), seed=st.integers(0, 3), epoch=st.integers(0, 2))
def test_each_time_through_every_token_comes_once_and_rows_are_full(
    lengths: list[int], context: int, seed: int, epoch: int
) -> None:
    documents, _ = split(lengths, 0.0, seed)
    packing = Packing(documents, context, seed=seed)
    rows = [packing.row(epoch * packing.rows + n) for n in range(packing.rows)]
    assert sorted(token for row in rows for token in tokens_of(row)) == list(range(sum(lengths)))
    assert sum(len(tokens_of(row)) == context for row in rows) >= packing.rows - 1
    assert all(len(tokens_of(row)) <= context for row in rows)


@given(lengths=LENGTHS, context=st.integers(1, 40))
def test_no_piece_leaves_its_document(lengths: list[int], context: int) -> None:
    documents, _ = split(lengths, 0.0, 0)
    inside = {one.end: one for one in documents}
    packing = Packing(documents, context, seed=0)
    for number in range(packing.rows):
        for piece in packing.row(number):
            assert inside[piece.end].start <= piece.start < piece.stop <= piece.end


def test_a_row_is_the_same_whenever_it_is_asked_for() -> None:
    documents, _ = split([9, 4, 30, 7, 12], 0.0, 0)
    straight, resumed = (Packing(documents, 8, seed=5) for _ in range(2))
    rows = [straight.row(number) for number in range(3 * straight.rows)]
    assert resumed.row(2 * straight.rows + 1) == rows[2 * straight.rows + 1]
    assert rows[: straight.rows] != rows[straight.rows : 2 * straight.rows]


@given(lengths=LENGTHS, share=st.floats(0, 0.5), seed=st.integers(0, 5))
def test_what_is_held_out_is_never_trained_on_and_nothing_is_lost(lengths: list[int], share: float, seed: int) -> None:
    train, held = split(lengths, share, seed)
    assert sorted(tokens_of(train) + tokens_of(held)) == list(range(sum(lengths)))
    assert train
    assert split(lengths, share, seed) == (train, held)


def test_a_lone_document_is_cut_and_the_cut_is_an_edge() -> None:
    assert split([100], 0.1, 0) == ([Piece(0, 90, 90)], [Piece(90, 100, 100)])


def test_of_few_documents_the_end_of_the_longest_is_held_out_and_of_short_rows_nothing() -> None:
    few = [Piece(0, 10, 10), Piece(10, 107, 107), Piece(110, 150, 150)], [Piece(107, 110, 110)]
    assert split([10, 100, 40], 0.02, 0) == few
    assert split([1, 1, 1], 0.05, 0)[1] == []
