"""The whole life of a local encoder, with a stand-in for vLLM (the real one: test_real_encoder.py)."""

import hashlib
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from botcore.engine import build_encoder, build_engine, lane
from botcore.engine.vllm import VllmEngine
from botcore.engine.vllm_encoder import VllmEncoder
from botcore.errors import EngineTimeout, EngineUnavailable
from botcore.ports import Encoder, EngineStatus
from botcore.settings import EncoderSettings, EngineSettings
from botcore.testing import check_encoder
from botcore.testing.checks_engine import running
from tests.engine.test_vllm import QuickClock, members, said, trying

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

Make = Callable[..., VllmEncoder]


@pytest.fixture
def bert(model: Callable[..., Path]) -> Path:
    return model("bert", window=8, architectures=["BertModel"])


@pytest.fixture
def make(fake_python: Path, tmp_path: Path) -> Make:
    def build(model: object, **settings: object) -> VllmEncoder:
        table = EncoderSettings.model_validate({"kind": "vllm", "model": str(model), **settings})
        engine = EngineSettings(python=str(fake_python))
        encoder = build_encoder(table, engine=engine, data_dir=tmp_path / "data", clock=QuickClock())
        assert isinstance(encoder, VllmEncoder)
        return encoder

    return build


async def becomes(encoder: Encoder, wanted: Callable[[EngineStatus], object]) -> EngineStatus:
    while not wanted(encoder.status):
        await encoder.changed()
    return encoder.status


def group_of(encoder: VllmEncoder) -> int:
    assert encoder._lane
    return encoder._lane.group


async def test_it_keeps_the_contract_of_encoders(make: Make, bert: Path) -> None:
    await check_encoder(lambda: make(bert))


async def test_its_vectors_are_known_by_its_weights_and_by_what_stands_before_passages(make: Make, bert: Path) -> None:
    (bert / "model.safetensors").write_bytes(b"weights")
    plain, asking, reading = make(bert), make(bert, question_prefix="query: "), make(bert, passage_prefix="passage: ")
    assert plain.name == ""
    for encoder in (plain, asking, reading):
        async with running(encoder):
            pass
    digest = hashlib.sha256(b"weights").hexdigest()[:12]
    assert plain.name == asking.name == f"bert:{digest}"
    assert reading.name.startswith(f"bert:{digest}+")


async def test_prefixes_stand_before_what_asks_and_what_is_searched(make: Make, bert: Path) -> None:
    async with running(make(bert)) as plain:
        wanted = await plain.encode(["query: sea", "passage: sea"])
    async with running(make(bert, question_prefix="query: ", passage_prefix="passage: ")) as encoder:
        assert [*await encoder.encode(["sea"], question=True), *await encoder.encode(["sea"])] == wanted


async def test_leaving_leaves_no_process_and_no_note(make: Make, bert: Path, tmp_path: Path) -> None:
    encoder = make(bert)
    async with running(encoder):
        group = group_of(encoder)
        assert len(members(group)) == 2
    assert members(group) == []
    assert list((tmp_path / "data").rglob("*.group")) == []


async def test_its_words_are_in_a_log_of_their_own(make: Make, bert: Path, tmp_path: Path) -> None:
    async with running(make(bert)):
        assert "Starting vLLM server" in (tmp_path / "data" / "logs" / "encoder.log").read_text()
    assert not (tmp_path / "data" / "logs" / "engine.log").exists()


async def test_engine_and_encoder_live_side_by_side_and_neither_ends_the_other(
    make: Make, bert: Path, model: Callable[..., Path], fake_python: Path, tmp_path: Path
) -> None:
    settings = EngineSettings(python=str(fake_python), model=str(model()))
    encoder = make(bert)
    async with running(encoder):
        group = group_of(encoder)
        engine = build_engine(settings, data_dir=tmp_path / "data", clock=QuickClock())
        assert isinstance(engine, VllmEngine)
        async with running(engine):
            assert await said(engine) == "one two three"
            assert len(await encoder.encode(["sea"])) == 1
        assert (group_of(encoder), len(await encoder.encode(["sea"]))) == (group, 1)


async def test_a_second_encoder_on_the_same_data_names_the_first(make: Make, bert: Path) -> None:
    first, second = make(bert), make(bert)
    async with AsyncExitStack() as later:
        await later.enter_async_context(running(first))
        await later.enter_async_context(trying(second))
        status = await becomes(second, lambda status: status.stage == "failed")
        assert f"process {os.getpid()} runs the encoder" in status.detail
        assert "give this bot a bot.data_dir of its own" in status.detail


async def test_a_server_that_dies_in_a_call_is_told_and_comes_back_by_itself(make: Make, bert: Path) -> None:
    encoder = make(bert)
    async with running(encoder):
        before = await encoder.encode(["sea"])
        with pytest.raises(EngineUnavailable):
            await encoder.encode(["die"])
        assert encoder.status.stage != "ready"
        with pytest.raises(EngineUnavailable, match=r"the encoder (?:is not ready|at)"):
            await encoder.encode(["sea"])
        await becomes(encoder, lambda status: status.stage == "ready")
        assert await encoder.encode(["sea"]) == before


async def test_a_server_that_is_killed_comes_back_by_itself(make: Make, bert: Path) -> None:
    encoder = make(bert)
    async with running(encoder):
        os.killpg(group_of(encoder), signal.SIGKILL)
        status = await becomes(encoder, lambda status: status.stage == "model")
        assert "killed by signal 9" in status.detail
        await becomes(encoder, lambda status: status.stage == "ready")
        assert len(await encoder.encode(["sea"])) == 1


async def test_a_server_that_hangs_is_found_by_its_silence_and_replaced(
    make: Make, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "PROBE_WITHIN", 0.3)
    encoder = make(bert, timeout_s=0.3)
    async with running(encoder):
        with pytest.raises((EngineTimeout, EngineUnavailable)):
            await encoder.encode(["hang"])
        assert "took more than 0.3 s" in (await becomes(encoder, lambda status: status.stage == "model")).detail
        await becomes(encoder, lambda status: status.stage == "ready")


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("owner/bert", "encoder.model: owner/bert is not on this machine; fetch it: botcore model get owner/bert"),
        ("starter", "encoder.model: starter is no encoder: it generates text; take one that was made for vectors"),
        ("/no/such/model", "encoder.model: /no/such/model holds no model"),
    ],
)
async def test_a_model_that_cannot_be_used_is_one_line_with_the_next_step(make: Make, model: str, told: str) -> None:
    encoder = make(model)
    async with trying(encoder):
        assert told in (await becomes(encoder, lambda status: status.stage == "failed")).detail
        with pytest.raises(EngineUnavailable, match=r"the encoder is not ready: encoder\.model"):
            await encoder.encode(["sea"])
