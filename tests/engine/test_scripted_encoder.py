import asyncio
from typing import TYPE_CHECKING

import pytest

from botcore.errors import EngineTimeout, EngineUnavailable
from botcore.ports.encoder import MOST
from botcore.testing import ScriptedEncoder
from botcore.testing.checks_engine import running

if TYPE_CHECKING:
    from array import array


def cosine(one: "array[float]", other: "array[float]") -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_words_of_one_meaning_are_one_and_others_are_far() -> None:
    async with running(ScriptedEncoder(("car", "automobile"))) as encoder:
        car, auto, boat = await encoder.encode(["a red car", "A red automobile!", "the sea"])
    assert cosine(car, auto) == pytest.approx(1)
    assert cosine(car, boat) == pytest.approx(0)


async def test_what_it_was_given_is_recorded_by_its_kind() -> None:
    async with running(ScriptedEncoder()) as encoder:
        await encoder.encode(["one", "two"])
        await encoder.encode(["which?"], question=True)
    assert (encoder.texts, encoder.questions) == (["one", "two"], ["which?"])


async def test_it_fails_as_it_was_told_and_answers_only_when_it_is_ready() -> None:
    encoder = ScriptedEncoder()
    with pytest.raises(EngineUnavailable, match="the encoder is not ready"):
        await encoder.encode(["early"])
    async with running(encoder):
        encoder.fails = EngineTimeout("too slow")
        with pytest.raises(EngineTimeout, match="too slow"):
            await encoder.encode(["now"])


async def test_held_it_answers_no_call_until_it_is_released() -> None:
    async with running(ScriptedEncoder()) as encoder, asyncio.TaskGroup() as tasks:
        encoder.hold()
        asking = tasks.create_task(encoder.encode(["hm"]))
        await asyncio.sleep(0)
        assert (encoder.open, asking.done()) == (1, False)
        encoder.release()
    assert (encoder.open, len(asking.result())) == (0, 1)


async def test_more_texts_than_a_call_takes_are_refused() -> None:
    async with running(ScriptedEncoder()) as encoder:
        with pytest.raises(ValueError, match=f"at most {MOST} texts"):
            await encoder.encode(["word"] * (MOST + 1))
