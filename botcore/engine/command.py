"""The command line and environment of vLLM's server. Pure, so that every flag has a reason and a test."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.child import without_secrets
from botcore.engine.home import Which, scratch_in
from botcore.engine.model import Model
from botcore.engine.room import cores

__all__ = ["CPU_WINDOW", "LORA_LOADS", "ServerPlan", "cached_tokens", "server_command", "server_environment"]

CPU_WINDOW = 8192
"""Tokens: a longer window fills the default KV cache with one conversation, and its prefill takes minutes on a CPU."""

BLOCK = 128
"""Tokens of a block of the KV cache on a CPU."""


LORA_LOADS = 4
"""Adapters that one server takes in its life. Unloading over HTTP makes vLLM 0.32 forget the name and leaves the slot
taken; a server whose slots are used up is replaced by a fresh one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """Everything one server is started with."""

    python: Path
    model: Model
    socket: Path
    key: str
    inside: Path | None = None
    """The directory with our plugin (`botcore.engine.inside`)."""
    pooling: bool = False
    """It serves an encoder: no tokens are generated, and there is no LoRA."""
    gpu: bool = False
    window: int = 0
    kv_cache_gib: float = 1.0
    dtype: str = "auto"
    lora_rank: int = 0
    """The largest rank in LoRA mode; 0 = without LoRA mode, which costs 1.4 to 1.8 times the throughput on a CPU."""
    lora_slots: int = LORA_LOADS + 1
    """The last one stays empty: vLLM's CPU kernels read it for requests without LoRA (index -1), so an adapter in it
    would answer as the base."""
    args: tuple[str, ...] = ()

    @property
    def which(self) -> Which:
        """Whose server it is."""
        return "encoder" if self.pooling else "engine"


def server_command(plan: ServerPlan) -> list[str]:
    """The argument list. The key is not in it: everybody on the machine can read a command line."""
    # `vllm serve` looks for the metadata of a package called vllm, which the CPU build is not.
    command = [str(plan.python), "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", plan.model.source, "--served-model-name", plan.model.name, "--uds", str(plan.socket)]
    command += ["--disable-uvicorn-access-log", *(_pooling(plan) if plan.pooling else _GENERATION)]
    if window := _window(plan):
        command += ["--max-model-len", window]
    command += ["--dtype", _dtype(plan)] + ([] if plan.gpu else _cpu(plan))
    command += _lora(plan) if plan.lora_rank else []
    return command + list(plan.args)


_GENERATION = (
    # The caller's sampling is all there is: a model's generation_config.json would add to it unseen.
    *("--generation-config", "vllm", "--enable-prompt-tokens-details"),
    # A model that may think aloud first does not: people would see it, and the tokens of the reply would go into it.
    *("--default-chat-template-kwargs", '{"enable_thinking": false}'),
)


def _pooling(plan: ServerPlan) -> list[str]:
    # On a GPU the engine takes 92 % of the memory: this fits beside it. What has no KV cache needs its weights alone.
    return ["--runner", "pooling", *(["--gpu-memory-utilization", "0.05"] if plan.gpu else [])]


def _cpu(plan: ServerPlan) -> list[str]:
    # One EngineCore and no worker (17 s instead of 27 s to the first answer); compiling costs 34 s more than it brings.
    # Without a size of the KV cache vLLM asks for 92 % of the memory, of an encoder too, which takes none of it.
    cache = str(int(plan.kv_cache_gib * (1 << 30)))
    return ["--enforce-eager", "--distributed-executor-backend", "uni", "--kv-cache-memory-bytes", cache]


def _lora(plan: ServerPlan) -> list[str]:
    # As many in memory as there are slots: one that was evicted would be read again from its folder, unchecked.
    slots = str(plan.lora_slots)
    return ["--enable-lora", "--max-lora-rank", str(plan.lora_rank), "--max-loras", slots, "--max-cpu-loras", slots]


def _dtype(plan: ServerPlan) -> str:
    if plan.dtype != "auto" or plan.gpu:
        return plan.dtype
    # An encoder is small, and in float32 a text has one vector, whatever is encoded beside it.
    return "float32" if plan.pooling else "bfloat16"


def _window(plan: ServerPlan) -> str:
    """Empty = the model's own. Without a number vLLM does not start on a GPU that cannot hold all of that."""
    if plan.window:
        return str(plan.window)
    if plan.gpu:
        return "" if plan.pooling else "auto"
    most = min(CPU_WINDOW, cached_tokens(plan.kv_cache_gib, plan.model.kv_token_bytes) or CPU_WINDOW)
    return str(most) if plan.model.window > most else ""


def cached_tokens(kv_cache_gib: float, kv_token_bytes: int) -> int:
    """Tokens one conversation may have in a KV cache of this size: vLLM does not start with a longer window."""
    if not kv_token_bytes:
        return 0
    blocks = int(kv_cache_gib * (1 << 30)) // kv_token_bytes // BLOCK
    return max(1, blocks - 1) * BLOCK  # vLLM keeps one block for itself


def server_environment(plan: ServerPlan, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment: what the bot has, without its own secrets, and what vLLM needs."""
    environment = without_secrets(inherited)
    environment |= {
        "VLLM_API_KEY": plan.key,
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        # A crash in compiled code then leaves its stack in engine.log instead of nothing at all.
        "PYTHONFAULTHANDLER": "1",
    }
    if plan.inside:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(plan.inside), inherited.get("PYTHONPATH"))))
    # Every model is a folder (`botcore model get` fetches it), so the server has nothing to ask a hub.
    environment |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    environment.pop("HF_TOKEN", None)
    if plan.lora_rank:
        environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"  # for whoever has the key
    if not plan.gpu:
        # Without this the CPU platform replaces the uni executor by a worker process.
        environment["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        # On a GPU kernels that were compiled lie in the system's temporary folder, for the next start.
        if scratch := scratch_in(plan.socket.parent):
            environment["TMPDIR"] = str(scratch)
        # One core stays with the bot: with all of them vLLM's threads spin against it (10 times slower when measured).
        # One is enough for an encoder, which has the engine beside it.
        environment.setdefault("OMP_NUM_THREADS", "1" if plan.pooling else str(max(1, cores() - 1)))
    return environment
