import asyncio
from contextlib import AbstractAsyncContextManager, aclosing

import pytest

from botcore.clock import Deadline, SystemClock
from botcore.engine import ScriptedEngine
from botcore.errors import EngineRejected, EngineUnavailable, PromptTooLong
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Engine, Prompt, Usage
from botcore.testing import check_engine
from botcore.testing.checks_engine import running


def ask(text: str) -> Prompt:
    return Prompt(messages=(PromptMessage(role="user", content=text),))


async def reply(engine: ScriptedEngine, text: str = "hi", sampling: Sampling | None = None) -> list[Delta]:
    async with aclosing(engine.generate(ask(text), sampling or Sampling())) as deltas:
        return [delta async for delta in deltas]


async def test_it_keeps_the_contract_of_engines() -> None:
    async def open_slots(engine: Engine) -> int:
        assert isinstance(engine, ScriptedEngine)
        return engine.open

    await check_engine(ScriptedEngine, running_requests=open_slots)


async def test_queued_replies_come_in_their_order_then_the_fallback() -> None:
    engine = ScriptedEngine("one two")
    engine.say(lambda prompt: f"about {prompt.messages[-1].content}")
    async with running(engine):
        assert [delta.text for delta in await reply(engine)] == ["one ", "two", ""]
        assert "".join(delta.text for delta in await reply(engine, "ships")) == "about ships"
        assert "".join(delta.text for delta in await reply(engine, "hm")) == "You said: hm"


async def test_of_a_choice_it_says_one_unless_it_is_told_not_to_know_it() -> None:
    engine = ScriptedEngine("b", "neither", "neither")
    choice = Sampling(choice=("a", "b"))
    async with running(engine):
        assert (await reply(engine, sampling=choice))[0].text == "b"
        assert (await reply(engine, sampling=choice))[0].text == "a"
        engine.restricts = False
        assert (await reply(engine, sampling=choice))[0].text == "neither"


async def test_every_prompt_sampling_and_model_is_recorded() -> None:
    engine = ScriptedEngine()
    async with running(engine):
        async with aclosing(engine.generate(ask("a"), Sampling(max_tokens=3), model="lora-7")) as deltas:
            await anext(deltas)
        assert (engine.prompts, engine.models) == ([ask("a")], ["lora-7"])
        assert engine.samplings[0].max_tokens == 3


async def test_usage_is_what_count_says() -> None:
    engine = ScriptedEngine("fine thanks")
    async with running(engine):
        counted = await engine.count(ask("how are you").messages)
        assert (await reply(engine, "how are you"))[-1].usage == Usage(prompt_tokens=5, completion_tokens=2)
        assert counted == 5
        engine.counts = False
        assert await engine.count(()) is None


async def test_a_held_stream_goes_on_word_by_word() -> None:
    engine = ScriptedEngine("one two three")
    engine.hold()
    async with running(engine):
        deltas = engine.generate(ask("x"), Sampling())
        first = asyncio.ensure_future(anext(deltas))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not first.done()
        assert engine.open == 1
        engine.step()
        assert (await first).text == "one "
        engine.release()
        assert [delta.text async for delta in deltas] == ["two ", "three", ""]
        assert engine.open == 0


async def test_closing_a_held_stream_frees_its_slot() -> None:
    engine = ScriptedEngine("one two")
    async with running(engine):
        deltas = engine.generate(ask("x"), Sampling())
        await anext(deltas)
        engine.hold()
        assert engine.open == 1
        await deltas.aclose()
        assert engine.open == 0


async def test_failures_come_where_the_script_says() -> None:
    engine = ScriptedEngine(EngineRejected("no"), window=20)
    engine.die_after(1, "one two")
    async with running(engine):
        with pytest.raises(EngineRejected, match="no"):
            await reply(engine)
        with pytest.raises(EngineUnavailable, match="died"):
            await reply(engine)
        with pytest.raises(PromptTooLong, match="22 tokens in a window of 20"):
            await reply(engine, "word " * 20)
        assert engine.open == 0


async def test_an_engine_that_is_still_starting_refuses_and_tells_why() -> None:
    engine = ScriptedEngine()
    async with running(engine):
        change = asyncio.create_task(engine.changed())
        await asyncio.sleep(0)
        engine.set_status(stage="install", detail="downloading vLLM")
        await change
        with pytest.raises(EngineUnavailable, match="downloading vLLM"):
            await reply(engine)


class Hasty(SystemClock):
    """Gives nothing more than a fiftieth of its time."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Deadline]:
        return super().timeout(seconds and seconds / 50)


async def test_the_contract_check_finds_a_leaking_engine() -> None:
    class Leaky(ScriptedEngine):
        async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = ""):  # type: ignore[no-untyped-def]  # noqa: ANN202
            try:
                async with aclosing(super().generate(prompt, sampling, model=model)) as deltas:
                    async for delta in deltas:
                        yield delta
            except GeneratorExit:
                self.leaked = True
                raise

    async def leaked(engine: Engine) -> int:
        return int(getattr(engine, "leaked", False))

    with pytest.raises(AssertionError, match="still runs 1 requests"):
        await check_engine(Leaky, running_requests=leaked, clock=Hasty())


async def test_the_contract_check_finds_an_engine_without_an_end() -> None:
    class Endless(ScriptedEngine):
        async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = ""):  # type: ignore[no-untyped-def]  # noqa: ANN202
            async with aclosing(super().generate(prompt, sampling, model=model)) as deltas:
                async for delta in deltas:
                    if not delta.finish:
                        yield delta

    with pytest.raises(AssertionError, match="last delta's finish"):
        await check_engine(Endless)
