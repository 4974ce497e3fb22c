"""What a model says of itself, read without loading it; and files that are none."""

import json
from pathlib import Path
from typing import Any

import pytest

from botcore.engine.model import STARTER
from botcore.errors import ModelError
from botcore.models import config_facts, facts_of
from botcore.models.weights import header_of
from tests.models.made import CONFIG, model_files, safetensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in model_files().items():
        if "/" not in name:
            (tmp_path / name).write_bytes(content)
    return tmp_path


def facts(**changes: Any) -> Any:
    return config_facts({**CONFIG, **changes}, tensors={}, weight_bytes=0, chat_template=False)


def test_the_starter_says_what_its_card_says() -> None:
    found = facts_of(STARTER)
    assert (found.architecture, found.dtype, found.chat_template) == ("Qwen3ForCausalLM", "bfloat16", True)
    assert f"{found.parameters:,} parameters" in (STARTER / "MODEL_CARD.md").read_text()
    assert found.weight_bytes == (STARTER / "model.safetensors").stat().st_size


def test_parameters_and_type_come_from_the_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(safetensors({"a": ("F32", [10, 10]), "b": ("I64", [3])}))
    found = facts_of(folder)
    assert (found.parameters, found.dtype, found.window) == (103, "float32", 4096)


@pytest.mark.parametrize(
    ("changes", "kv_token_bytes"),
    [
        ({}, 2 * 2 * 2 * 16 * 2),  # keys and values, layers, heads, width, bytes
        ({"num_key_value_heads": None}, 2 * 2 * 4 * 16 * 2),
        ({"head_dim": None}, 2 * 2 * 2 * (64 // 4) * 2),
        ({"kv_lora_rank": 512, "qk_rope_head_dim": 64}, 2 * (512 + 64) * 2),
        ({"text_config": {**CONFIG, "num_hidden_layers": 4}}, 2 * 4 * 2 * 16 * 2),
        ({"num_attention_heads": "many", "num_key_value_heads": -1, "head_dim": None}, 0),
    ],
)
def test_a_token_of_kv_cache_is_keys_and_values_of_every_layer(changes: dict[str, Any], kv_token_bytes: int) -> None:
    assert facts(**changes).kv_token_bytes == kv_token_bytes


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("BertModel", True),
        ("XLMRobertaModel", True),
        ("MistralModel", True),
        ("BertForMaskedLM", True),
        ("Qwen3ForCausalLM", False),
        ("GPT2LMHeadModel", False),
        ("ChatGLMModel", False),
        ("InternVLChatModel", False),
        ("LlavaForConditionalGeneration", False),
        ("", False),
    ],
)
def test_what_ends_before_a_head_makes_vectors(architecture: str, encoder: bool) -> None:
    assert facts(architectures=[architecture]).encoder is encoder


def test_a_model_of_sentence_transformers_makes_vectors_and_reads_what_it_was_trained_to(folder: Path) -> None:
    (folder / "modules.json").write_text("[]")
    assert (facts_of(folder).encoder, facts_of(folder).window) == (True, 4096)
    for said, window in (('{"max_seq_length": 256}', 256), ('{"max_seq_length": null}', 4096), ("[1", 4096)):
        (folder / "sentence_bert_config.json").write_text(said)
        assert facts_of(folder).window == window


def test_a_quantized_model_says_how() -> None:
    assert facts(quantization_config={"quant_method": "awq"}).quantized == "awq"
    assert facts().quantized == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"\x09\0\0\0\0\0\0\0" + b'{"a": 1}' + b" "],
    ids=["empty", "short", "endless header", "list", "no tensor"],
)
def test_what_is_no_safetensors_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is no safetensors file, or a broken one"):
        header_of(path)


def test_a_cut_file_is_not_whole(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="is not whole"):
        facts_of(folder)


def test_a_missing_part_is_named(folder: Path) -> None:
    index = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"model-1-of-2\.safetensors is missing \(1 of 2 files\)"):
        facts_of(folder)


def test_a_model_without_a_chat_template_is_known(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{}")
    assert not facts_of(folder).chat_template
    (folder / "chat_template.jinja").touch()
    assert facts_of(folder).chat_template
