"""The one client of every engine: OpenAI's protocol over TCP or a unix socket. The protocol itself is in `wire.py`.

Closing a stream closes its connection at once, which is what makes a server stop generating. Every wait has a deadline.
The key is sent in one header and appears in no message and no log.
"""

import json
import logging
import os
import re
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import aiohttp

from botcore.clock import Clock
from botcore.engine.dialect import pause_in, refused_fields, without
from botcore.engine.vectors import batches, embed_body, read_vectors
from botcore.engine.wire import EventStream, Halves, Piece, chat_body, error_for, read_piece, reason_in, tokenize_body
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Prompt, Usage

if TYPE_CHECKING:
    from array import array

__all__ = ["Deadlines", "OpenAIClient", "ServedModel", "shown"]

logger: logging.Logger = logging.getLogger(__name__)

HELLO = Prompt(messages=(PromptMessage(role="user", content="Hello"),))
BODY_LIMIT = 1 << 20
"""Bytes of an answer that is no stream; a list of models is a few KiB."""
VECTORS_LIMIT = 16 << 20
"""Bytes of an answer with vectors: 32 of 8,192 numbers are 6 MB where the server writes them as decimals."""
IDLE = 3.0
"""Seconds after which a connection is not used again. vLLM closes idle ones after 5, and a request that meets the
closing fails for no fault of anybody's; a connection to a socket of this machine is cheap, so there none is kept."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOAD_WITHIN = 60.0
"""Seconds for an adapter: it is read from the disk, between two steps of the running batch."""
ONE_TOKEN = Sampling(max_tokens=1, temperature=0)
FEW_TOKENS = Sampling(max_tokens=16, temperature=0)
"""Of servers other than vLLM: OpenAI's thinking models refuse what they cannot finish within a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds a server may take."""

    first_token: float = 30.0
    token_gap: float = 15.0
    question: float = 10.0
    """For everything that generates nothing: models, counting, vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """One line of ``/v1/models``."""

    id: str
    window: int = 0
    """Tokens; 0 where the server does not say."""


class OpenAIClient:
    """Streams, embeds, counts, asks for health. An async context manager; outside of it all is `EngineUnavailable`."""

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        api_key: str = "",
        socket: str = "",
        deadlines: Deadlines | None = None,
        table: str = "engine",
    ) -> None:
        """``base_url`` ends with ``/v1`` (added where it has no path); with ``socket`` its host means nothing.

        ``table`` is what errors call the server, and where they send the operator.
        """
        self._base = _base(base_url, table)
        self._table = table
        self._who = f"the {table} at {socket or shown(self._base)}"
        self._clock = clock
        self._key = api_key
        self._socket = socket
        self._deadlines = deadlines or Deadlines()
        self._session: aiohttp.ClientSession | None = None
        self._counts = True
        self._is_vllm = False
        self._refuses = set[str]()
        """Fields that this server does not take."""
        self._moved = float("-inf")
        """When the last token came, of any stream."""

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        # Turns are bounded by settings; a limit here would make the 101st stream wait without a word.
        connector = (
            aiohttp.UnixConnector(self._socket, limit=0, force_close=True)
            if self._socket
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        proxies = not self._socket and urlsplit(self._base).hostname not in LOOPBACK
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout, trust_env=proxies)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session:
            await session.close()

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
        wait = _Wait(self._clock, self._deadlines.first_token, "its first token")
        response = await self._open(body, wait)
        try:
            while block := await self._read(response, wait):
                for data in stream.feed(block):
                    if data == "[DONE]":
                        return
                    piece = self._parsed(data)
                    if piece.progress:
                        self._moved = self._clock.monotonic()
                        wait = _Wait(self._clock, self._deadlines.token_gap, "its next token")
                    yield piece
        finally:
            # Not release(): a connection kept for later would let the server go on generating.
            response.close()

    async def _open(self, body: dict[str, Any], wait: "_Wait") -> aiohttp.ClientResponse:
        """The answer; asked for again when the server says when, or which field it does not take."""
        url = f"{self._base}/chat/completions"
        while True:
            asked = without(body, self._refuses)
            async with self._errors(wait):
                # A redirected POST becomes a GET, and may carry the key elsewhere.
                response = await self._require().post(url, json=asked, allow_redirects=False)
                if response.status == 200:
                    return response
                async with response:
                    status, said = response.status, await _body(response)
            pause = pause_in(status, response.headers)
            if refused := refused_fields(status, said, asked):
                logger.warning("%s takes no %s: from now on it is asked without", self._who, ", ".join(sorted(refused)))
                self._refuses |= refused
            elif 0 < pause < wait.left():
                await self._clock.sleep(pause)
            else:
                raise self._refused(status, said)

    async def _read(self, response: aiohttp.ClientResponse, wait: "_Wait") -> bytes:
        while True:
            try:
                async with self._errors(wait):
                    return await response.content.readany()
            except EngineTimeout:
                # Behind a socket of this machine there is one engine: while others move, this one stands in its line.
                if not (self._socket and wait.begins_again(self._moved)):
                    raise

    @asynccontextmanager
    async def _errors(self, wait: "_Wait") -> AsyncIterator[None]:
        """Turns time-outs and connection errors of the body into ours."""
        try:
            async with self._clock.timeout(wait.left()):
                yield
        except TimeoutError:
            raise EngineTimeout(f"{self._who} took more than {wait.seconds:g} s for {wait.what}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = _reason(error)
            raise self._scrubbed(EngineUnavailable(f"{self._who} cannot be reached: {said}")) from None

    def _parsed(self, data: str) -> Piece:
        try:
            return read_piece(data, who=self._who)
        except EngineError as error:
            raise self._scrubbed(error) from None

    def _refused(self, status: int, body: Any) -> EngineError:
        return self._scrubbed(error_for(status, body, who=self._who, table=self._table))

    def _scrubbed(self, error: EngineError) -> EngineError:
        """The same error without our key: some servers repeat it in their answer, or its two ends between stars."""
        said = str(error).replace(self._key, "***") if self._key else str(error)
        return type(error)(re.sub(r"\S*\*{3,}\S*", "***", said))

    def _require(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise EngineUnavailable(f"{self._who} is not connected")
        return self._session

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
            root = self._base.removesuffix("/v1")
            status, body = await self._ask("POST", f"{root}/tokenize", tokenize_body(messages, model=model))
        except EngineError as error:
            logger.debug("%s did not count: %s", self._who, error)
            return None
        if status in (404, 405, 501):
            self._counts = False
        count = body.get("count") if status == 200 and isinstance(body, dict) else None
        return count if isinstance(count, int) else None

    async def _ask(
        self, method: str, url: str, body: dict[str, Any] | None = None, *, seconds: float = 0, limit: int = BODY_LIMIT
    ) -> tuple[int, Any]:
        wait = _Wait(self._clock, seconds or self._deadlines.question, f"{method} {url.removeprefix(self._base)}")
        session = self._require()
        async with self._errors(wait), session.request(method, url, json=body, allow_redirects=False) as response:
            return response.status, await _body(response, limit)


class _Wait:
    """One wait of at most ``seconds``. It begins when we first wait: a slow reader is not a slow engine."""

    def __init__(self, clock: Clock, seconds: float, what: str) -> None:
        self.seconds, self.what = seconds, what
        self._clock = clock
        self._begun: float | None = None

    def left(self) -> float:
        now = self._clock.monotonic()
        self._begun = now if self._begun is None else self._begun
        return max(0.0, self._begun + self.seconds - now)

    def begins_again(self, at: float) -> bool:
        """Whether it does, from then on: False where it began later."""
        if self._begun is None or at <= self._begun:
            return False
        self._begun = at
        return True


def shown(url: str) -> str:
    """An address for people: without the name and password that a server behind a proxy may want in it."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if rest else url


def _base(url: str, table: str) -> str:
    url = url.rstrip("/")
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise EngineRejected(f"{table}.base_url must start with http:// or https://, not {shown(url)!r}")
    return url if "/" in rest else f"{url}/v1"


def _reason(error: Exception) -> str:
    """What went wrong, in one line; of a connection that was not made the system's word, without aiohttp's brackets."""
    cause = error.__cause__ if isinstance(error, aiohttp.ClientConnectorError) else None
    if isinstance(cause, socket.gaierror | ssl.SSLError) and cause.strerror:
        return cause.strerror  # their numbers are not the system's: TLS has a 1, too
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno)
    return " ".join(str(error).split()) or type(error).__name__


async def _body(response: aiohttp.ClientResponse, limit: int = BODY_LIMIT) -> Any:
    """The body as JSON where it is JSON, else as text; ``limit`` bytes at most."""
    blocks, size = list[bytes](), 0
    while size < limit and (block := await response.content.readany()):
        blocks.append(block)
        size += len(block)
    text = b"".join(blocks).decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _rows(body: Any) -> list[dict[str, Any]]:
    rows = body.get("data") if isinstance(body, dict) else None
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
