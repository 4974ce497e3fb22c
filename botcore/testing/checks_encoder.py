"""``check_encoder``: what every encoder must keep, whoever wrote it.

Run it in a test of yours::

    async def test_my_encoder_keeps_the_contract() -> None:
        await check_encoder(lambda: MyEncoder(...))
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botcore.clock import Clock
from botcore.errors import EngineUnavailable
from botcore.ports import Encoder
from botcore.ports.encoder import MOST
from botcore.testing.checks_engine import running

if TYPE_CHECKING:
    from array import array

__all__ = ["check_encoder"]

TEXTS = ("The ship sails at dawn.", "How much is a ticket?", "dawn", "A ticket costs twelve crowns.")
NEAR = 0.999
"""The least cosine of two vectors of one text: half precision, and what is encoded beside it, cost less."""


async def check_encoder(
    build: Callable[[], Encoder], *, ready_within: float = 180.0, clock: Clock | None = None
) -> None:
    """Raise `AssertionError` naming the first rule that ``build()`` breaks. ``ready_within`` is in seconds."""
    encoder = build()
    assert encoder.status.stage == "off", f"before run() the stage is {encoder.status.stage!r}, not 'off'"
    await _refuses_while_it_does_not_run(encoder)
    async with running(encoder, ready_within=ready_within, clock=clock):
        assert encoder.name, "a ready encoder says what its vectors are known by"
        await _encodes_each_in_its_place(encoder)
        await _takes_questions_apart(encoder)
        await _cuts_what_is_too_long(encoder)
        await _takes_none_and_not_too_many(encoder)
        await _lets_itself_be_cancelled(encoder)
        await _serves_many(encoder)
    assert encoder.status.stage == "off", f"after run() the stage is {encoder.status.stage!r}, not 'off'"
    await _refuses_while_it_does_not_run(encoder)


def _same(one: "array[float]", other: "array[float]") -> bool:
    return len(one) == len(other) and sum(a * b for a, b in zip(one, other, strict=True)) > NEAR


def _checked(vectors: Sequence["array[float]"], count: int) -> None:
    assert len(vectors) == count, f"{count} texts have {len(vectors)} vectors"
    lengths = [math.hypot(*vector) for vector in vectors]
    assert all(abs(length - 1) < 1e-4 for length in lengths), f"vectors are {lengths} long, not 1"
    assert len({len(vector) for vector in vectors}) == 1, "vectors of one encoder have one size"


async def _refuses_while_it_does_not_run(encoder: Encoder) -> None:
    try:
        await encoder.encode(TEXTS)
    except EngineUnavailable:
        return
    raise AssertionError("an encoder that does not run must raise EngineUnavailable")


async def _encodes_each_in_its_place(encoder: Encoder) -> None:
    together = await encoder.encode(TEXTS)
    _checked(together, len(TEXTS))
    alone = [(await encoder.encode([text]))[0] for text in TEXTS]
    wrong = [text for text, one, other in zip(TEXTS, together, alone, strict=True) if not _same(one, other)]
    assert not wrong, f"alone these have other vectors than among others: {wrong}"
    assert not _same(together[0], together[1]), "two texts that have nothing in common have one vector"


async def _takes_questions_apart(encoder: Encoder) -> None:
    sizes = {len(vector) for asks in (True, False) for vector in await encoder.encode(TEXTS, question=asks)}
    assert len(sizes) == 1, f"questions and passages have vectors of one size, not of {sorted(sizes)}"


async def _cuts_what_is_too_long(encoder: Encoder) -> None:
    _checked(await encoder.encode(["word " * 20_000, "short"]), 2)


async def _takes_none_and_not_too_many(encoder: Encoder) -> None:
    assert await encoder.encode([]) == [], "no texts have no vectors"
    _checked(await encoder.encode(["word"] * MOST), MOST)
    try:
        await encoder.encode(["word"] * (MOST + 1))
    except ValueError:
        return
    raise AssertionError(f"more than {MOST} texts must raise ValueError")


async def _lets_itself_be_cancelled(encoder: Encoder) -> None:
    asking = asyncio.create_task(encoder.encode(TEXTS), name="encode")
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled(), "cancellation must travel on"
    _checked(await encoder.encode(TEXTS), len(TEXTS))


async def _serves_many(encoder: Encoder) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(encoder.encode(TEXTS), name=f"call {number}") for number in range(8)]
    for call in calls:
        _checked(call.result(), len(TEXTS))
