"""The whole life of a local server, with a stand-in for vLLM that starts in a second (the real one: test_real.py)."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.engine import build_engine, footing, home, lane
from botcore.engine.client import OpenAIClient
from botcore.engine.vllm import VllmEngine
from botcore.errors import EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Encoder, Engine, EngineStatus, Prompt
from botcore.settings import EngineSettings
from botcore.testing import check_engine
from botcore.testing.checks_engine import running

MakeModel = Callable[..., Path]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


class QuickClock(SystemClock):
    """Pauses are a tenth as long; deadlines are not touched."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 10)


@pytest.fixture
def make(fake_python: Path, tmp_path: Path) -> Callable[[Path], VllmEngine]:
    def build(model: Path, data: str = "data") -> VllmEngine:
        settings = EngineSettings(python=str(fake_python), model=str(model))
        engine = build_engine(settings, data_dir=tmp_path / data, clock=QuickClock())
        assert isinstance(engine, VllmEngine)
        return engine

    return build


def ask(text: str) -> Prompt:
    return Prompt(messages=(PromptMessage(role="user", content=text),))


async def said(engine: VllmEngine, text: str = "hello") -> str:
    async with aclosing(engine.generate(ask(text), Sampling())) as deltas:
        return "".join([delta.text async for delta in deltas])


async def becomes(engine: VllmEngine, wanted: Callable[[EngineStatus], object]) -> EngineStatus:
    while not wanted(engine.status):
        await engine.changed()
    return engine.status


def group_of(engine: VllmEngine) -> int:
    assert engine._fleet.serving
    return engine._fleet.serving.group


def members(group: int) -> list[int]:
    """Living processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


@asynccontextmanager
async def trying(engine: Engine | Encoder) -> AsyncIterator[None]:
    """Run an engine or encoder that may never get ready."""
    run = asyncio.create_task(engine.run())
    try:
        yield
    finally:
        run.cancel()
        await asyncio.wait([run])


async def test_it_keeps_the_contract_of_engines(make: Callable[[Path], VllmEngine], model: MakeModel) -> None:
    path = model()
    await check_engine(lambda: make(path))


async def test_the_stages_come_in_order_with_words_and_progress(
    make: Callable[[Path], VllmEngine], model: MakeModel
) -> None:
    engine, seen = make(model()), list[EngineStatus]()

    async def watch() -> None:
        while engine.status.stage != "ready":
            await engine.changed()
            seen.append(engine.status)

    watching = asyncio.create_task(watch())
    async with running(engine):
        await watching
        stages = [status.stage for status in seen]
        assert sorted(set(stages), key=stages.index) == ["model", "warmup", "ready"]
        progress = [status.progress for status in seen if status.progress is not None]
        assert progress == sorted(progress)
        assert "loading the weights, 50 %" in [status.detail for status in seen]
        assert (engine.status.model, engine.status.window) == ("tiny", 4096)


async def test_leaving_leaves_no_process_and_no_note(
    make: Callable[[Path], VllmEngine], model: MakeModel, tmp_path: Path
) -> None:
    engine = make(model())
    async with running(engine):
        group = group_of(engine)
        assert len(members(group)) == 2
    assert members(group) == []
    assert not [name for name in os.listdir(tmp_path / "data" / "run") if name.endswith(".group")]


async def test_a_server_that_dies_in_a_reply_is_told_and_comes_back_by_itself(
    make: Callable[[Path], VllmEngine], model: MakeModel
) -> None:
    engine = make(model())
    async with running(engine):
        group = group_of(engine)
        with pytest.raises(EngineUnavailable):
            await said(engine, "die")
        again = await becomes(engine, lambda status: status.stage == "model")
        assert "killed by signal 9" in again.detail
        await becomes(engine, lambda status: status.stage == "ready")
        assert await said(engine) == "one two three"
        assert members(group) == []


async def test_whoever_finds_the_server_dead_can_wait_for_the_next_one(
    make: Callable[[Path], VllmEngine], model: MakeModel
) -> None:
    engine = make(model())
    async with running(engine):
        os.killpg(group_of(engine), signal.SIGKILL)
        with pytest.raises(EngineUnavailable):
            await said(engine)
        assert engine.status.stage != "ready"
        await becomes(engine, lambda status: status.stage == "ready")
        assert await said(engine) == "one two three"


async def test_a_server_that_hangs_is_found_by_its_silence_and_replaced(
    make: Callable[[Path], VllmEngine], model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "PROBE_WITHIN", 0.3)
    engine = make(model())
    async with running(engine):
        with pytest.raises((EngineUnavailable, EngineTimeout)):
            await said(engine, "hang")
        # At once, not at the next look half a minute later.
        async with asyncio.timeout(15):
            assert "no token within 0.3 s" in (await becomes(engine, lambda status: status.stage == "model")).detail
        await becomes(engine, lambda status: status.stage == "ready")
        assert await said(engine) == "one two three"


async def test_an_idle_engine_is_asked_for_a_token_now_and_then(
    make: Callable[[Path], VllmEngine], model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "PROBE_EVERY", 0.05)
    monkeypatch.setattr(lane, "PROBE_WITHIN", 0.3)
    engine = make(model())
    async with running(engine):
        os.kill(group_of(engine), signal.SIGSTOP)
        assert "no token within" in (await becomes(engine, lambda status: status.stage != "ready")).detail


async def test_a_start_that_fails_says_why_and_tries_again_less_and_less_often(
    make: Callable[[Path], VllmEngine], model: MakeModel
) -> None:
    engine = make(model(fail="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"))
    async with trying(engine):
        status = await becomes(engine, lambda status: status.stage == "failed")
        assert "out of memory" in status.detail
        assert "starting again in 1 s" in status.detail
        await becomes(engine, lambda status: "starting again in 2 s" in status.detail)
        with pytest.raises(EngineUnavailable, match="out of memory"):
            await said(engine)


async def test_a_directory_without_a_model_says_so(make: Callable[[Path], VllmEngine], tmp_path: Path) -> None:
    engine = make(tmp_path)
    async with trying(engine):
        assert "holds no model" in (await becomes(engine, lambda status: status.stage == "failed")).detail


async def test_a_disk_that_takes_nothing_costs_the_engine_and_not_the_bot(
    make: Callable[[Path], VllmEngine], model: MakeModel, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "run").write_text("where the engine's folder should be")
    engine = make(model())
    async with trying(engine):
        assert "File exists" in (await becomes(engine, lambda status: status.stage == "failed")).detail


async def test_an_address_for_other_processes_that_cannot_be_written_costs_those_and_not_the_bot(
    make: Callable[[Path], VllmEngine], model: MakeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data" / "run" / "engine-1.link").mkdir(parents=True)
    async with running(make(model())) as engine:
        assert engine.status.stage == "ready"
    assert "other processes cannot use this engine" in caplog.text


async def test_a_second_engine_on_the_same_data_names_the_first_and_takes_its_place_when_that_has_left(
    make: Callable[[Path], VllmEngine], model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footing, "LOOK_AGAIN", 1.0)
    path = model()
    first, second = make(path), make(path)
    async with AsyncExitStack() as later:
        async with running(first):
            await later.enter_async_context(trying(second))
            status = await becomes(second, lambda status: status.stage == "failed")
            assert f"process {os.getpid()} runs the engine" in status.detail
            assert await said(first) == "one two three"
        await becomes(second, lambda status: status.stage == "ready")
        assert await said(second) == "one two three"


async def test_what_an_earlier_server_left_in_its_temporary_folder_is_gone_after_the_next_start(
    fake_python: Path, model: MakeModel
) -> None:
    settings = EngineSettings(python=str(fake_python), model=str(model()))
    left = []
    with tempfile.TemporaryDirectory(prefix="short-") as data_dir:
        for _ in range(2):
            engine = build_engine(settings, data_dir=Path(data_dir), clock=QuickClock())
            async with running(engine):
                left.append(os.listdir(f"{data_dir}/run/tmp"))
    (first,), (second,) = left
    assert first != second


async def test_a_data_directory_with_a_long_path_gets_a_short_socket(
    make: Callable[..., VllmEngine], model: MakeModel
) -> None:
    engine = make(model(), "d" * 120)
    async with running(engine):
        assert await said(engine) == "one two three"
        assert len(bytes(engine.socket)) < home.SOCKET_PATH_LIMIT
        assert engine.socket.parent.stat().st_mode & 0o777 == 0o700


async def test_another_process_may_use_the_socket_with_the_key_of_the_settings(
    fake_python: Path, model: MakeModel, tmp_path: Path
) -> None:
    settings = EngineSettings.model_validate({"python": str(fake_python), "model": str(model()), "api_key": "shared"})
    engine = VllmEngine(settings, data_dir=tmp_path / "data", clock=QuickClock())
    async with running(engine):
        socket = str(tmp_path / "data" / "run" / "engine.sock")
        async with OpenAIClient("http://e/v1", clock=SystemClock(), api_key="shared", socket=socket) as client:
            assert [served.id for served in await client.models()] == ["tiny"]
        assert b"shared" not in await asyncio.to_thread(Path(f"/proc/{group_of(engine)}/cmdline").read_bytes)


async def test_what_a_double_kill_left_is_ended_at_the_next_start(
    make: Callable[[Path], VllmEngine], model: MakeModel, tmp_path: Path
) -> None:
    orphan = await asyncio.create_subprocess_exec(
        "sleep", "600", executable="/bin/sleep", process_group=0, env={"NAME": "not vllm"}
    )
    ours = await asyncio.create_subprocess_exec("VLLM::EngineCore", "600", executable="/bin/sleep", process_group=0)
    run = tmp_path / "data" / "run"
    await asyncio.to_thread(run.mkdir, parents=True)
    for process in (orphan, ours):
        await asyncio.to_thread((run / f"{process.pid}.group").touch)
    async with running(make(model())):
        assert await ours.wait() == -signal.SIGKILL
        assert orphan.returncode is None
    orphan.kill()
    await orphan.wait()


async def test_the_starter_says_what_it_is_not_and_how_to_take_a_better_one(
    make: Callable[[Path], VllmEngine],
) -> None:
    async with running(make(Path("starter"))) as engine:
        assert "starter is a very small model" in engine.status.detail
        assert "knows nothing of the world. A better one: botcore model get Qwen/" in engine.status.detail


async def test_a_model_that_was_not_fetched_is_one_line_with_the_command(make: Callable[[Path], VllmEngine]) -> None:
    engine = make(Path("owner/tiny"))
    async with trying(engine):
        status = await becomes(engine, lambda now: now.stage == "failed")
    assert status.detail == ("engine.model: owner/tiny is not on this machine; fetch it: botcore model get owner/tiny")
