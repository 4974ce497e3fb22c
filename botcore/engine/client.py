"""The one client of every engine, in OpenAI's protocol: what is asked, and what becomes of the answers.

The protocol itself is in `wire.py`, the way to the server in `transport.py`. Closing a stream closes its connection at
once, which is what makes a server stop generating.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from botcore.engine.dialect import pause_in, refused_fields, without
from botcore.engine.transport import Transport, Wait, body_of
from botcore.engine.vectors import batches, embed_body, read_vectors
from botcore.engine.wire import EventStream, Halves, Piece, chat_body, error_for, read_piece, reason_in, tokenize_body
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Prompt, Usage

if TYPE_CHECKING:
    from array import array

__all__ = ["OpenAIClient", "ServedModel"]

logger: logging.Logger = logging.getLogger(__name__)

HELLO = Prompt(
    messages=(PromptMessage(role="system", content="Be brief."), PromptMessage(role="user", content="Hello"))
)
"""With what every message of a chat has: whether the model's template takes it is then known from the start."""
VECTORS_LIMIT = 16 << 20
"""Bytes of an answer with vectors: 32 of 8,192 numbers are 6 MB where the server writes them as decimals."""
LOAD_WITHIN = 60.0
"""Seconds for an adapter: it is read from the disk, between two steps of the running batch."""
ONE_TOKEN = Sampling(max_tokens=1, temperature=0)
FEW_TOKENS = Sampling(max_tokens=16, temperature=0)
"""Of servers other than vLLM: OpenAI's thinking models refuse what they cannot finish within a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One line of ``/v1/models``."""

    id: str
    window: int = 0
    """Tokens; 0 where the server does not say."""


class OpenAIClient(Transport):
    """Streams, embeds, counts, asks for health. An async context manager; outside of it all is `EngineUnavailable`."""

    _counts: bool = True
    """Whether it may be asked how many tokens a prompt has."""
    _is_vllm: bool = False
    _refuses: frozenset[str] = frozenset()
    """Fields that this server does not take."""
    _moved: float = float("-inf")
    """When the last token came, of any stream."""

    async def generate(
        self, prompt: Prompt, sampling: Sampling, *, model: str, window: int = 0
    ) -> AsyncGenerator[Delta, None]:
        """Deltas of one completion; the last has ``finish`` and, where the server tells, ``usage``.

        Raises `EngineTimeout`, `EngineUnavailable`, `EngineRejected`, `PromptTooLong`. Closing it aborts the request.
        """
        structured = self._is_vllm
        body = chat_body(prompt.messages, sampling, model=model, window=window, structured=structured)
        finish, usage = "", None
        ids: tuple[int, ...] = ()
        halves = Halves()
        try:
            async with aclosing(self._pieces(body)) as pieces:
                async for piece in pieces:
                    text = halves.whole(piece.text)
                    usage = piece.usage or usage
                    finish = piece.finish or finish
                    if text:
                        yield Delta(text=text, token_ids=ids + piece.token_ids)
                        ids = ()
                    else:
                        ids += piece.token_ids
            if not finish:
                raise EngineUnavailable(f"{self._who} ended its answer in the middle")
        except (EngineUnavailable, EngineTimeout) as error:
            if not finish:
                raise
            logger.debug("behind a whole reply: %s", error)  # what is missing is the bill, or the end of the stream
        yield Delta(finish=finish, usage=usage, token_ids=ids)  # type: ignore[arg-type]

    async def _pieces(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """The stream's events; each wait for the next token ends in `EngineTimeout` when it takes too long."""
        stream = EventStream()
        wait = Wait(self._clock, self._deadlines.first_token, "its first token")
        response = await self._open(body, wait)
        try:
            while block := await self._read(response, wait):
                for data in stream.feed(block):
                    if data == "[DONE]":
                        return
                    piece = self._parsed(data)
                    if piece.progress:
                        self._moved = self._clock.monotonic()
                        wait = Wait(self._clock, self._deadlines.token_gap, "its next token")
                    yield piece
        finally:
            # Not release(): a connection kept for later would let the server go on generating.
            response.close()

    async def _open(self, body: dict[str, Any], wait: Wait) -> aiohttp.ClientResponse:
        """The answer; asked for again when the server says when, or which field it does not take."""
        url = f"{self._base}/chat/completions"
        while True:
            asked = without(body, self._refuses)
            async with self._errors(wait):
                # A redirected POST becomes a GET, and may carry the key elsewhere.
                response = await self._require().post(url, json=asked, headers=self._headers, allow_redirects=False)
                if response.status == 200:
                    return response
                async with response:
                    status, said = response.status, await body_of(response)
            pause = pause_in(status, response.headers)
            if refused := refused_fields(status, said, asked):
                logger.warning("%s takes no %s: from now on it is asked without", self._who, ", ".join(sorted(refused)))
                self._refuses |= refused
            elif 0 < pause < wait.left():
                await self._clock.sleep(pause)
            else:
                raise self._refused(status, said)

    async def _read(self, response: aiohttp.ClientResponse, wait: Wait) -> bytes:
        while True:
            try:
                async with self._errors(wait):
                    return await response.content.readany()
            except EngineTimeout:
                # Behind a socket of this machine there is one engine: while others move, this one stands in its line.
                if not (self._socket and wait.begins_again(self._moved)):
                    raise

    def _parsed(self, data: str) -> Piece:
        try:
            return read_piece(data, who=self._who)
        except EngineError as error:
            raise self._scrubbed(error) from None

    def _refused(self, status: int, body: Any) -> EngineError:
        return self._scrubbed(error_for(status, body, who=self._who, table=self._table))

    async def models(self, *, named: str = "") -> list[ServedModel]:
        """What the server serves, LoRA versions included. Raises the `EngineError` family.

        Nothing where it has no such list and the model is ``named``: then the name is enough. Also how we learn that it
        is vLLM, and may be asked for what other servers refuse.
        """
        status, body = await self._ask("GET", f"{self._base}/models")
        if status in (404, 405, 501) and named:
            return []
        if status != 200:
            raise self._refused(status, body)
        self._is_vllm = any(row.get("owned_by") == "vllm" for row in _rows(body))
        return [ServedModel(id=row["id"], window=_whole(row.get("max_model_len"))) for row in _rows(body)]

    async def embed(self, texts: Sequence[str], *, model: str, seconds: float = 0) -> list["array[float]"]:
        """A vector of length 1 for each text, in order; vLLM reads the beginning of a text that is too long for it.

        Raises `EngineTimeout`, `EngineUnavailable`, `EngineRejected`, `PromptTooLong`. Cancelling closes the request.
        ``seconds``: for each request, in the place of the deadline.
        """
        url, vectors = f"{self._base}/embeddings", list["array[float]"]()
        for batch in batches(texts):
            body = embed_body(batch, model=model, cut=self._is_vllm)
            status, said = await self._ask("POST", url, body, seconds=seconds, limit=VECTORS_LIMIT)
            if status != 200:
                raise self._refused(status, said)
            vectors += read_vectors(said, len(batch), who=self._who)
        return vectors

    async def load_lora(self, name: str, folder: str) -> None:
        """Load an adapter under a name. Raises `EngineRejected` with the server's reason, or another `EngineError`."""
        body = {"lora_name": name, "lora_path": folder}
        status, said = await self._ask("POST", f"{self._base}/load_lora_adapter", body, seconds=LOAD_WITHIN)
        if status != 200:  # 500, too, is how vLLM refuses an adapter
            why = reason_in(said) or f"HTTP {status}"
            raise self._scrubbed(EngineRejected(f"{self._who} does not load {name}: {why}"))

    async def unload_lora(self, name: str) -> None:
        """Let the server forget a name; it is fine where it has. Raises the `EngineError` family."""
        await self._ask("POST", f"{self._base}/unload_lora_adapter", {"lora_name": name}, seconds=LOAD_WITHIN)

    async def probe(self, *, model: str, seconds: float) -> Usage | None:
        """Generate one token: the only proof of health. Raises the `EngineError` family; ``seconds`` is the limit."""
        usage, sampling = None, ONE_TOKEN if self._is_vllm else FEW_TOKENS
        try:
            async with self._clock.timeout(seconds), aclosing(self.generate(HELLO, sampling, model=model)) as deltas:
                async for delta in deltas:
                    usage = delta.usage or usage
        except TimeoutError:
            raise EngineTimeout(f"{self._who} made no token within {seconds:g} s") from None
        return usage

    async def probe_vector(self, *, model: str, seconds: float) -> None:
        """Encode one word: the same of an encoder."""
        await self.embed(["Hello"], model=model, seconds=seconds)

    async def count(self, messages: Sequence[PromptMessage], *, model: str) -> int | None:
        """Tokens of the rendered prompt as vLLM counts them; None where the server cannot say, now or ever."""
        if not self._counts:
            return None
        try:
            url, asked = f"{self._base.removesuffix('/v1')}/tokenize", tokenize_body(messages, model=model)
            status, body = await self._ask("POST", url, without(asked, self._refuses))
        except EngineError as error:
            logger.debug("%s did not count: %s", self._who, error)
            return None
        if status in (404, 405, 501):
            self._counts = False
        count = body.get("count") if status == 200 and isinstance(body, dict) else None
        return count if isinstance(count, int) else None


def _rows(body: Any) -> list[dict[str, Any]]:
    rows = body.get("data") if isinstance(body, dict) else None
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
