"""A server that speaks OpenAI's protocol the way vLLM does, and misbehaves on request. For tests of clients.

async with FakeOpenAI() as server:
server.queue(Stream("one two"), Answer(429, {"error": {"message": "busy"}}))
client = OpenAIClient(server.url, clock=clock)
"""

import asyncio
import base64
import json
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

__all__ = ["Answer", "FakeOpenAI", "Stream"]


@dataclass(frozen=True, slots=True)
class Stream:
    """A completion, one word a token."""

    text: str = "one two three"
    held: bool = False
    """Wait before every word for `FakeOpenAI.step`."""
    cut_after: int | None = None
    """Drop the connection after so many words."""
    error_after: int | None = None
    """Send vLLM's error event after so many words."""
    ends: Literal["done", "cut", "open"] = "done"
    """What comes behind the last word and its reason: all there is, a dropped connection, or nothing."""
    raw: bytes | None = None
    """Send these bytes instead of anything sensible."""
    usage: bool = True
    thoughts: str = ""
    """Words a thinking model keeps to itself, sent first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A plain answer instead of a stream."""

    status: int
    body: Any = None
    """JSON, or a `str` sent as it is."""
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeOpenAI:
    """One server on a port of its own, or on a unix socket."""

    def __init__(self, *, model: str = "fake", window: int = 4096, key: str = "", socket: Path | None = None) -> None:
        self.models: list[str] = [model]
        self.window = window
        self.key = key
        self.owner = "vllm"
        """Who serves, as the list of models says; only vLLM knows structured outputs."""
        self.lists = True
        """False: no list of models, as on some servers of vectors."""
        self.tokenizes = True
        """False: no such route, as on servers other than vLLM."""
        self.lora_slots = 0
        """With more than 0 it is in LoRA mode and takes adapters."""
        self.loaded: list[str] = []
        """What holds a slot, oldest first."""
        self.encodes: Callable[[str], list[float]] = bag_of_letters
        """The vector of a text."""
        self.as_decimals = False
        """Vectors as lists of numbers, as servers do that do not know base64."""
        self.longest: int = 0
        """Words that a text may have unless the request lets it be cut; 0 = any number."""
        self.embedded: list[dict[str, Any]] = []
        """Every body that asked for vectors, oldest first."""
        self.bodies: list[dict[str, Any]] = []
        """Every chat completion's body, oldest first."""
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.otherwise: Callable[[dict[str, Any]], Stream | Answer] = lambda body: Stream()
        """What a request's body gets when nothing is queued."""
        self.open: int = 0
        """Streams running now."""
        self.begun: asyncio.Event = asyncio.Event()
        """Set when a stream has begun."""
        self.freed: asyncio.Event = asyncio.Event()
        """Set when a client went away in the middle of a stream."""
        self._socket = socket
        self._plans: deque[Stream | Answer] = deque()
        self._steps = asyncio.Semaphore(0)
        self._runner: web.AppRunner | None = None
        self.url: str = ""

    def queue(self, *plans: Stream | Answer) -> None:
        """What the next requests get, in order; after that, what `otherwise` says.

        A held `Stream` lets a request for vectors wait for a step.
        """
        self._plans.extend(plans)

    def step(self, words: int = 1) -> None:
        """Let ``words`` held words go."""
        for _ in range(words):
            self._steps.release()

    def drop_steps(self) -> None:
        """Hold again what was let go and not said."""
        self._steps = asyncio.Semaphore(0)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        # Without handler_cancellation aiohttp lets a handler run on after its client has gone.
        self._runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        if self._socket:
            await web.UnixSite(self._runner, str(self._socket)).start()
            self.url = "http://engine/v1"
        else:
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        # As vLLM does: the key guards /v1 only.
        if self.key and request.path.startswith("/v1") and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        match request.method, request.path:
            case "GET", "/v1/models" if self.lists:
                known = {"object": "model", "owned_by": self.owner, "max_model_len": self.window}
                rows = [{"id": name, **known} for name in self.models]
                return web.json_response({"object": "list", "data": rows})
            case "POST", "/tokenize" if self.tokenizes:
                count = tokens((await request.json())["messages"])
                return web.json_response({"count": count, "max_model_len": self.window, "tokens": list(range(count))})
            case "POST", "/v1/chat/completions":
                return await self._chat(request)
            case "POST", "/v1/embeddings":
                return await self._embed(request)
            case "POST", "/v1/load_lora_adapter" if self.lora_slots:
                return self._load(await request.json())
            case "POST", "/v1/unload_lora_adapter" if self.lora_slots:
                return self._unload(await request.json())
        return web.json_response({"detail": "Not Found"}, status=404)

    def _load(self, body: dict[str, str]) -> web.Response:
        name, folder = body["lora_name"], Path(body["lora_path"])
        if name in self.models:
            return _refusal(400, f"The lora adapter '{name}' has already been loaded.")
        if not (folder / "adapter_config.json").is_file():
            return _refusal(404, f"Loading lora {name} failed: No adapter found for {folder}")
        if json.loads((folder / "adapter_config.json").read_text()).get("fake_fails"):
            return _refusal(500, "Call to add_lora method failed: unexpected modules")
        self.models.append(name)
        self.loaded.append(name)
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    def _unload(self, body: dict[str, str]) -> web.Response:
        """As vLLM does: the name is forgotten, its slot stays taken."""
        name = body["lora_name"]
        if name not in self.models[1:]:
            return _refusal(404, f"The lora adapter '{name}' cannot be found.")
        self.models.remove(name)
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.embedded.append(body)
        plan = self._plans.popleft() if self._plans else None
        if isinstance(plan, Answer):
            return _answer(plan)
        if isinstance(plan, Stream) and plan.held:
            with self._open():
                await self._steps.acquire()
        if body["model"] not in self.models:
            return _refusal(404, f"The model `{body['model']}` does not exist.")
        cut = self.longest if self.owner == "vllm" and body.get("truncate_prompt_tokens") == -1 else None
        texts = [" ".join(text.split()[:cut]) if cut else text for text in body["input"]]
        if self.longest and any(len(text.split()) > self.longest for text in texts):
            return _refusal(400, f"This model's maximum context length is {self.longest} tokens.")
        rows = [{"index": place, "embedding": self._written(self.encodes(text))} for place, text in enumerate(texts)]
        return web.json_response({"object": "list", "data": rows[::-1], "model": body["model"]})

    def _written(self, numbers: list[float]) -> list[float] | str:
        packed = struct.pack(f"<{len(numbers)}f", *numbers)
        return numbers if self.as_decimals else base64.b64encode(packed).decode()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        if self.lora_slots and body["model"] not in self.models:
            return _refusal(404, f"The model `{body['model']}` does not exist.")
        plan = self._plans.popleft() if self._plans else self.otherwise(body)
        if isinstance(plan, Answer):
            return _answer(plan)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        with self._open():
            await self._stream(request, response, plan, body)
        return response

    @contextmanager
    def _open(self) -> Iterator[None]:
        self.open += 1
        self.begun.set()
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self.freed.set()
            raise
        finally:
            self.open -= 1

    async def _stream(self, request: web.Request, response: web.StreamResponse, plan: Stream, body: Any) -> None:
        if plan.raw is not None:
            await response.write(plan.raw)
            return
        whole = self._restricted(plan.text, body).split(" ")
        words = whole[: body.get("max_tokens") or body["max_completion_tokens"]]
        await _send(response, _chunk({"role": "assistant", "content": ""}))
        for thought in plan.thoughts.split():
            await _send(response, _chunk({"reasoning_content": thought}))
        for number, word in enumerate(words):
            if await self._misbehaves(request, response, plan, number):
                return
            if plan.held:
                await self._steps.acquire()
            ids = {"token_ids": [number]} if body.get("return_token_ids") else {}
            await _send(response, _chunk({"content": word if number == 0 else f" {word}"}, **ids))
        if await self._misbehaves(request, response, plan, len(words)):
            return
        cut = len(words) < len(whole)
        await _send(response, _chunk({}, finish_reason="length" if cut else "stop"))
        if plan.ends == "open":
            await asyncio.Event().wait()
        if plan.ends == "cut" and request.transport:
            request.transport.abort()
            return
        if plan.usage and (body.get("stream_options") or {}).get("include_usage"):
            made = len(words) + len(plan.thoughts.split())
            usage = {"prompt_tokens": tokens(body["messages"]), "completion_tokens": made}
            await _send(response, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")

    def _restricted(self, text: str, body: Any) -> str:
        """One of the texts asked for; a server that does not know the field says what it would have said."""
        texts = (body.get("structured_outputs") or {}).get("choice") if self.owner == "vllm" else None
        return text if not texts or text in texts else str(texts[0])

    async def _misbehaves(self, request: web.Request, response: web.StreamResponse, plan: Stream, sent: int) -> bool:
        if sent == plan.cut_after and request.transport:
            request.transport.abort()
            return True
        if sent == plan.error_after:
            error = {"message": "EngineCore encountered an issue.", "type": "InternalServerError", "code": 500}
            await _send(response, {"error": error})
            await response.write(b"data: [DONE]\n\n")
            return True
        return False


def tokens(messages: Sequence[dict[str, str]]) -> int:
    """Tokens of a prompt as this server counts: words, and two for each message."""
    return sum(len(message["content"].split()) + 2 for message in messages)


def bag_of_letters(text: str) -> list[float]:
    """How often each letter stands in a text, and 1 for the text itself."""
    return [1.0, *(float(text.lower().count(letter)) for letter in ascii_lowercase)]


def _answer(plan: Answer) -> web.Response:
    if isinstance(plan.body, str):
        return web.Response(status=plan.status, text=plan.body, headers=plan.headers)
    return web.json_response(plan.body, status=plan.status, headers=plan.headers)


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status)


def _chunk(delta: dict[str, str], **choice: Any) -> dict[str, Any]:
    finish = {"finish_reason": None, **choice}
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **finish}]}


async def _send(response: web.StreamResponse, payload: dict[str, Any]) -> None:
    await response.write(f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode())
