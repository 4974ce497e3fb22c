import logging
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.engine import build_encoder
from botcore.engine.remote_encoder import RemoteEncoder
from botcore.errors import EngineRejected, EngineUnavailable
from botcore.settings import EncoderSettings, EngineSettings
from botcore.testing import ManualClock, check_encoder
from botcore.testing.checks_engine import running
from botcore.testing.clock import settle
from botcore.testing.openai_server import Answer, FakeOpenAI


def made(server: FakeOpenAI, *, clock: ManualClock | None = None, **settings: object) -> RemoteEncoder:
    table = EncoderSettings.model_validate({"kind": "openai", "base_url": server.url, **settings})
    return RemoteEncoder(table, clock=clock or SystemClock())


async def becomes(encoder: RemoteEncoder, stage: str) -> str:
    while encoder.status.stage != stage:
        await encoder.changed()
    return encoder.status.detail


@pytest.mark.parametrize("owner", ["vllm", "somebody else"])
async def test_it_keeps_the_contract_of_encoders(owner: str) -> None:
    async with FakeOpenAI() as server:
        server.owner, server.longest = owner, 100
        await check_encoder(lambda: made(server))


async def test_the_settings_make_it(tmp_path: Path) -> None:
    async with FakeOpenAI(model="e5", window=512, key="secret") as server:
        table = {"kind": "openai", "base_url": server.url, "api_key": "secret", "passage_prefix": "passage: "}
        settings = EncoderSettings.model_validate(table)
        encoder = build_encoder(settings, engine=EngineSettings(), data_dir=tmp_path, clock=SystemClock())
        assert encoder
        assert encoder.name == ""
        async with running(encoder):
            assert (encoder.status.model, encoder.status.window) == ("e5", 512)
            await encoder.encode(["sea"])
            assert server.embedded[-1]["input"] == ["passage: sea"]
            await encoder.encode(["sea"], question=True)
            assert server.embedded[-1]["input"] == ["sea"]


async def test_off_is_none(tmp_path: Path) -> None:
    found = build_encoder(EncoderSettings(), engine=EngineSettings(), data_dir=tmp_path, clock=SystemClock())
    assert found is None


async def test_its_vectors_are_known_by_model_and_host_and_never_by_a_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAI(model="e5") as server:
        host = server.url.removeprefix("http://").removesuffix("/v1")
        async with running(made(server, base_url=server.url.replace("://", "://ana:very-secret@"))) as encoder:
            assert encoder.name == f"e5@{host}"
            assert encoder.status.detail == server.url
        other = made(server, model="e5", passage_prefix="passage: ")
        assert other.name.startswith(f"e5@{host}+")
    assert "very-secret" not in caplog.text


async def test_of_several_models_one_must_be_named() -> None:
    async with FakeOpenAI() as server:
        server.models = ["llama", "e5"]
        with pytest.raises(EngineRejected, match=r"serves 2 models; set encoder\.model to one of: llama, e5"):
            await made(server).look()
        assert await made(server, model="e5").look() == "e5"
        with pytest.raises(EngineRejected, match=r"does not exist.*check encoder\.base_url and encoder\.model"):
            await made(server, model="bert").look()


async def test_a_server_without_a_list_of_models_needs_the_name_and_nothing_else() -> None:
    async with FakeOpenAI(model="e5") as server:
        server.lists = False
        with pytest.raises(EngineRejected, match=r"Not Found.*check encoder\.base_url and encoder\.model"):
            await made(server).look()
        async with running(made(server, model="e5")) as encoder:
            assert len(await encoder.encode(["sea"])) == 1


async def test_where_the_server_does_not_cut_the_text_is_halved_until_it_fits() -> None:
    async with FakeOpenAI() as server:
        server.owner, server.longest = "somebody else", 100
        async with running(made(server)) as encoder:
            long, short = await encoder.encode(["sea " * 500, "ship"])
            assert short == (await encoder.encode(["ship"]))[0]
            assert len(server.embedded[-2]["input"][0].split()) <= 100
        server.longest = 1
        async with running(made(server)) as encoder:
            with pytest.raises(EngineRejected, match="maximum context length is 1"):
                await encoder.encode(["two words"])
    assert len(long) == len(short)


async def test_a_server_that_is_gone_is_told_at_once_and_comes_back_by_itself() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server, running(made(server, clock=clock)) as encoder:
        server.queue(Answer(503, "restarting"), Answer(503, "restarting"))
        with pytest.raises(EngineUnavailable, match="restarting"):
            await encoder.encode(["sea"])
        with pytest.raises(EngineUnavailable, match="looking whether the server still answers"):
            await encoder.encode(["sea"])
        assert "restarting; next look in 1 s" in await becomes(encoder, "failed")
        await clock.advance(1.1)
        await becomes(encoder, "ready")
        assert len(await encoder.encode(["sea"])) == 1


async def test_a_server_that_is_well_is_looked_at_each_minute() -> None:
    clock = ManualClock()
    async with FakeOpenAI() as server, running(made(server, clock=clock)) as encoder:
        assert len(server.embedded) == 1
        await settle()
        server.queue(Answer(500, "out of memory"))
        await clock.advance(60)
        assert "out of memory" in await becomes(encoder, "failed")
