import base64
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.engine.vectors import AT_ONCE, TEXT_LIMIT, batches, embed_body, prefixed, read_vectors, unit
from botcore.errors import EngineUnavailable
from botcore.settings import EncoderSettings


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def answer(*embeddings: Any) -> dict[str, Any]:
    return {"data": [{"index": place, "embedding": one} for place, one in enumerate(embeddings)]}


def test_a_request_has_what_the_protocol_knows_and_vllm_is_told_to_cut() -> None:
    assert embed_body(["a"], model="m", cut=False) == {"model": "m", "input": ["a"], "encoding_format": "base64"}
    assert embed_body(["a"], model="m", cut=True)["truncate_prompt_tokens"] == -1


def test_no_text_is_sent_without_end() -> None:
    assert len(embed_body(["x" * 1_000_000], model="m", cut=True)["input"][0]) == TEXT_LIMIT


def test_many_texts_are_several_requests_in_their_order() -> None:
    texts = [str(number) for number in range(2 * AT_ONCE + 1)]
    parts = list(batches(texts))
    assert [len(part) for part in parts] == [AT_ONCE, AT_ONCE, 1]
    assert [text for part in parts for text in part] == texts


def test_a_lone_text_is_not_taken_for_a_list_of_its_letters() -> None:
    assert prefixed(["hi"], EncoderSettings(), question=True) == ["hi"]
    with pytest.raises(TypeError, match=r"\[vector\] = await encode\(\[text\]\)"):
        prefixed("hi", EncoderSettings(), question=True)


def test_vectors_stand_in_the_order_of_their_index_whichever_way_they_are_written() -> None:
    body = {"data": [{"index": 1, "embedding": packed(0, 2)}, {"index": 0, "embedding": [3, 4]}]}
    first, second = read_vectors(body, 2, who="it")
    assert list(first) == pytest.approx([0.6, 0.8])
    assert list(second) == [0, 1]


def test_without_an_index_they_stand_in_the_order_they_came_in() -> None:
    body = {"data": [{"embedding": [1, 0]}, {"embedding": [0, 1]}]}
    assert [list(vector) for vector in read_vectors(body, 2, who="it")] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        None,
        [],
        {"data": None},
        {"data": ["x"]},
        answer([0.0, 0.0]),
        answer([]),
        answer([1.0, math.nan]),
        answer([1.0, math.inf]),
        answer([1e300]),
        answer([10**400]),
        answer([[1.0]]),
        answer("no base64!"),
        answer("!" + base64.b64encode(b"four").decode()),
        answer(base64.b64encode(b"abc").decode()),
        answer(5),
        {"data": [{"index": 7, "embedding": [1.0]}]},
        {"data": [{"index": [], "embedding": [1.0]}]},
    ],
)
def test_what_is_no_vector_is_one_line(body: Any) -> None:
    with pytest.raises(EngineUnavailable, match=r"^the encoder at x sent something that is no list of vectors$"):
        read_vectors(body, 1, who="the encoder at x")


def test_more_fewer_or_uneven_vectors_are_one_line() -> None:
    with pytest.raises(EngineUnavailable, match=r"sent 2 vectors of .* for 1 texts"):
        read_vectors(answer([1.0], [1.0]), 1, who="it")
    with pytest.raises(EngineUnavailable, match="no list of vectors"):
        read_vectors(answer([1.0]), 2, who="it")
    with pytest.raises(EngineUnavailable, match=r"sent 2 vectors of \[1, 2\] numbers for 2 texts"):
        read_vectors(answer([1.0], [1.0, 1.0]), 2, who="it")


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=50))
def test_every_vector_with_a_direction_gets_length_one(numbers: list[float]) -> None:
    if math.hypot(*numbers) < 1e-3:
        return
    assert math.hypot(*unit(numbers)) == pytest.approx(1, abs=1e-5)
