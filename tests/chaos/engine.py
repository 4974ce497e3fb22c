"""One engine for several bots, over HTTP as in life: takes its time, repeats what was said, sees who asks twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any, Self

from aiohttp import web

from tests.chaos.crowd import ANSWER

__all__ = ["THINKS_S", "SlowEngine"]

THINKS_S = (0.1, 0.6)
"""Before the reply: short for a model, long enough that something always runs when a process is killed."""


class SlowEngine:
    """Speaks OpenAI's protocol at `url`. A caller that goes away frees its place at once."""

    def __init__(self, seed: int, thinks_s: tuple[float, float] = THINKS_S) -> None:
        self.url = ""
        self.open: Counter[str] = Counter()
        """Conversation → generations that run now."""
        self.at_once: list[str] = []
        """Messages that were begun while another of their conversation was being answered."""
        self._chance = Random(seed)
        self._thinks_s = thinks_s

    @property
    def environ(self) -> dict[str, str]:
        """What a bot must be told to use it."""
        return {
            "BOTCORE_ENGINE__KIND": "openai",
            "BOTCORE_ENGINE__BASE_URL": self.url,
            "BOTCORE_ENGINE__MODEL": "slow",
        }

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "slow", "max_model_len": 4096}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        said = (await request.json())["messages"][-1]["content"]
        place = said.partition(" of ")[2]
        if place and self.open[place]:  # a bot that looks whether the engine works speaks of no place
            self.at_once.append(said)
        self.open[place] += 1
        try:
            await asyncio.sleep(self._chance.uniform(*self._thinks_s))
            return await self._answer(request, ANSWER + said)
        except ConnectionError:  # whoever asked was killed
            return web.Response()
        finally:
            self.open[place] -= 1

    async def _answer(self, request: web.Request, text: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_event({"delta": {"role": "assistant", "content": text}, "finish_reason": None}))
        await response.write(_event({"delta": {}, "finish_reason": "stop"}) + b"data: [DONE]\n\n")
        return response


def _event(choice: Mapping[str, Any]) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": "slow",
        "choices": [{"index": 0, **choice}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
