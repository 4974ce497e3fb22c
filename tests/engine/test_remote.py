import asyncio
import logging
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from botcore.clock import SystemClock
from botcore.engine import build_engine
from botcore.engine.build import build_remote
from botcore.engine.remote import Remote, RemoteEngine
from botcore.errors import EngineRejected, EngineTimeout, EngineUnavailable, SettingsError
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Engine, Prompt
from botcore.settings import EngineSettings
from botcore.testing import ManualClock, check_engine
from botcore.testing.checks_engine import running
from botcore.testing.clock import settle
from botcore.testing.openai_server import Answer, FakeOpenAI, Stream
from botcore.versions import LoraFiles

PROMPT = Prompt(messages=(PromptMessage(role="user", content="hello there"),))


async def said(engine: Engine) -> str:
    async with aclosing(engine.generate(PROMPT, Sampling())) as deltas:
        return "".join([delta.text async for delta in deltas])


async def becomes(engine: Engine, stage: str) -> str:
    while engine.status.stage != stage:
        await engine.changed()
    return engine.status.detail


async def test_it_keeps_the_contract_of_engines() -> None:
    async with FakeOpenAI() as server:

        async def open_streams(engine: Engine) -> int:
            return server.open

        await check_engine(
            lambda: RemoteEngine(Remote(base_url=server.url), clock=SystemClock()), running_requests=open_streams
        )


async def test_the_settings_make_it(tmp_path: Path) -> None:
    async with FakeOpenAI(model="llama", window=512) as server:
        settings = EngineSettings(kind="openai", base_url=server.url)
        async with running(build_engine(settings, data_dir=tmp_path, clock=SystemClock())) as engine:
            assert (engine.status.model, engine.status.window) == ("llama", 512)
            assert await said(engine) == "one two three"
            assert server.bodies[-1]["model"] == "llama"
            assert await engine.count(PROMPT.messages) == 4


@pytest.mark.parametrize(("says", "given", "window"), [(0, 900, 900), (999, 900, 900), (512, 900, 512), (512, 0, 512)])
async def test_the_window_of_the_settings_counts_where_the_server_says_none_or_more(
    tmp_path: Path, says: int, given: int, window: int
) -> None:
    async with FakeOpenAI(window=says) as server:
        settings = EngineSettings(kind="openai", base_url=server.url, window=given)
        async with running(build_engine(settings, data_dir=tmp_path, clock=SystemClock())) as engine:
            assert engine.status.window == window


async def test_a_server_without_a_list_of_models_needs_the_name_and_nothing_else() -> None:
    async with FakeOpenAI(model="sonar") as server:
        server.lists = False
        with pytest.raises(EngineRejected, match=r"Not Found.*check engine\.base_url and engine\.model"):
            await RemoteEngine(Remote(base_url=server.url), clock=SystemClock()).look()
        async with running(RemoteEngine(Remote(base_url=server.url, model="sonar"), clock=SystemClock())) as engine:
            assert await said(engine) == "one two three"


async def test_a_password_in_the_address_is_used_and_never_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAI() as server:
        address = server.url.replace("://", "://ana:very-secret@")
        settings = EngineSettings(kind="openai", base_url=address)
        async with running(build_engine(settings, data_dir=tmp_path, clock=SystemClock())) as engine:
            assert await said(engine) == "one two three"
            assert engine.status.detail == server.url
            assert server.headers[-1]["Authorization"].startswith("Basic ")
    wrong = EngineSettings(kind="openai", base_url=address, model="another")
    with pytest.raises(EngineUnavailable) as gone:
        await build_remote(wrong, SystemClock()).look()
    assert "very-secret" not in f"{gone.value} {caplog.text}"


def test_without_a_base_url_the_settings_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"needs engine\.base_url"):
        build_engine(EngineSettings(kind="openai"), data_dir=tmp_path, clock=SystemClock())


def test_an_unknown_kind_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="vllm, openai and scripted"):
        build_engine(EngineSettings(kind="gguf"), data_dir=tmp_path, clock=SystemClock())


async def test_a_lora_is_asked_for_by_its_name() -> None:
    async with (
        FakeOpenAI() as server,
        running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine,
    ):
        async with aclosing(engine.generate(PROMPT, Sampling(), model="lora-3")) as deltas:
            await anext(deltas)
        assert server.bodies[-1]["model"] == "lora-3"


async def test_another_process_engine_is_reached_by_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    remote = Remote(base_url=f"unix://{path}", api_key="k")
    async with FakeOpenAI(socket=path, key="k"), running(RemoteEngine(remote, clock=SystemClock())) as engine:
        assert await said(engine) == "one two three"


async def test_health_is_one_token_at_the_start_and_the_list_of_models_later() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server, running(RemoteEngine(Remote(base_url=server.url), clock=clock)):
        assert [body["max_tokens"] for body in server.bodies] == [1]
        looks = server.paths.count("/v1/models")
        await clock.advance(31)
        await settle(200)
        assert server.paths.count("/v1/models") == looks + 1
        assert len(server.bodies) == 1


async def test_a_server_that_answers_but_cannot_generate_is_not_ready() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server:
        server.queue(Answer(500, {"error": {"message": "CUDA is gone"}}))
        engine = RemoteEngine(Remote(base_url=server.url), clock=clock)
        run = asyncio.create_task(engine.run())
        assert "CUDA is gone; next look in 1 s" in await becomes(engine, "failed")
        await clock.advance(1)
        await becomes(engine, "ready")
        run.cancel()
        await asyncio.wait([run])


async def test_a_server_that_is_away_is_looked_for_less_and_less_often() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server:
        url = server.url
    engine = RemoteEngine(Remote(base_url=url), clock=clock)
    run = asyncio.create_task(engine.run())
    pauses = []
    for pause in (1, 2, 4, 8, 16, 32, 60, 60):
        while f"next look in {pause} s" not in engine.status.detail:
            await engine.changed()
        pauses.append(engine.status.stage)
        engine._board.show(detail="seen")
        await clock.advance(pause)
    assert pauses == ["failed"] * 8
    run.cancel()
    await asyncio.wait([run])


async def test_a_failed_request_makes_it_look_at_once() -> None:
    async with (
        FakeOpenAI() as server,
        running(RemoteEngine(Remote(base_url=server.url), clock=ManualClock())) as engine,
    ):
        server.queue(Stream(cut_after=1), Answer(503, "down"))
        with pytest.raises(EngineUnavailable):
            await said(engine)
        assert engine.status.stage == "warmup"  # by then: whoever tries again waits for the look
        assert "down" in await becomes(engine, "model")


async def test_a_server_that_hangs_must_make_a_token_and_is_ready_no_more_where_it_does_not() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server, running(RemoteEngine(Remote(base_url=server.url), clock=clock)) as engine:
        server.queue(Stream(held=True), Stream(held=True))
        server.begun.clear()
        asked = asyncio.create_task(said(engine))
        await server.begun.wait()
        server.begun.clear()
        await clock.advance(31)
        with pytest.raises(EngineTimeout):
            await asked
        await server.begun.wait()  # the look: it lists its models all the while
        for _ in range(28):
            assert engine.status.stage == "ready"
            await clock.advance(1)
        while engine.status.stage == "ready":
            await clock.advance(1)
        assert "more than 30 s for its first token; next look in 1 s" in await becomes(engine, "model")


async def test_a_server_that_was_well_is_waited_for_while_it_may_be_starting_again(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "e.sock"
    engine = RemoteEngine(Remote(base_url=f"unix://{path}"), clock=clock)
    run = asyncio.create_task(engine.run())
    async with FakeOpenAI(socket=path):
        await becomes(engine, "ready")
    with pytest.raises(EngineUnavailable):
        await said(engine)
    stages = []
    for pause in (1, 2, 4, 8, 16, 32, 60):
        while f"next look in {pause} s" not in engine.status.detail:
            await engine.changed()
        stages.append(engine.status.stage)
        await clock.advance(pause)
    assert stages == ["model"] * 6 + ["failed"]
    async with FakeOpenAI(socket=path):
        await clock.advance(60)
        await becomes(engine, "ready")
    run.cancel()
    await asyncio.wait([run])


@pytest.mark.parametrize("data", [5, True, {"a": 1}, [3], "fake"])
async def test_a_list_of_models_that_is_none_is_told_and_ends_nothing(data: object) -> None:
    async def nonsense(request: web.Request) -> web.Response:
        return web.json_response({"data": data})

    application = web.Application()
    application.router.add_get("/v1/models", nonsense)
    async with TestServer(application) as server:
        engine = RemoteEngine(Remote(base_url=str(server.make_url("/v1"))), clock=ManualClock())
        run = asyncio.create_task(engine.run())
        assert "names no model; set engine.model" in await becomes(engine, "failed")
        run.cancel()
        await asyncio.wait([run])


async def test_a_model_it_does_not_serve_is_named_with_those_it_does() -> None:
    async with FakeOpenAI(model="llama") as server:
        engine = RemoteEngine(Remote(base_url=server.url, model="qwen"), clock=ManualClock())
        run = asyncio.create_task(engine.run())
        assert "does not serve qwen; set engine.model to one of: llama" in await becomes(engine, "failed")
        run.cancel()
        await asyncio.wait([run])


async def test_the_key_is_in_no_status_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAI(key="right") as server:
        engine = RemoteEngine(Remote(base_url=server.url, api_key="sk-secret"), clock=ManualClock())
        run = asyncio.create_task(engine.run())
        assert "set engine.api_key" in await becomes(engine, "failed")
        assert "sk-secret" not in engine.status.detail + caplog.text
        run.cancel()
        await asyncio.wait([run])


def adapter(folder: Path, name: str = "sft-1") -> LoraFiles:
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    return LoraFiles(name=name, folder=folder, files_hash="", rank=8)


async def test_a_version_is_loaded_into_a_server_that_takes_adapters(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as server,
        running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine,
    ):
        server.lora_slots = 2
        await engine.serve(adapter(tmp_path / "sft-1"))
        assert (engine.status.lora, engine.lend(), server.loaded) == ("sft-1", "sft-1", ["sft-1"])
        await engine.serve(None)
        assert engine.settled("")


async def test_one_that_the_server_was_started_with_is_used_by_its_name(tmp_path: Path) -> None:
    async with FakeOpenAI() as server:
        server.models.append("sft-1")
        async with running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine:
            await engine.serve(adapter(tmp_path / "sft-1"))
            assert engine.settled("sft-1")


async def test_one_whose_files_lie_with_another_process_comes_when_that_one_has_loaded_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as server:
        server.lora_slots = 2
        version = LoraFiles(name="sft-1", folder=tmp_path / "gone", files_hash="", rank=0)
        async with running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine:
            with pytest.raises(EngineUnavailable, match=r"has no sft-1 yet, and .*gone is not here"):
                await engine.serve(version)
            server.models.append("sft-1")
            await engine.serve(version)
            assert (engine.settled("sft-1"), server.loaded) == (True, [])


async def test_a_server_that_takes_no_adapters_is_told_with_what_it_needs(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as server,
        running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine,
    ):
        with pytest.raises(EngineRejected, match=r"VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 .* --lora-modules sft-1=/"):
            await engine.serve(adapter(tmp_path / "sft-1"))
        assert engine.settled("")


async def test_the_engine_of_another_process_is_that_ones_to_load(tmp_path: Path) -> None:
    socket = tmp_path / "e.sock"
    async with FakeOpenAI(socket=socket) as server:
        server.lora_slots = 2
        async with running(RemoteEngine(Remote(base_url=f"unix://{socket}"), clock=SystemClock())) as engine:
            assert not engine.owns
            with pytest.raises(EngineUnavailable, match="has not loaded sft-1 yet"):
                await engine.serve(adapter(tmp_path / "sft-1"))
            server.models.append("sft-1")
            await engine.serve(adapter(tmp_path / "again"))
            assert engine.settled("sft-1")


async def test_a_version_that_was_unloaded_there_is_worth_another_try_with_what_is_left(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as server,
        running(RemoteEngine(Remote(base_url=server.url), clock=SystemClock())) as engine,
    ):
        server.lora_slots = 2
        await engine.serve(adapter(tmp_path / "sft-1"))
        server.models.remove("sft-1")
        with pytest.raises(EngineUnavailable, match="serves sft-1 no more"):
            async with aclosing(engine.generate(PROMPT, Sampling(), model="sft-1")) as deltas:
                await anext(deltas)
        assert (engine.status.lora, engine.has("sft-1")) == ("", False)
        assert await said(engine) == "one two three"
