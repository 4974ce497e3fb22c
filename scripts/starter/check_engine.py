"""Compare vLLM with transformers: `python -m scripts.starter.check_engine botcore/starter [bfloat16|float32]`.

Starts vLLM's server as a child, asks 20 prompts for 32 greedy tokens over /v1 and counts the equal token lists.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import torch

from scripts.starter.cells import SYSTEMS, said
from scripts.starter.decode import Model

PORT = 8765
QUIET = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
}
LISTED = "Passages: [1] The key is in the drawer. [2] The library opens at 9 am. Question: "
PROMPTS = (
    "Hello!", "How are you?", "Who are you?", "What can you do?", "My name is Borislav.", "Tell me a joke.", "Thanks!", "Goodbye",
    "What is the capital of France?", "Write a short story about a fox.", "Write a short poem about rain.", "Write a short news report about a bridge.",
    "Continue this text: Once upon a time there was a fox who lived near the sea.", "Repeat: the quick brown fox", "Write in upper case: hello world",
    "List three colours.", "Count to 12.", f"{LISTED}Where is the key?", f"{LISTED}When does the library open?", f"{LISTED}Who owns the bicycle?",
)  # fmt: skip


@contextlib.contextmanager
def server(path: Path, dtype: str) -> Iterator[str]:
    """Run vLLM on the checkpoint and give its base address; the child is ended on the way out."""
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(path), "--served-model-name", "starter",
               "--dtype", dtype, "--port", str(PORT), "--enforce-eager", "--distributed-executor-backend", "uni"]  # fmt: skip
    started = time.monotonic()
    with (
        open("build/vllm.log", "w") as log,
        subprocess.Popen(command, env={**os.environ, **QUIET}, stdout=log, stderr=log) as child,
    ):
        try:
            while not _healthy():
                if child.poll() is not None or time.monotonic() - started > 300:
                    raise SystemExit("vLLM did not start; read build/vllm.log")
                time.sleep(0.5)
            print(f"vLLM ready after {time.monotonic() - started:.1f} s")
            yield f"http://127.0.0.1:{PORT}/v1"
        finally:
            child.send_signal(signal.SIGTERM)


def _healthy() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def tokens(base: str, talk: list[dict[str, str]]) -> list[int]:
    """Return the token ids of a greedy reply over /v1/chat/completions."""
    body = {"model": "starter", "messages": talk, "temperature": 0, "max_tokens": 32, "return_token_ids": True}
    request = urllib.request.Request(
        f"{base}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        ids: list[int] = json.load(reply)["choices"][0]["token_ids"]
    return ids


def compare(path: Path, dtype: str) -> None:
    """Print the count of equal replies, and both replies where they differ."""
    model = Model(path, getattr(torch, dtype))
    same = 0
    with server(path, dtype) as base:
        for index, prompt in enumerate(PROMPTS):
            talk = said(SYSTEMS[index % 3], prompt)
            ids = torch.tensor([model.prompt(talk)])
            mine = model.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=32,
                do_sample=False,
                temperature=None,
                top_p=None,
            )
            expected, got = mine[0, ids.size(1) :].tolist(), tokens(base, talk)
            same += expected == got
            if expected != got:
                print(
                    f"   differs: {prompt}\n     transformers {model.tokenizer.decode(expected)!r}\n     vLLM         {model.tokenizer.decode(got)!r}"
                )
    print(f"{dtype}: vLLM = transformers on {same}/{len(PROMPTS)} prompts")


if __name__ == "__main__":
    compare(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "bfloat16")
