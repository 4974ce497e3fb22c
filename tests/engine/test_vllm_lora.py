"""LoRA versions in a local server, with the stand-in for vLLM: it says who answers, and what holds its slots."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from botcore.engine import vllm as vllm_module
from botcore.engine.vllm import VllmEngine
from botcore.errors import EngineRejected, EngineUnavailable
from botcore.messages import Sampling
from botcore.models.adapter import adapter_in
from botcore.ports import Delta
from botcore.settings import EngineSettings
from botcore.testing.checks_engine import running
from botcore.versions import LoraFiles
from tests.engine.test_vllm import MakeModel, QuickClock, ask, becomes, group_of, members
from tests.models.made import adapter_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
MakeAdapter = Callable[..., LoraFiles]


@pytest.fixture
def adapter(tmp_path: Path) -> MakeAdapter:
    def make(name: str, **config: object) -> LoraFiles:
        folder = tmp_path / "loras" / name
        folder.mkdir(parents=True)
        for file, content in adapter_files(**config).items():
            (folder / file).write_bytes(content)
        found = adapter_in(folder)
        return LoraFiles(name=name, folder=folder, files_hash=found.files_hash, rank=found.rank)

    return make


@pytest.fixture
def engine(fake_python: Path, model: MakeModel, tmp_path: Path) -> VllmEngine:
    settings = EngineSettings(python=str(fake_python), model=str(model()))
    return VllmEngine(settings, data_dir=tmp_path / "data", clock=QuickClock())


def generate(engine: VllmEngine, text: str, model: str) -> AsyncGenerator[Delta, None]:
    return engine.generate(ask(text), Sampling(), model=model)


async def said(engine: VllmEngine, text: str = "who", model: str = "") -> str:
    async with aclosing(generate(engine, text, model)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def slots(engine: VllmEngine) -> list[str]:
    """How many the server has, and who holds one."""
    return (await said(engine, "slots")).split()


def let_go(tmp_path: Path) -> None:
    (tmp_path / "models" / "tiny" / "go").touch()


async def test_there_is_no_lora_mode_while_no_version_is_in_service(engine: VllmEngine, adapter: MakeAdapter) -> None:
    async with running(engine):
        plain = group_of(engine)
        assert await slots(engine) == ["0"]
        assert engine.settled("")
        await engine.serve(adapter("sft-1"))
        assert await slots(engine) == ["5", "sft-1"]
        assert (engine.status.lora, engine.status.model) == ("sft-1", "tiny")
        assert engine.settled("sft-1")
        await engine.serve(None)
        await engine._fleet.left()
        assert await slots(engine) == ["0"]
        assert (engine.status.lora, members(plain)) == ("", [])


async def test_streams_finish_on_what_they_began_with(engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path) -> None:
    async with running(engine):
        plain = group_of(engine)
        async with aclosing(generate(engine, "slow", "")) as of_base:
            await anext(of_base)
            await engine.serve(adapter("sft-1"))
            in_lora_mode = group_of(engine)
            async with aclosing(generate(engine, "slow", "sft-1")) as of_lora:
                await anext(of_lora)
                assert members(plain), "it has a stream"
                off = asyncio.create_task(engine.serve(None))
                await becomes(engine, lambda status: not status.lora)
                assert await said(engine) == "tiny", "new turns get the base at once"
                await asyncio.to_thread(let_go, tmp_path)
                for stream in (of_base, of_lora):
                    assert [delta.text async for delta in stream] == [" does", " it", ""]
                await off
        await engine._fleet.left()
        assert members(plain) == members(in_lora_mode) == []


async def test_from_one_version_to_the_next_it_is_the_same_server_and_the_old_one_is_unloaded(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    async with running(engine):
        await engine.serve(adapter("a"))
        group, held = group_of(engine), engine.lend()
        await engine.serve(adapter("b"))
        assert (engine.status.lora, held, group_of(engine)) == ("b", "a", group)
        assert await said(engine, model=held) == "a", "a turn that began with it may ask again"
        engine.give_back(held)
        await engine._fleet.left()
        assert not engine.has("a")
        with pytest.raises(EngineUnavailable, match="a is in service no more"):
            await said(engine, model="a")
        assert await said(engine, model="b") == "b"


async def test_an_off_that_is_taken_back_before_it_is_done_needs_no_server(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    version = adapter("a")
    async with running(engine):
        await engine.serve(version)
        group = group_of(engine)
        off = asyncio.create_task(engine.serve(None))
        await becomes(engine, lambda status: "next model tiny" in status.detail)
        off.cancel()
        await asyncio.wait([off])
        await engine.serve(version)
        assert (group_of(engine), engine.status.lora) == (group, "a")
        assert await slots(engine) == ["5", "a"], "it was not loaded twice"


async def test_the_last_slot_stays_empty_however_many_versions_come(engine: VllmEngine, adapter: MakeAdapter) -> None:
    async with running(engine):
        for name in ("a", "b", "c", "d", "e", "f"):
            await engine.serve(adapter(name))
            assert await said(engine) == "tiny"
            assert await said(engine, model=name) == name
        assert await slots(engine) == ["5", "e", "f"], "a fresh server after four"


async def test_a_load_that_is_called_off_takes_its_slot_all_the_same_and_is_there_when_it_is_wanted_again(
    engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path
) -> None:
    late = adapter("fake_waits")
    async with running(engine):
        await engine.serve(adapter("a"))
        loading = asyncio.create_task(engine.serve(late))
        async with asyncio.timeout(10):
            while await slots(engine) != ["5", "a", late.name]:
                pass
        loading.cancel()
        await asyncio.wait([loading])
        await asyncio.to_thread(let_go, tmp_path)
        for version in (late, adapter("b"), adapter("c"), adapter("d")):
            await engine.serve(version)
            assert await said(engine, model=version.name) == version.name
            assert await said(engine) == "tiny", "the last slot is empty"


async def test_without_the_spare_slot_the_base_would_answer_as_an_adapter(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    engine.lora_slots = 1
    async with running(engine):
        await engine.serve(adapter("a"))
        assert await said(engine) == "a"


async def test_a_larger_rank_takes_a_server_of_its_own(engine: VllmEngine, adapter: MakeAdapter) -> None:
    async with running(engine):
        await engine.serve(adapter("a"))
        small = group_of(engine)
        await engine.serve(adapter("b", r=64))
        assert group_of(engine) != small
        assert await said(engine, model="b") == "b"


@pytest.mark.parametrize("harm", ["gone", "changed"])
async def test_files_that_are_not_what_they_were_never_reach_vllm(
    engine: VllmEngine, adapter: MakeAdapter, harm: str
) -> None:
    version = adapter("a")
    config = version.folder / "adapter_config.json"
    config.unlink() if harm == "gone" else config.write_text("{}")
    async with running(engine):
        group = group_of(engine)
        with pytest.raises(EngineRejected, match=f"a cannot be served: its files .*{harm}"):
            await engine.serve(version)
        assert (engine.status.lora, group_of(engine)) == ("", group), "no second server was started for it"


async def test_a_version_that_vllm_refuses_leaves_the_one_before_in_service(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    async with running(engine):
        await engine.serve(adapter("a"))
        with pytest.raises(EngineRejected, match="does not load b: Call to add_lora method failed: unexpected modules"):
            await engine.serve(adapter("b", fake_fails=True))
        assert engine.status.lora == "a"
        assert await said(engine, model="a") == "a"


async def test_a_server_that_died_loads_the_version_again_before_it_is_ready(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    async with running(engine):
        await engine.serve(adapter("a"))
        with pytest.raises(EngineUnavailable):
            await said(engine, "die", model="a")
        await becomes(engine, lambda status: status.stage == "model")
        await becomes(engine, lambda status: status.stage == "ready")
        assert engine.status.lora == "a"
        assert await said(engine, model="a") == "a"


async def test_a_version_whose_files_vanished_is_not_loaded_again_and_the_base_answers(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    version = adapter("a")
    async with running(engine):
        await engine.serve(version)
        (version.folder / "adapter_model.safetensors").unlink()
        with pytest.raises(EngineUnavailable):
            await said(engine, "die", model="a")
        await becomes(engine, lambda status: status.stage == "model")
        await becomes(engine, lambda status: status.stage == "ready")
        assert (engine.status.lora, engine.has("a")) == ("", False)
        assert await said(engine) == "tiny"
        with pytest.raises(EngineRejected, match="its files are gone"):
            await engine.serve(version)


async def test_a_start_begins_with_the_version_that_is_wanted(engine: VllmEngine, adapter: MakeAdapter) -> None:
    await engine.serve(adapter("a"))
    async with running(engine):
        assert engine._started == 1
        assert engine.status.lora == "a"
        assert await said(engine, model="a") == "a"


async def test_where_memory_allows_only_one_server_the_version_comes_after_a_pause(
    engine: VllmEngine, adapter: MakeAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_module, "has_room_for_two", lambda group: False)
    async with running(engine):
        serving = asyncio.create_task(engine.serve(adapter("a")))
        assert "so there is a pause" in (await becomes(engine, lambda status: status.stage == "model")).detail
        await serving
        assert (engine.status.stage, engine.status.lora) == ("ready", "a")
        assert await said(engine, model="a") == "a"


async def test_lora_mode_that_does_not_start_leaves_the_base_in_service(
    engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path
) -> None:
    async with running(engine):
        (tmp_path / "models" / "tiny" / "fake.json").write_text(json.dumps({"fail": "ValueError: no LoRA here"}))
        with pytest.raises(EngineUnavailable, match="does not start: ValueError: no LoRA here"):
            await engine.serve(adapter("a"))
        assert (engine.status.stage, engine.status.lora) == ("ready", "")
        assert await said(engine) == "tiny"


async def test_where_the_start_in_lora_mode_fails_the_base_can_still_be_had(
    engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path
) -> None:
    (tmp_path / "models" / "tiny" / "fake.json").write_text(json.dumps({"fail_lora": "ValueError: no LoRA here"}))
    await engine.serve(adapter("a"))
    run = asyncio.create_task(engine.run())
    status = await becomes(engine, lambda status: status.stage == "failed")
    assert ("no LoRA here" in status.detail, engine.lend()) == (True, "a"), "a turn that waits does not hold it up"
    await engine.serve(None)
    assert (engine.status.stage, engine.settled(""), engine.has("a")) == ("ready", True, False)
    assert await said(engine) == "tiny"
    run.cancel()
    await asyncio.wait([run])


async def test_the_plain_server_serves_on_while_the_one_in_lora_mode_comes(
    engine: VllmEngine, adapter: MakeAdapter
) -> None:
    details = set[str]()

    async def watch() -> None:
        while not engine.status.lora:
            await engine.changed()
            assert engine.status.stage == "ready"
            details.add(engine.status.detail)

    async with running(engine):
        watching = asyncio.create_task(watch())
        await engine.serve(adapter("a"))
        await watching
    assert "next model tiny with LoRA: loading the weights, 50 %" in details


async def test_a_version_that_does_not_start_after_the_pause_brings_the_plain_server_back(
    engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_module, "has_room_for_two", lambda group: False)
    async with running(engine):
        fake = tmp_path / "models" / "tiny" / "fake.json"
        before = fake.read_text()
        fake.write_text(json.dumps({"fail": "ValueError: no LoRA here"}))
        with pytest.raises(EngineUnavailable, match="does not start"):
            await engine.serve(adapter("a"))
        fake.write_text(before)
        await becomes(engine, lambda status: status.stage == "ready")
        assert await said(engine) == "tiny"


async def test_a_version_that_is_called_off_before_the_pause_leaves_the_plain_server_in_service(
    engine: VllmEngine, adapter: MakeAdapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vllm_module, "has_room_for_two", lambda group: False)
    async with running(engine):
        async with aclosing(generate(engine, "slow", "")) as deltas:
            await anext(deltas)
            serving = asyncio.create_task(engine.serve(adapter("a")))
            await becomes(engine, lambda status: status.stage == "model")
            serving.cancel()
            await asyncio.wait([serving])
            assert (engine.status.stage, engine.status.lora) == ("ready", "")
            await asyncio.to_thread(let_go, tmp_path)
            assert [delta.text async for delta in deltas] == [" does", " it", ""]
        assert await said(engine) == "tiny"
        await engine.serve(adapter("b"))
        assert engine.status.lora == "b"
