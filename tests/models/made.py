"""Models of a few bytes, true to their formats."""

import json
import struct
from collections.abc import Mapping

from botcore.models.weights import DTYPES

__all__ = ["CONFIG", "adapter_files", "model_files", "safetensors"]

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


def adapter_files(**config: object) -> dict[str, bytes]:
    """A LoRA adapter as PEFT leaves it, and what a trainer leaves beside it."""
    told = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "bias": "none", "base_model_name_or_path": "base"}
    return {
        "adapter_config.json": json.dumps(told | config).encode(),
        "adapter_model.safetensors": safetensors({"w.lora_A.weight": ("F32", [8, 64])}),
        "training_args.bin": b"\x80\x02 a pickle",
    }
