"""Whether a model fits this machine, and the sum that says so: weights + KV cache + vLLM itself against memory."""

from dataclasses import dataclass
from typing import Literal

from botcore.engine.command import CPU_WINDOW, cached_tokens
from botcore.engine.room import GIB, Room, gib
from botcore.models import Facts
from botcore.settings import EngineSettings

__all__ = ["Fit", "fit", "people"]

VLLM_CPU = int(1.3 * GIB)
"""Bytes of server and EngineCore without weights and KV cache: measured with the model in the box, vLLM 0.32."""
GPU_SHARE = 0.9
"""Of a GPU's memory vLLM takes by default."""
VLLM_GPU = 2 * GIB
"""Bytes of it for CUDA, graphs and activations: a rule of thumb, not measured here."""
READ_PER_CORE = 5e9
"""Bytes of weights a core reads a second while it generates: measured with 82 M parameters, one thread (Zen 5)."""
BUSY_CORES = 8
"""Beyond about this many, memory and not cores is the limit."""
SHORTEST = 1024
"""Tokens of context below which a chat makes no sense."""
SLOW = 2.0
"""Tokens a second: slower than people read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The verdict and its sum."""

    verdict: Literal["fits", "tight", "slow", "no", "unknown"]
    """``tight``: only when something else ends; ``slow``: less than two tokens a second."""
    why: str
    needed: int = 0
    window: int = 0
    """Tokens of context it would have here."""


def fit(facts: Facts, here: Room, settings: EngineSettings) -> Fit:
    """Whether this model fits here with these settings."""
    if facts.encoder:
        return _of_encoder(facts, here)
    weights = _weights(facts, gpu=bool(here.gpu_memory))
    if not weights or not facts.kv_token_bytes:
        return Fit(verdict="unknown", why="its configuration does not say how large it is")
    return (_on_gpu if here.gpu_memory else _on_cpu)(facts, weights, here, settings)


def _on_cpu(facts: Facts, weights: int, here: Room, settings: EngineSettings) -> Fit:
    cache = int(settings.kv_cache_gib * GIB)
    needed, room_for = weights + cache + VLLM_CPU, cached_tokens(settings.kv_cache_gib, facts.kv_token_bytes)
    window = min(filter(None, (facts.window, settings.window or CPU_WINDOW, room_for)), default=0)
    speed = READ_PER_CORE * min(max(1, here.cores - 1), BUSY_CORES) / weights
    why = (
        f"{_weight_words(facts, weights)} + KV cache {gib(cache)} (engine.kv_cache_gib; {_kib(facts.kv_token_bytes)} "
        f"a token, so {room_for:,} tokens) + vLLM {gib(VLLM_CPU)} = {gib(needed)}; {gib(here.available)} of "
        f"{gib(here.memory)} are free; {_speed(speed)} tokens/s for one chat on {here.in_cores}"
    )
    verdict = _verdict(needed, here.available, here.memory)
    return Fit(verdict="slow" if verdict == "fits" and speed < SLOW else verdict, why=why, needed=needed, window=window)


def _on_gpu(facts: Facts, weights: int, here: Room, settings: EngineSettings) -> Fit:
    """Without a window in the settings it is the longest that fits."""
    usable = int(here.gpu_memory * GPU_SHARE) - VLLM_GPU
    room_for = max(0, usable - weights) // facts.kv_token_bytes
    window = settings.window or max(SHORTEST, min(facts.window or room_for, room_for))
    needed = weights + window * facts.kv_token_bytes
    advice = f"; set engine.window = {room_for // 16 * 16}" if SHORTEST <= room_for < window else ""
    why = (
        f"{_weight_words(facts, weights)} + KV cache {gib(window * facts.kv_token_bytes)} ({window:,} tokens of "
        f"{_kib(facts.kv_token_bytes)}) = {gib(needed)}; {here.gpu} has {gib(usable)} for both ({GPU_SHARE:.0%} of "
        f"{gib(here.gpu_memory)}, less {gib(VLLM_GPU)}){advice}"
    )
    verdict: Literal["fits", "tight", "no"] = "fits" if needed <= usable else "tight" if advice else "no"
    return Fit(verdict=verdict, why=why, needed=needed, window=min(window, room_for) or window)


def _of_encoder(facts: Facts, here: Room) -> Fit:
    """In float32 on a CPU, and without a KV cache."""
    weights = facts.parameters * 4 or facts.weight_bytes
    if here.gpu_memory or not weights:
        return Fit(verdict="unknown", why="an encoder on a GPU was not measured", window=facts.window)
    needed = weights + VLLM_CPU
    why = (
        f"weights {gib(weights)} in float32 + vLLM {gib(VLLM_CPU)} = {gib(needed)}, beside the engine; "
        f"{gib(here.available)} of {gib(here.memory)} are free"
    )
    return Fit(verdict=_verdict(needed, here.available, here.memory), why=why, needed=needed, window=facts.window)


def _verdict(needed: int, available: int, memory: int) -> Literal["fits", "tight", "no"]:
    return "fits" if needed <= available else "tight" if needed <= memory else "no"


def _weights(facts: Facts, *, gpu: bool) -> int:
    """Bytes in memory: on a CPU plain weights are loaded as bfloat16, whatever they are on the disk."""
    plain = not facts.quantized and facts.dtype in ("float32", "float64", "float16", "bfloat16")
    if plain and facts.parameters and (not gpu or facts.dtype in ("float32", "float64")):
        return facts.parameters * 2
    return facts.weight_bytes


def _weight_words(facts: Facts, weights: int) -> str:
    if facts.parameters and weights == facts.parameters * 2:
        return f"weights {gib(weights)} ({people(facts.parameters)} × 2 bytes)"
    return f"weights {gib(weights)}"


def people(count: int) -> str:
    """A number of parameters as people say it."""
    return f"{count / 1e9:.1f} billion" if count >= 1e9 else f"{count / 1e6:.{0 if count >= 1e8 else 1}f} million"


def _kib(count: int) -> str:
    return f"{count / 1024:.0f} KiB"


def _speed(speed: float) -> str:
    if speed >= 100:  # then other things than reading weights take the time
        return "more than 100"
    return f"about {speed:.0f}" if speed >= 3 else f"about {speed:.1f}"
