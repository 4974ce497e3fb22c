"""Models of a few bytes, true to their formats."""

import json
import random
import struct
from array import array
from collections.abc import Mapping

from botcore.models.weights import DTYPES

__all__ = ["BERT", "CONFIG", "adapter_files", "encoder_files", "loud_adapter", "model_files", "safetensors"]

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "dtype": "bfloat16",
}


def safetensors(tensors: Mapping[str, tuple[str, list[int]]]) -> bytes:
    """A file of the format with these tensors, all zero."""
    header, end = dict[str, object](), 0
    for name, (dtype, shape) in tensors.items():
        size = int(DTYPES[dtype][1])
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def model_files(size: int = 4096) -> dict[str, bytes]:
    """A whole model of ``size`` bfloat16 parameters, and what else lies in such a repository."""
    return {
        "README.md": b"# A model\n",
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": b'{"model": {}}',
        "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
        "model.safetensors": safetensors({"w": ("BF16", [size])}),
        "pytorch_model.bin": b"\x80\x02 a pickle",
        "modeling_own.py": b"raise SystemExit",
        "onnx/model.onnx": b"other",
        ".gitattributes": b"*.safetensors filter=lfs",
    }


BERT = {
    "architectures": ["BertModel"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}


def encoder_files() -> dict[str, bytes]:
    """An encoder as sentence-transformers keep it: most of what makes it one lies beside the model."""
    kept = {name: content for name, content in model_files().items() if name != "tokenizer_config.json"}
    return kept | {
        "config.json": json.dumps(BERT).encode(),
        "model.safetensors": safetensors({"w": ("F32", [4096])}),
        "modules.json": b'[{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]',
        "sentence_bert_config.json": b'{"max_seq_length": 256}',
        "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
        "2_Dense/config.json": b"{}",
        "2_Dense/model.safetensors": safetensors({"linear.weight": ("F32", [4])}),
        "2_Dense/pytorch_model.bin": b"\x80\x02 a pickle",
        "openvino/config.json": b"{}",
    }


def adapter_files(**config: object) -> dict[str, bytes]:
    """A LoRA adapter as PEFT leaves it, and what a trainer leaves beside it."""
    told = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "bias": "none", "base_model_name_or_path": "base"}
    return {
        "adapter_config.json": json.dumps(told | config).encode(),
        "adapter_model.safetensors": safetensors({"w.lora_A.weight": ("F32", [8, 64])}),
        "training_args.bin": b"\x80\x02 a pickle",
    }


def loud_adapter(config: Mapping[str, int], *, seed: int, rank: int = 8) -> dict[str, bytes]:
    """A LoRA adapter for a model of this config.json whose random weights change whatever it says."""
    noise, layers = random.Random(seed), range(config["num_hidden_layers"])
    inner, width = config["intermediate_size"], config["hidden_size"]
    tensors, values = dict[str, tuple[str, list[int]]](), array("f")
    for layer in layers:
        for part, shape in (("A", [rank, inner]), ("B", [width, rank])):
            tensors[f"base_model.model.model.layers.{layer}.mlp.down_proj.lora_{part}.weight"] = ("F32", shape)
            values.extend(noise.gauss(0, 0.3) for _ in range(shape[0] * shape[1]))
    header = safetensors(tensors)
    told = adapter_files(r=rank, lora_alpha=2 * rank, target_modules=["down_proj"])
    weights = header[: len(header) - 4 * len(values)] + values.tobytes()
    return {"adapter_config.json": told["adapter_config.json"], "adapter_model.safetensors": weights}
