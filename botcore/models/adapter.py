"""LoRA adapters on disk, as PEFT writes them: whether vLLM can load one, and the hashes by which it is known again.

Two files of the folder count, ``adapter_config.json`` and ``adapter_model.safetensors``; whatever else a trainer left
there (a tokenizer, a pickle of its arguments) is neither copied nor loaded.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botcore.errors import ModelError
from botcore.models.shelf import read_record, sha256_of
from botcore.models.weights import header_of, weights_in
from botcore.newfile import to_the_disk

__all__ = ["Adapter", "adapter_in", "base_hash", "copy_adapter", "files_hash", "slot_rank", "what_is_wrong"]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as ``--max-lora-rank``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What decides whether and how the engine can load it."""

    rank: int
    files_hash: str


def slot_rank(rank: int) -> int:
    """The smallest ``--max-lora-rank`` that holds this rank."""
    return next(allowed for allowed in RANKS if allowed >= rank)


def adapter_in(folder: Path) -> Adapter:
    """The adapter of a folder. Raises `ModelError` where there is none, or none that vLLM can load."""
    config = _config(folder)
    if not any(name != "__metadata__" for name in header_of(folder / WEIGHTS)):
        raise ModelError(f"{folder}/{WEIGHTS} is empty")
    rank = config.get("r")
    if not isinstance(rank, int) or not 1 <= rank <= RANKS[-1]:
        raise ModelError(f"{folder}/{CONFIG}: r is {rank!r}; vLLM loads ranks from 1 to {RANKS[-1]}")
    if unfit := _unfit(config):
        raise ModelError(f"{folder} has {unfit}, which vLLM cannot load; train it again without")
    return Adapter(rank=rank, files_hash=files_hash(folder))


def _config(folder: Path) -> dict[str, Any]:
    if not (folder / WEIGHTS).is_file():
        raise ModelError(f"{folder} holds no LoRA adapter (no {WEIGHTS}); it is made by botcore train, or by PEFT")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ModelError(f"{folder} holds no LoRA adapter (no readable {CONFIG})") from None
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise ModelError(f"{folder}/{CONFIG} is not of a LoRA adapter")
    return config


def _unfit(config: dict[str, Any]) -> str:
    """What of an adapter vLLM does not know, "" where there is nothing."""
    if config.get("use_dora"):
        return "DoRA"
    if config.get("modules_to_save"):
        return "whole layers beside its matrices (modules_to_save)"
    if config.get("bias", "none") != "none":
        return "trained biases"
    if config.get("rank_pattern"):
        return "ranks that differ between layers (rank_pattern)"
    return ""


def files_hash(folder: Path) -> str:
    """The hash of an adapter's files, "" where one of them is gone."""
    try:
        return _hash_of((name, sha256_of(folder / name)) for name in (CONFIG, WEIGHTS))
    except OSError:
        return ""


def what_is_wrong(folder: Path, expected: str) -> str:
    """Why the files of this folder are not those with the expected hash, "" where they are."""
    found = files_hash(folder)
    if not found:
        return f"its files are gone from {folder}"
    return "" if found == expected else f"its files in {folder} were changed"


def base_hash(folder: Path) -> str:
    """The hash of a model's weights: of what was fetched by its record, else by reading every byte."""
    record = read_record(folder)
    known = {file.name: file.sha256 for file in record.files} if record else {}
    return _hash_of((path.name, known.get(path.name) or sha256_of(path)) for path in weights_in(folder))


def _hash_of(files: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in files).encode()).hexdigest()


def copy_adapter(folder: Path, target: Path) -> None:
    """Copy the two files; ``target`` appears whole or not at all. `ModelError` where it is there with other files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as inside:
        whole = Path(inside, target.name)
        whole.mkdir(mode=0o700)
        for name in (CONFIG, WEIGHTS):
            shutil.copyfile(folder / name, whole / name)
            to_the_disk(whole / name)
        try:
            whole.rename(target)
        except OSError:
            if files_hash(target) != files_hash(whole):  # the same: a crash came between copying and noting it down
                raise ModelError(f"{target} is there already; give another name") from None
    to_the_disk(target.parent)
