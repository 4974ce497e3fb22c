import json
import os
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

from botcore.engine.command import LORA_LOADS, ServerPlan, server_command, server_environment
from botcore.engine.inside import install_inside
from botcore.engine.model import Model, find_model
from botcore.engine.room import cores
from botcore.errors import ModelError
from botcore.models import Record
from botcore.models.facts import window_of

MODEL = Model(source="/models/tiny", name="tiny", window=40_960)
PLAN = ServerPlan(python=Path("/e/bin/python"), model=MODEL, socket=Path("/run/e.sock"), key="secret")


def options(plan: ServerPlan) -> str:
    return " ".join(server_command(plan))


def test_a_cpu_server_is_one_core_without_compiling_within_its_memory() -> None:
    said = options(PLAN)
    assert said.startswith("/e/bin/python -m vllm.entrypoints.openai.api_server --model /models/tiny ")
    assert "--enforce-eager --distributed-executor-backend uni --kv-cache-memory-bytes 1073741824" in said
    assert "--dtype bfloat16" in said
    assert "--uds /run/e.sock" in said


def test_a_gpu_server_keeps_vllms_own_defaults() -> None:
    said = options(replace(PLAN, gpu=True))
    assert "--dtype auto" in said
    for flag in ("--enforce-eager", "--kv-cache-memory-bytes", "uni"):
        assert flag not in said


def test_on_a_gpu_the_window_is_what_fits_unless_it_is_said() -> None:
    assert "--max-model-len auto" in options(replace(PLAN, gpu=True))
    assert "--max-model-len 2048" in options(replace(PLAN, gpu=True, window=2048))
    assert "--max-model-len" not in options(replace(PLAN, gpu=True, pooling=True))


def test_a_model_that_may_think_aloud_does_not_unless_the_operator_wants_it() -> None:
    said = server_command(replace(PLAN, args=("--default-chat-template-kwargs", '{"enable_thinking": true}')))
    told = [value for flag, value in pairwise(said) if flag == "--default-chat-template-kwargs"]
    assert [json.loads(value) for value in told] == [{"enable_thinking": False}, {"enable_thinking": True}]
    assert "thinking" not in options(replace(PLAN, pooling=True))


def test_lora_mode_is_asked_for_alone_and_has_a_slot_more_than_adapters_that_may_come() -> None:
    assert "lora" not in options(PLAN)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in server_environment(PLAN, {})
    plan = replace(PLAN, lora_rank=16)
    assert LORA_LOADS == 4
    assert "--enable-lora --max-lora-rank 16 --max-loras 5 --max-cpu-loras 5" in options(plan)
    assert server_environment(plan, {})["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"


def test_the_key_is_in_the_environment_and_not_on_the_command_line() -> None:
    assert "secret" not in options(PLAN)
    assert server_environment(PLAN, {})["VLLM_API_KEY"] == "secret"


def test_the_bots_own_secrets_stay_with_the_bot() -> None:
    environment = server_environment(PLAN, {"BOTCORE_CHANNELS__TELEGRAM__TOKEN": "t", "PATH": "/bin"})
    assert "t" not in environment.values()
    assert environment["PATH"] == "/bin"


def test_temporary_files_of_a_cpu_server_lie_beside_its_socket_unless_sockets_could_not() -> None:
    assert server_environment(PLAN, {})["TMPDIR"] == "/run/tmp"
    assert server_environment(replace(PLAN, gpu=True), {"TMPDIR": "/t"})["TMPDIR"] == "/t"
    deep = replace(PLAN, socket=Path("/", "d" * 60, "e.sock"))
    assert server_environment(deep, {"TMPDIR": "/t"})["TMPDIR"] == "/t"


def test_nothing_is_reported_to_anybody_and_no_hub_is_asked() -> None:
    environment = server_environment(PLAN, {"HF_TOKEN": "hf_secret"})
    assert (environment["VLLM_NO_USAGE_STATS"], environment["DO_NOT_TRACK"]) == ("1", "1")
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert "hf_secret" not in environment.values()


def test_one_core_is_left_to_the_bot_unless_the_operator_says_otherwise() -> None:
    assert server_environment(PLAN, {})["OMP_NUM_THREADS"] == str(max(1, cores() - 1))
    assert server_environment(PLAN, {"OMP_NUM_THREADS": "7"})["OMP_NUM_THREADS"] == "7"


@pytest.mark.parametrize(
    ("window", "made_for", "flag"),
    [(0, 40_960, "--max-model-len 8192"), (0, 4_096, ""), (0, 0, ""), (2_048, 40_960, "--max-model-len 2048")],
)
def test_a_cpu_window_is_the_models_own_and_at_most_8192(window: int, made_for: int, flag: str) -> None:
    said = options(replace(PLAN, window=window, model=replace(MODEL, window=made_for)))
    assert flag in said
    assert ("--max-model-len" in said) == bool(flag)


def test_a_cpu_window_is_not_longer_than_the_kv_cache_holds() -> None:
    large = replace(MODEL, kv_token_bytes=147_456)  # 1 GiB holds 7,281 tokens, in 56 blocks of 128 and one to spare
    assert "--max-model-len 7040" in options(replace(PLAN, model=large))
    assert "--max-model-len 8192" in options(replace(PLAN, model=large, kv_cache_gib=2))


def test_an_encoders_server_generates_nothing() -> None:
    said = options(replace(PLAN, pooling=True, model=replace(MODEL, window=512)))
    assert "--runner pooling" in said
    assert "--dtype float32" in said
    for flag in ("--generation-config", "--enable-prompt-tokens-details", "--max-model-len", "lora"):
        assert flag not in said
    # Else vLLM would want 92 % of the memory, although it takes none of this.
    assert "--kv-cache-memory-bytes 1073741824" in said
    assert "--runner" not in options(PLAN)


def test_an_encoder_on_a_gpu_leaves_the_memory_to_the_engine() -> None:
    assert "--gpu-memory-utilization 0.05" in options(replace(PLAN, pooling=True, gpu=True))


def test_an_encoder_takes_one_core() -> None:
    assert server_environment(replace(PLAN, pooling=True), {})["OMP_NUM_THREADS"] == "1"


def test_the_operators_arguments_come_last_and_so_win() -> None:
    assert server_command(replace(PLAN, args=("--block-size", "32")))[-2:] == ["--block-size", "32"]


def test_the_plugin_is_found_by_vllm_and_nothing_else_of_ours_is(tmp_path: Path) -> None:
    from importlib.metadata import distributions

    directory = install_inside(tmp_path / "inside")
    environment = server_environment(replace(PLAN, inside=directory), {"PYTHONPATH": "/theirs"})
    assert environment["PYTHONPATH"] == f"{directory}{os.pathsep}/theirs"
    (found,) = distributions(path=[str(directory)])
    assert [(entry.group, entry.value) for entry in found.entry_points] == [
        ("vllm.general_plugins", "botcore_inside:plugin")
    ]
    files = sorted(path.name for path in directory.iterdir())
    assert files == ["botcore_inside-0.dist-info", "botcore_inside.py", "botcore_norms.py"]


def test_the_starter_is_the_model_in_the_box(tmp_path: Path) -> None:
    model = find_model("starter", data_dir=tmp_path)
    assert model.name == "starter"
    assert model.window > 0
    assert Path(model.source).name == "starter"


def test_a_directory_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (tmp_path / "model.safetensors").touch()
    model = find_model(str(tmp_path), data_dir=tmp_path)
    assert (model.name, model.window, model.source) == (tmp_path.name, 512, str(tmp_path))


@pytest.mark.parametrize("setting", ["/no/such/model", "./none", "~/none"])
def test_a_path_without_a_model_says_so(setting: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model"):
        find_model(setting, data_dir=tmp_path)


def test_a_hub_name_is_what_was_fetched_under_it(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "Qwen--Qwen3-0.6B"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()
    with pytest.raises(ModelError, match="not on this machine; fetch it: botcore model get Qwen/Qwen3"):
        find_model("Qwen/Qwen3-0.6B", data_dir=tmp_path)
    record = Record(name="Qwen/Qwen3-0.6B", revision="0" * 40, endpoint="", licence="", fetched="", files=())
    (folder / "botcore-model.json").write_text(json.dumps(asdict(record)))
    model = find_model("Qwen/Qwen3-0.6B", data_dir=tmp_path)
    assert (model.source, model.name) == (str(folder), "Qwen/Qwen3-0.6B")


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_a_pickle_is_refused_with_the_reason(pickle: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / pickle).touch()
    with pytest.raises(ModelError, match=rf"only as a pickle \({pickle}\), which runs its author's code"):
        find_model(str(tmp_path), data_dir=tmp_path)


def test_the_window_is_found_in_models_with_an_inner_text_model() -> None:
    assert window_of({"text_config": {"max_position_embeddings": 99}}) == 99
    assert window_of([]) == 0
