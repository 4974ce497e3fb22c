"""Weights on disk: what a safetensors file says of itself without being loaded, and why nothing else is.

The format: eight bytes with the header's length, a JSON header, the tensors' bytes
(https://huggingface.co/docs/safetensors). A pickle runs whatever its author wrote as soon as it is opened.
"""

import json
import math
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from botcore.errors import ModelError

__all__ = ["DTYPES", "header_of", "refuse_without_safetensors", "tensors_of", "weights_among", "weights_in"]

HEADER_LIMIT = 100_000_000
"""Bytes: the format's own bound."""
DTYPES: Mapping[str, tuple[str, float]] = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8", 1), "F8_E5M2": ("float8", 1), "I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2),
    "I8": ("int8", 1), "U8": ("uint8", 1), "BOOL": ("bool", 1), "F4": ("float4", 0.5),
}  # fmt: skip
"""The format's names: as people write them, and bytes a value."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def weights_among(names: Iterable[str]) -> list[str]:
    """The safetensors files a model of these files is loaded from: transformers' own, else all there are."""
    found = sorted(name for name in names if name.endswith(".safetensors"))
    # Some repositories hold the weights twice, as model-… and as consolidated….
    return [name for name in found if name.startswith("model")] or found


def weights_in(folder: Path) -> list[Path]:
    """The same of a folder. Raises `ModelError` where its index names a file that is not there."""
    try:
        index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
        named = {str(name) for name in index["weight_map"].values()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        named = set()
    lacking = sorted(name for name in named if not (folder / name).is_file())
    if lacking:
        raise ModelError(f"{folder} is not whole: {lacking[0]} is missing ({len(lacking)} of {len(named)} files)")
    return [folder / name for name in weights_among(path.name for path in folder.iterdir())]


def refuse_without_safetensors(where: str, names: Iterable[str]) -> None:
    """Raise `ModelError` with the reason where these files are no safetensors model."""
    names = list(names)
    if "config.json" not in names:
        if "adapter_config.json" in names:
            raise ModelError(f"{where} is a LoRA adapter, not a model; name the model it was trained on")
        raise ModelError(f"{where} holds no model (no config.json)")
    if weights_among(names):
        return
    pickle = next((name for name in sorted(names) if name.endswith(PICKLES)), "")
    if pickle:
        raise ModelError(
            f"{where} has its weights only as a pickle ({pickle}), which runs its author's code when it is opened; "
            "take a model with safetensors"
        )
    if any(name.endswith(".gguf") for name in names):
        raise ModelError(f"{where} is a GGUF model, made for llama.cpp; take one with safetensors")
    raise ModelError(f"{where} has no weights (*.safetensors)")


def header_of(path: Path) -> Mapping[str, Any]:
    """The header of a safetensors file that is whole. Raises `ModelError` where it is cut or no such file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(HEADER_LIMIT, size):
                raise ValueError("no header")
            header = json.loads(file.read(length))
        ends = [int(tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"]
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, struct.error):
        raise ModelError(f"{path} is no safetensors file, or a broken one") from None
    if size != 8 + length + max(ends, default=0):
        raise ModelError(f"{path} is not whole: {size} bytes of {8 + length + max(ends, default=0)}")
    return dict(header)


def tensors_of(files: Iterable[Path]) -> dict[str, int]:
    """How many values there are of each type, in the format's names."""
    counts = dict[str, int]()
    for path in files:
        for name, tensor in header_of(path).items():
            if name != "__metadata__":
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + math.prod(tensor["shape"])
    return counts
