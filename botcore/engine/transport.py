"""The way to a server that speaks HTTP, over TCP or a unix socket. What is asked there is in `client.py`.

Every wait has a deadline. What goes wrong is told in one line of ours, with the server's address and without the key,
which is sent in one header and appears in no message and no log.
"""

import json
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from botcore.clock import Clock
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable
from botcore.proxy import proxy_to

__all__ = ["Deadlines", "Transport", "Wait", "body_of", "shown"]

BODY_LIMIT = 1 << 20
"""Bytes of an answer that is no stream; a list of models is a few KiB."""
IDLE = 3.0
"""Seconds after which a connection is not used again. vLLM closes idle ones after 5, and a request that meets the
closing fails for no fault of anybody's; a connection to a socket of this machine is cheap, so there none is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds a server may take."""

    first_token: float = 30.0
    token_gap: float = 15.0
    question: float = 10.0
    """For everything that generates nothing: models, counting, vectors."""


class Wait:
    """One wait of at most ``seconds``. It begins when we first wait: a slow reader is not a slow engine."""

    def __init__(self, clock: Clock, seconds: float, what: str) -> None:
        self.seconds: float = seconds
        self.what: str = what
        self._clock = clock
        self._begun: float | None = None

    def left(self) -> float:
        """Seconds of it that are left."""
        now = self._clock.monotonic()
        self._begun = now if self._begun is None else self._begun
        return max(0.0, self._begun + self.seconds - now)

    def begins_again(self, at: float) -> bool:
        """Whether it does, from then on: False where it began later."""
        if self._begun is None or at <= self._begun:
            return False
        self._begun = at
        return True


class Transport:
    """An async context manager; outside of it all is `EngineUnavailable`."""

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
        # Given with each request: what is the session's goes to the proxy, too.
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._socket = socket
        self._deadlines = deadlines or Deadlines()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Turns are bounded by settings; a limit here would make the 101st stream wait without a word.
        connector = (
            aiohttp.UnixConnector(self._socket, limit=0, force_close=True)
            if self._socket
            else aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=None)
        proxy = None if self._socket else proxy_to(self._base)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, proxy=proxy)
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session:
            await session.close()

    @asynccontextmanager
    async def _errors(self, wait: Wait) -> AsyncIterator[None]:
        """Turns time-outs and connection errors of the body into ours."""
        try:
            async with self._clock.timeout(wait.left()):
                yield
        except TimeoutError:
            raise EngineTimeout(f"{self._who} took more than {wait.seconds:g} s for {wait.what}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = _reason(error)
            raise self._scrubbed(EngineUnavailable(f"{self._who} cannot be reached: {said}")) from None

    def _scrubbed(self, error: EngineError) -> EngineError:
        """The same error without our key: some servers repeat it in their answer, or its two ends between stars."""
        said = str(error).replace(self._key, "***") if self._key else str(error)
        return type(error)(re.sub(r"\S*\*{3,}\S*", "***", said))

    def _require(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise EngineUnavailable(f"{self._who} is not connected")
        return self._session

    async def _ask(
        self, method: str, url: str, body: dict[str, Any] | None = None, *, seconds: float = 0, limit: int = BODY_LIMIT
    ) -> tuple[int, Any]:
        wait = Wait(self._clock, seconds or self._deadlines.question, f"{method} {url.removeprefix(self._base)}")
        async with (
            self._errors(wait),
            self._require().request(method, url, json=body, headers=self._headers, allow_redirects=False) as response,
        ):
            return response.status, await body_of(response, limit)


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


async def body_of(response: aiohttp.ClientResponse, limit: int = BODY_LIMIT) -> Any:
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
