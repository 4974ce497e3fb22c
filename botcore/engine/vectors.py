"""Embeddings in OpenAI's protocol as plain functions: texts to a request's body, its answer to vectors of length 1.

And what both encoders do with texts, and call their vectors, by the settings.

No I/O: `client.py` moves the bytes. Format: https://platform.openai.com/docs/api-reference/embeddings and vLLM's
``truncate_prompt_tokens``.
"""

import base64
import hashlib
import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from botcore.errors import EngineUnavailable
from botcore.ports.encoder import MOST
from botcore.settings import EncoderSettings

__all__ = ["batches", "counted", "embed_body", "known_by", "prefixed", "read_vectors", "unit"]

AT_ONCE = 32
"""Texts of one request: Text Embeddings Inference takes no more unless it is told to."""
TEXT_LIMIT = 50_000
"""Characters of one text that are sent: more than the 8,192 tokens of the longest windows among encoders."""


def counted(texts: Sequence[str]) -> Sequence[str]:
    """The same texts. Raises `ValueError` where they are too many for one call, `TypeError` for a lone one."""
    if isinstance(texts, str):  # a sequence of its letters
        raise TypeError("encode takes a list of texts, also for one: [vector] = await encode([text])")
    if len(texts) > MOST:
        raise ValueError(f"encode takes at most {MOST} texts at once, not {len(texts)}")
    return texts


def prefixed(texts: Sequence[str], settings: EncoderSettings, *, question: bool) -> list[str]:
    """The texts as the model wants them. Raises `ValueError` where they are too many for one call."""
    prefix = settings.question_prefix if question else settings.passage_prefix
    return [prefix + text for text in counted(texts)]


def known_by(model: str, settings: EncoderSettings) -> str:
    """`Encoder.name` of this model: what is put before passages makes other vectors, and so another name."""
    prefix = settings.passage_prefix
    return f"{model}+{hashlib.sha256(prefix.encode()).hexdigest()[:6]}" if prefix else model


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts of each request, in order."""
    return (texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE))


def embed_body(texts: Sequence[str], *, model: str, cut: bool) -> dict[str, Any]:
    """The body of a request; ``cut``: the server is vLLM, and told to read only the beginning of what is too long.

    Strict servers refuse fields they do not know.
    """
    body = {"model": model, "input": [text[:TEXT_LIMIT] for text in texts], "encoding_format": "base64"}
    return {**body, "truncate_prompt_tokens": -1} if cut else body


def read_vectors(body: Any, count: int, *, who: str) -> list["array[float]"]:
    """The ``count`` vectors of an answer, in the order of their texts. `EngineUnavailable` where it has others."""
    try:
        rows = {row.get("index", place): row["embedding"] for place, row in enumerate(body["data"])}
        vectors = [unit(_numbers(rows[place])) for place in range(count)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise EngineUnavailable(f"{who} sent something that is no list of vectors") from None
    sizes = {len(vector) for vector in vectors}
    if len(rows) != count or len(sizes) > 1:
        raise EngineUnavailable(f"{who} sent {len(rows)} vectors of {sorted(sizes)} numbers for {count} texts")
    return vectors


def _numbers(embedding: Any) -> Iterable[float]:
    """In base64 as it was asked for, or as a list: not every server knows the first."""
    if not isinstance(embedding, str):
        return array("f", embedding)
    numbers = array("f", base64.b64decode(embedding, validate=True))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def unit(numbers: Iterable[float]) -> "array[float]":
    """The vector of length 1 in this direction. Raises `ValueError` where it has none."""
    vector = array("f", numbers)
    length = math.hypot(*vector)
    if not 0 < length < math.inf:
        raise ValueError("numbers without a direction: all are 0, or one is not finite")
    return array("f", (number / length for number in vector))
