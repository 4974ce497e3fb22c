"""The checkpoint in the box: whole, small and of the shape its configuration says. Nothing here loads a model."""

import json
import struct
from math import prod

import pytest

from botcore.starter import PATH

FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "MODEL_CARD.md",
)
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"]


def read(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((PATH / name).read_text(encoding="utf-8"))
    return loaded


def weights() -> dict[str, dict[str, list[int]]]:
    """The header of the weights file: eight bytes of length, then JSON."""
    with (PATH / "model.safetensors").open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, dict[str, list[int]]] = json.loads(file.read(length))
    del header["__metadata__"]
    return header


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_there(name: str) -> None:
    assert (PATH / name).stat().st_size > 0


def test_the_whole_checkpoint_stays_under_twelve_megabytes() -> None:
    assert sum((PATH / name).stat().st_size for name in FILES) <= 12_000_000


def test_an_engine_finds_the_architecture_it_needs() -> None:
    config = read("config.json")
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["dtype"] == "bfloat16"
    assert config["max_position_embeddings"] == 1024
    assert config["tie_word_embeddings"] is True


def test_the_weights_are_bfloat16_and_as_many_as_the_configuration_says() -> None:
    config = {key: value for key, value in read("config.json").items() if isinstance(value, int)}
    width, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    layer = 2 * width * queries + 2 * width * keys + 3 * width * inner + 2 * width + 2 * head
    expected = config["vocab_size"] * width + config["num_hidden_layers"] * layer + width

    header = weights()

    assert {entry["dtype"] for entry in header.values()} == {"BF16"}
    assert sum(prod(entry["shape"]) for entry in header.values()) == expected


def test_the_weights_file_holds_every_byte_its_header_promises() -> None:
    path = PATH / "model.safetensors"
    (length,) = struct.unpack("<Q", path.read_bytes()[:8])
    end = max(entry["data_offsets"][1] for entry in weights().values())
    assert path.stat().st_size == 8 + length + end


def test_the_chat_template_marks_what_the_assistant_said() -> None:
    template = (PATH / "chat_template.jinja").read_text(encoding="utf-8")
    assert template.index("generation -") < template.index("endgeneration")
    assert "add_generation_prompt" in template


def test_the_markers_of_a_conversation_are_special_tokens() -> None:
    added = read("tokenizer.json")["added_tokens"]
    assert isinstance(added, list)
    assert [token["content"] for token in added if token["special"]] == SPECIAL


def test_a_reply_ends_at_the_end_marker() -> None:
    ends = {SPECIAL.index("<|end|>")}
    assert {read("config.json")["eos_token_id"]} == ends
    assert {read("generation_config.json")["eos_token_id"]} == ends
