"""What fits where: a table of machines and models, and that the sum is said."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from botcore.engine.fit import fit
from botcore.engine.known import KNOWN, better_command, suggestion
from botcore.engine.room import GIB, Room, has_room_for_two, room
from botcore.models import Facts
from botcore.settings import EngineSettings

SETTINGS = EngineSettings()
HALF_BILLION = Facts(
    architecture="Qwen2ForCausalLM",
    window=32_768,
    kv_token_bytes=12_288,
    parameters=494_032_768,
    dtype="bfloat16",
    weight_bytes=988_097_824,
    quantized="",
    chat_template=True,
)
BERT = Facts(
    architecture="BertModel",
    window=256,
    kv_token_bytes=9_216,
    parameters=22_713_728,
    dtype="float32",
    weight_bytes=90_868_376,
    quantized="",
    chat_template=False,
    encoder=True,
)
SEVEN = replace(HALF_BILLION, parameters=7_615_616_512, weight_bytes=15_231_233_024, kv_token_bytes=57_344)
LAPTOP = Room(memory=8 * GIB, available=5 * GIB, cores=4)
CARD = Room(memory=64 * GIB, available=60 * GIB, cores=16, gpu="RTX", gpu_memory=24 * GIB)


@pytest.mark.parametrize(
    ("facts", "here", "verdict"),
    [
        (HALF_BILLION, LAPTOP, "fits"),
        (HALF_BILLION, replace(LAPTOP, available=2 * GIB), "tight"),
        (SEVEN, LAPTOP, "no"),
        (SEVEN, replace(LAPTOP, memory=32 * GIB, available=30 * GIB), "slow"),
        (SEVEN, CARD, "fits"),
        (SEVEN, replace(CARD, gpu_memory=16 * GIB), "no"),
        (replace(SEVEN, window=131_072), replace(CARD, gpu_memory=20 * GIB), "fits"),
        (SEVEN, replace(CARD, gpu_memory=18 * GIB), "no"),
        (replace(SEVEN, parameters=0, weight_bytes=0), CARD, "unknown"),
        (replace(SEVEN, kv_token_bytes=0), LAPTOP, "unknown"),
        # Four bits on a GPU weigh what they weigh on the disk.
        (replace(SEVEN, quantized="awq", weight_bytes=5 * GIB), replace(CARD, gpu_memory=16 * GIB), "fits"),
    ],
)
def test_a_model_fits_where_weights_and_cache_and_vllm_do(facts: Facts, here: Room, verdict: str) -> None:
    assert fit(facts, here, SETTINGS).verdict == verdict


def test_the_sum_is_said() -> None:
    why = fit(HALF_BILLION, LAPTOP, SETTINGS).why
    assert why == (
        "weights 0.9 GiB (494 million × 2 bytes) + KV cache 1.0 GiB (engine.kv_cache_gib; 12 KiB a token, so 87,168 "
        "tokens) + vLLM 1.3 GiB = 3.2 GiB; 5.0 GiB of 8.0 GiB are free; about 15 tokens/s for one chat on 4 cores"
    )


def test_one_core_is_no_cores() -> None:
    assert LAPTOP.words.endswith("4 cores, no GPU")
    assert replace(LAPTOP, cores=1).words.endswith("1 core, no GPU")


def test_float32_weights_are_counted_as_the_bfloat16_they_are_loaded_as() -> None:
    wide = replace(HALF_BILLION, dtype="float32", weight_bytes=4 * HALF_BILLION.parameters)
    assert fit(wide, LAPTOP, SETTINGS).needed == fit(HALF_BILLION, LAPTOP, SETTINGS).needed


def test_a_gpu_that_cannot_hold_the_whole_window_has_as_much_of_it_as_there_is_room_for() -> None:
    smaller = replace(CARD, gpu_memory=20 * GIB)
    found = fit(replace(SEVEN, window=131_072), smaller, SETTINGS)
    assert SETTINGS.window == 0
    assert 30_000 < found.window < 40_000
    wanted = fit(SEVEN, smaller, EngineSettings(window=131_072))
    assert wanted.verdict == "tight"
    assert wanted.why.endswith(f"; set engine.window = {found.window // 16 * 16}")


def test_the_context_here_is_what_the_kv_cache_holds() -> None:
    assert fit(HALF_BILLION, LAPTOP, SETTINGS).window == 8192
    assert fit(replace(HALF_BILLION, kv_token_bytes=147_456), LAPTOP, SETTINGS).window == 7040


@pytest.mark.parametrize(
    ("here", "name"),
    [
        (replace(LAPTOP, available=6 * GIB), "Qwen/Qwen2.5-1.5B-Instruct"),
        (replace(LAPTOP, cores=2), "Qwen/Qwen2.5-0.5B-Instruct"),
        (replace(LAPTOP, available=GIB, memory=GIB), "Qwen/Qwen2.5-0.5B-Instruct"),
        (CARD, "Qwen/Qwen2.5-7B-Instruct"),
        (replace(CARD, gpu_memory=16 * GIB), "Qwen/Qwen3-4B-Instruct-2507"),
        (replace(CARD, gpu_memory=11 * GIB), "Qwen/Qwen2.5-1.5B-Instruct"),  # the 4B would have 3,000 tokens
    ],
)
def test_the_better_model_is_the_largest_that_runs_well(here: Room, name: str) -> None:
    assert suggestion(here, SETTINGS) == name
    assert better_command(here, SETTINGS) == f"botcore model get {name} --use"


def test_the_known_models_go_from_large_to_small() -> None:
    assert [known.parameters for known in KNOWN] == sorted((known.parameters for known in KNOWN), reverse=True)


def test_a_container_without_room_takes_no_second_server(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    assert has_room_for_two(os.getpgid(0), meminfo, tmp_path)
    (tmp_path / "memory.max").write_text(f"{4 * GIB}\n")
    (tmp_path / "memory.current").write_text(f"{4 * GIB - 4096}\n")
    assert not has_room_for_two(os.getpgid(0), meminfo, tmp_path)


def test_a_gpu_is_what_its_driver_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for said, found in [
        ("NVIDIA RTX 4090, 24564", ("NVIDIA RTX 4090", 24_564 << 20)),
        ("NVIDIA Orin, [N/A]", ("NVIDIA Orin", 0)),
        ("", ("", 0)),
    ]:
        tool.write_text(f"#!/bin/sh\necho '{said}'\n")
        tool.chmod(0o755)
        here = room()
        assert (here.gpu, here.gpu_memory) == found


def test_an_encoder_is_its_weights_in_float32_and_vllm_without_a_kv_cache() -> None:
    found = fit(BERT, LAPTOP, SETTINGS)
    assert (found.verdict, found.window) == ("fits", 256)
    assert found.why.startswith("weights 87 MiB in float32 + vLLM 1.3 GiB = 1.4 GiB, beside the engine; 5.0 GiB of")
    assert fit(replace(BERT, parameters=10**9), LAPTOP, SETTINGS).verdict == "tight"
    assert fit(BERT, CARD, SETTINGS).verdict == "unknown"
