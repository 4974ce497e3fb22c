"""Stands in for vllm.entrypoints.openai.api_server: same arguments, same lines in its log, same way to die.

``fake.json`` in the model's directory: ``{"fail": "ValueError: …"}`` ends the start as an exception would,
``{"fail_lora": …}`` one in LoRA mode. A message
"die" kills the server in the middle of its answer, "hang" makes it silent for ever, "slow" stops after its first word
until a file ``go`` stands in the model's directory. Of an encoder a text does the same.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web

from botcore.testing.openai_server import FakeOpenAI, Stream

CORE = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('vllm core', flush=True); time.sleep(600)"


class FakeServer(FakeOpenAI):
    hung = False
    pooling = False
    directory = Path()

    async def _go(self) -> None:
        while not (self.directory / "go").exists():  # noqa: ASYNC110 -- another process makes the file
            await asyncio.sleep(0.02)
        self.step(10)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.hung:
            await asyncio.Event().wait()
        if request.path == ("/v1/chat/completions" if self.pooling else "/v1/embeddings"):
            return web.json_response({"detail": "Not Found"}, status=404)
        answer = await super()._handle(request)
        if request.path == "/v1/load_lora_adapter" and "fake_waits" in (await request.json())["lora_path"]:
            await self._go()  # it is loaded, and says so late
        return answer

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        said = (await request.json())["input"][:1]
        if said == ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if said == ["hang"]:
            self.hung = True
            await asyncio.Event().wait()
        return await super()._embed(request)

    async def _stream(self, request: web.Request, response: web.StreamResponse, plan: Stream, body: Any) -> None:
        said = body["messages"][-1]["content"]
        if said == "who":  # what answers: a version by its name; the base by whatever holds the last slot
            last = len(self.loaded) >= self.lora_slots > 0
            plan = Stream(body["model"] if body["model"] != self.models[0] or not last else self.loaded[-1])
        if said == "slots":
            plan = Stream(" ".join([str(self.lora_slots), *self.loaded]))
        if said == "slow":
            plan = Stream("slowly does it", held=True)
            self.step()
            self.waiting = asyncio.create_task(self._go())
        if said == "die":
            plan = Stream(cut_after=1)
            asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGKILL)
        if said == "hang":
            self.hung = True
            plan = Stream(cut_after=1)
        await super()._stream(request, response, plan, body)


def say(text: str) -> None:
    sys.stdout.write(f"(APIServer pid={os.getpid()}) INFO 11-23 20:23:27 [core.py:133] {text}\n")
    sys.stdout.flush()


async def serve(options: argparse.Namespace) -> None:
    window = int(
        options.max_model_len
        or json.loads((Path(options.model) / "config.json").read_text())["max_position_embeddings"]
    )
    model, key = options.served_model_name, os.environ["VLLM_API_KEY"]
    async with FakeServer(model=model, window=window, key=key, socket=Path(options.uds)) as server:
        server.directory = Path(options.model)
        server.pooling = options.runner == "pooling"
        server.longest = window
        if options.enable_lora and os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING") == "1":
            server.lora_slots = int(options.max_loras)
        say("Starting vLLM server on unix")
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("model", "served-model-name", "uds", "max-model-len", "max-loras", "max-lora-rank", "runner"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--enable-lora", action="store_true")
    options, _ = parser.parse_known_args()
    say("non-default args: {}")
    plan = Path(options.model) / "fake.json"
    told = json.loads(plan.read_text()) if plan.exists() else {}
    if failure := told.get("fail") or (options.enable_lora and told.get("fail_lora")):
        sys.stderr.write(f"(EngineCore pid=1) ERROR 11-23 20:23:27 [core.py:1] {failure}\n")
        sys.exit("RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}")
    Path(tempfile.gettempdir(), f"vllm_dist_{uuid4().hex}").touch()  # as vLLM does, which leaves it lying there
    subprocess.Popen([sys.executable, "-c", CORE, "vllm"])
    say("Starting to load model")
    sys.stdout.write("\rLoading safetensors checkpoint shards:  50% Completed | 1/2\r")
    sys.stdout.flush()
    time.sleep(0.1)  # loading takes a moment, or a watcher sees only the last of many changes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
