"""LoRA versions in vLLM itself: one server in each mode, and sixteen chats that go on while versions change."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from botcore.clock import SystemClock
from botcore.engine.model import STARTER
from botcore.engine.vllm import VllmEngine
from botcore.messages import Sampling
from botcore.models.adapter import adapter_in
from botcore.settings import EngineSettings
from botcore.testing.checks_engine import running
from botcore.versions import LoraFiles
from tests.engine.test_real import PYTHON, READY_WITHIN, ask
from tests.models.made import loud_adapter

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no engine environment at {PYTHON}: botcore engine install"),
]
QUESTIONS = ("Hello!", "Who are you?", "Count to five.", "Tell me a joke.")
NAMES = ("a", "b", "c", "d", "e")


def version(folder: Path, name: str) -> LoraFiles:
    target = folder / name
    target.mkdir()
    config = json.loads((STARTER / "config.json").read_text())
    for file, content in loud_adapter(config, seed=ord(name)).items():
        (target / file).write_bytes(content)
    found = adapter_in(target)
    return LoraFiles(name=name, folder=target, files_hash=found.files_hash, rank=found.rank)


async def said(engine: VllmEngine, question: str, model: str = "") -> str:
    sampling = Sampling(temperature=0, max_tokens=12)
    async with aclosing(engine.generate(ask(question), sampling, model=model)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def alone(engine: VllmEngine, model: str = "") -> list[str]:
    """What this model says when nobody else asks."""
    return [await said(engine, question, model) for question in QUESTIONS]


async def mixed(engine: VllmEngine, model: str) -> tuple[list[str], list[str]]:
    """Sixteen requests at once, the base's and the version's in turn; what each of the two said to each question."""
    asked = [(question, name) for question in QUESTIONS for name in ("", model, "", model)]
    answers = await asyncio.gather(*(said(engine, *one) for one in asked))
    of = {name: answers[start::4] for start, name in enumerate(("", model))}
    again = {name: answers[start + 2 :: 4] for start, name in enumerate(("", model))}
    return (of[""] + again[""], of[model] + again[model])


@asynccontextmanager
async def chats(engine: VllmEngine, count: int = 16) -> AsyncIterator[Callable[[], dict[str, int]]]:
    """Chats that go on and on, as turns do; how many replies each model has made. An error of any fails the test."""
    made = dict[str, int]()

    async def chat(number: int) -> None:
        while True:
            name = engine.lend()
            try:
                sampling = Sampling(max_tokens=60, seed=number)
                async with aclosing(engine.generate(ask("Tell me a story."), sampling, model=name)) as deltas:
                    assert [delta.finish async for delta in deltas][-1] in ("stop", "length")
            finally:
                engine.give_back(name)
            made[name] = made.get(name, 0) + 1

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(chat(number)) for number in range(count)]
        try:
            yield lambda: dict(made)
        finally:
            for task in tasks:
                task.cancel()


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> list[LoraFiles]:
    folder = tmp_path_factory.mktemp("loras")
    return [version(folder, name) for name in NAMES]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory, versions: list[LoraFiles]) -> AsyncIterator[VllmEngine]:
    """Begins with the first version, so that LoRA mode and the mode without are a start each: 17 s on two cores."""
    # float32: in bfloat16 the size of a batch decides near ties.
    settings = EngineSettings(python=str(PYTHON), model="starter", dtype="float32")
    engine = VllmEngine(settings, data_dir=tmp_path_factory.mktemp("data"), clock=SystemClock())
    await engine.serve(versions[0])
    async with running(engine, ready_within=READY_WITHIN):
        yield engine


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base(engine: VllmEngine) -> list[str]:
    """What the base says; the last test compares it with a server without LoRA mode."""
    return await alone(engine)


async def test_in_mixed_batches_base_and_version_stay_apart_from_one_version_to_the_next(
    engine: VllmEngine, base: list[str], versions: list[LoraFiles]
) -> None:
    assert engine.settled("a")
    for one in versions[:4]:
        async with chats(engine):
            await engine.serve(one)
        own = await alone(engine, one.name)
        assert own != base
        assert await mixed(engine, one.name) == (base * 2, own * 2), one.name


async def test_without_the_spare_slot_they_would_not(
    engine: VllmEngine, base: list[str], versions: list[LoraFiles]
) -> None:
    # Were this to fail, vLLM would need no spare slot any more.
    lane, one = engine._fleet.serving, versions[4]
    assert lane
    assert lane.client
    assert not lane.takes(one), "four were loaded, and what was unloaded still holds its slot"
    await lane.client.load_lora(one.name, str(one.folder))
    lane.adapters[one.name] = one
    of_base, _ = await mixed(engine, one.name)
    assert of_base != base * 2
    await lane.drop(one.name)


async def test_a_server_without_lora_mode_takes_over_while_sixteen_chats_go_on(
    engine: VllmEngine, base: list[str]
) -> None:
    async with chats(engine) as replies:
        await engine.serve(None)
        assert sum(replies().values()) >= 16
    assert engine.settled("")
    assert await alone(engine) == base
