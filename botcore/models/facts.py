"""What a model says of itself: config.json, the headers of its weights, its chat template. Nothing is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.errors import ModelError
from botcore.models.weights import DTYPES, refuse_without_safetensors, tensors_of, weights_in

__all__ = ["Facts", "config_facts", "facts_of", "read_config", "window_of"]

HALF = 2
"""Bytes of one value of the KV cache, which is kept in bfloat16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides whether a model fits and how it is used. 0 and "" = it does not say."""

    architecture: str
    window: int
    """Tokens it was made for."""
    kv_token_bytes: int
    """Bytes of KV cache one token takes: keys and values of every layer (an upper bound with sliding windows)."""
    parameters: int
    dtype: str
    weight_bytes: int
    """On the disk."""
    quantized: str
    """The method, such as awq; empty for plain weights."""
    chat_template: bool


def read_config(folder: Path) -> dict[str, Any]:
    """config.json. Raises `ModelError`."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ModelError(f"{folder} holds no model (no readable config.json)") from None
    if not isinstance(config, dict):
        raise ModelError(f"{folder}/config.json is no model's configuration")
    return config


def facts_of(folder: Path) -> Facts:
    """The facts of a local model. Raises `ModelError` where it is none, is not whole, or is a pickle."""
    config = read_config(folder)
    refuse_without_safetensors(str(folder), (path.name for path in folder.iterdir()))
    files = weights_in(folder)
    size = sum(path.stat().st_size for path in files)
    return config_facts(config, tensors=tensors_of(files), weight_bytes=size, chat_template=_has_template(folder))


def config_facts(config: Any, *, tensors: Mapping[str, int], weight_bytes: int, chat_template: bool) -> Facts:
    """The facts of this config.json and these weights."""
    dtype = max(tensors, key=lambda name: tensors[name], default="")
    return Facts(
        architecture=next((str(name) for name in _listed(config.get("architectures"))), ""),
        window=window_of(config),
        kv_token_bytes=_kv_token_bytes(_text(config)),
        parameters=sum(tensors.values()),
        dtype=DTYPES.get(dtype, (dtype.lower(), 0))[0] or str(config.get("dtype") or config.get("torch_dtype") or ""),
        weight_bytes=weight_bytes,
        quantized=_quantized(config),
        chat_template=chat_template,
    )


def window_of(config: Any) -> int:
    """``max_position_embeddings`` of a model's config.json, 0 where it does not say."""
    if not isinstance(config, dict):
        return 0
    return _whole(config, "max_position_embeddings") or _whole(_text(config), "max_position_embeddings", "n_positions")


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part about text of a model that also sees or hears."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else config


def _kv_token_bytes(config: Mapping[str, Any]) -> int:
    layers = _whole(config, "num_hidden_layers", "n_layer")
    if latent := _whole(config, "kv_lora_rank"):  # multi-head latent attention keeps one vector for all heads
        return layers * (latent + _whole(config, "qk_rope_head_dim")) * HALF
    heads = _whole(config, "num_attention_heads", "n_head")
    width = _whole(config, "head_dim") or (_whole(config, "hidden_size", "n_embd") // heads if heads else 0)
    return 2 * layers * (_whole(config, "num_key_value_heads") or heads) * width * HALF


def _whole(config: Mapping[str, Any], *names: str) -> int:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and value > 0), 0)


def _quantized(config: Mapping[str, Any]) -> str:
    table = config.get("quantization_config")
    return str(table.get("quant_method", "unknown")) if isinstance(table, dict) else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        return "chat_template" in json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False
