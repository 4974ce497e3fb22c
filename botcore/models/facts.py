"""What a model says of itself: config.json, the headers of its weights, its chat template. Nothing is loaded."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.errors import ModelError
from botcore.models.weights import DTYPES, refuse_without_safetensors, tensors_of, weights_in

__all__ = [
    "SENTENCES",
    "SENTENCES_LONGEST",
    "Facts",
    "config_facts",
    "facts_of",
    "read_config",
    "sentences_in",
    "window_of",
]

_NO_TEXT = re.compile(r"(?<!LMHead)(?<!Chat)(?<!GLM)Model$|ForMaskedLM$")
"""Architectures that say nothing: a bare stack of layers, or one that fills gaps."""
HALF = 2
"""Bytes of one value of the KV cache, which is kept in bfloat16."""
SENTENCES, SENTENCES_LONGEST = "modules.json", "sentence_bert_config.json"
"""Where sentence-transformers list what a model is made of, and how many tokens it was trained to read."""


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
    encoder: bool = False
    """It turns texts into vectors, and generates nothing."""


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
    size, template = sum(path.stat().st_size for path in files), _has_template(folder)
    return config_facts(
        config, tensors=tensors_of(files), weight_bytes=size, chat_template=template, sentences=sentences_in(folder)
    )


def sentences_in(folder: Path) -> Mapping[str, Any] | None:
    """How much a model of sentence-transformers reads, in their words; None where it is none of theirs."""
    if not (folder / SENTENCES).is_file():
        return None
    try:
        table = json.loads((folder / SENTENCES_LONGEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def config_facts(
    config: Mapping[str, Any],
    *,
    tensors: Mapping[str, int],
    weight_bytes: int,
    chat_template: bool,
    sentences: Mapping[str, Any] | None = None,
) -> Facts:
    """The facts of this config.json, these weights and what lies beside them (``sentences``: see `sentences_in`)."""
    architecture = next((str(name) for name in _listed(config.get("architectures"))), "")
    dtype = max(tensors, key=lambda name: tensors[name], default="")
    return Facts(
        architecture=architecture,
        window=min(filter(None, (window_of(config), _whole(sentences or {}, "max_seq_length"))), default=0),
        kv_token_bytes=_kv_token_bytes(_text(config)),
        parameters=sum(tensors.values()),
        dtype=DTYPES.get(dtype, (dtype.lower(), 0))[0] or str(config.get("dtype") or config.get("torch_dtype") or ""),
        weight_bytes=weight_bytes,
        quantized=_quantized(config),
        chat_template=chat_template,
        encoder=sentences is not None or bool(_NO_TEXT.search(architecture)),
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
