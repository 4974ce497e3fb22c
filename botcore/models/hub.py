"""The hub over HTTP, patiently: what it lists, and its files piece by piece. `HF_ENDPOINT` and `HF_TOKEN` are honoured.

The token goes to the endpoint alone: aiohttp drops it where a redirect leads to another host, as large files' do.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from botcore.clock import Clock
from botcore.errors import ModelError
from botcore.models.parts import Part
from botcore.models.wire import HubFile, Listing, pause_asked_for, read_listing, refusal
from botcore.proxy import proxy_to

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

__all__ = ["ENDPOINT", "Hub", "open_hub"]

T = TypeVar("T")
Tell = Callable[[int], None]
"""Is told how many bytes of a file are there."""

ENDPOINT = "https://huggingface.co"
TRIES = 6
"""In a row without a byte more; with pauses of 1, 2, 4 … s that is half a minute."""
FIRST_TRIES = 3
"""Of the first questions, when a person is waiting to be told that there is no network."""
RESUMES = 200
"""Of one file: a line that breaks more often than this is not going to get better."""
CONNECT_WITHIN, SILENT_FOR = 15.0, 60.0
ANSWER_LIMIT = 16 << 20
"""Bytes of a listing: one of 10,000 files has 3 MB."""
PIECE = 1 << 20


class _Later(Exception):
    """Worth another try, after ``pause`` seconds where the hub said so."""

    def __init__(self, why: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.pause = pause


@asynccontextmanager
async def open_hub(environ: Mapping[str, str], *, clock: Clock) -> AsyncIterator["Hub"]:
    """The hub these variables name."""
    from aiohttp import ClientSession, ClientTimeout

    endpoint = environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT
    if not urlsplit(endpoint).hostname or not endpoint.startswith(("http://", "https://")):
        raise ModelError("HF_ENDPOINT is no address of a hub, such as https://huggingface.co")
    # What a file weighs and hashes to is meant of itself, not of what a proxy made of it.
    headers = {"Accept-Encoding": "identity", "User-Agent": "botcore"}
    timeout = ClientTimeout(total=None, sock_connect=CONNECT_WITHIN, sock_read=SILENT_FOR)
    async with ClientSession(headers=headers, timeout=timeout, proxy=proxy_to(endpoint)) as session:
        yield Hub(session, endpoint=endpoint, token=environ.get("HF_TOKEN", "").strip(), clock=clock)


class Hub:
    """One hub. Every call raises `ModelError` with one line where it cannot be answered."""

    def __init__(self, session: "ClientSession", *, endpoint: str, token: str, clock: Clock) -> None:
        self.endpoint = endpoint
        self._session = session
        self._token = token
        self._clock = clock

    async def listing(self, name: str, revision: str = "") -> Listing:
        """The files of a branch, tag or commit; of the main branch where none is given."""
        at = f"/revision/{quote(revision, safe='')}" if revision else ""
        raw = await self._json(name, f"/api/models/{name}{at}?blobs=true")
        return read_listing(name, raw)

    async def json_file(self, listing: Listing, file: str) -> Any:
        """A small file of this commit, read."""
        return await self._json(listing.name, self._file(listing, file))

    async def fetch(self, listing: Listing, file: HubFile, part: Part, tell: Tell) -> None:
        """Fill ``part`` until it is whole, taking up where an answer broke off."""
        failed, path = 0, self._file(listing, file.name)
        for _ in range(RESUMES):
            if part.whole:
                return
            before, why = part.have, _Later("the answer ended too early")
            try:
                await self._more(listing.name, path, part, tell)
            except _Later as error:
                why = error
            if not part.whole:
                failed = 1 if part.have > before else failed + 1
                await self._pause(failed, why, file.name)
        raise ModelError(f"{file.name} broke off {RESUMES} times; what is there is kept, run this again to go on")

    async def _more(self, name: str, path: str, part: Part, tell: Tell) -> None:
        span = {"Range": f"bytes={part.have}-"} if part.have else {}
        async with self._asked(name, path, span) as answer:
            if answer.status == 416:
                part.restart()
                raise _Later("the hub has no such range")
            if part.have and not answer.headers.get("Content-Range", "").startswith(f"bytes {part.have}-"):
                part.restart()  # it does not know ranges: this is the whole file again
            async for chunk in answer.content.iter_chunked(PIECE):
                # Written in the loop: there is nothing else in it, and the page cache takes a piece in a millisecond.
                part.add(chunk)
                tell(part.have)

    async def _json(self, name: str, path: str) -> Any:
        async def once() -> bytes:
            async with self._asked(name, path, {}) as answer:
                return b"".join([chunk async for chunk in _bounded(answer)])

        body = await self._patiently(once, name)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise ModelError(f"{self.endpoint} does not answer as a hub does (no JSON about {name})") from None

    async def _patiently(self, once: Callable[[], Awaitable[T]], what: str) -> T:
        failed = 0
        while True:
            try:
                return await once()
            except _Later as error:
                failed += 1
                await self._pause(failed, error, what, tries=FIRST_TRIES)

    async def _pause(self, failed: int, error: _Later, what: str, *, tries: int = TRIES) -> None:
        if failed >= tries:
            raise ModelError(f"{what} cannot be fetched from {self.endpoint}: {error}; tried {failed} times") from None
        await self._clock.sleep(error.pause or float(2 ** (failed - 1)))

    @asynccontextmanager
    async def _asked(self, name: str, path: str, headers: Mapping[str, str]) -> AsyncIterator["ClientResponse"]:
        """A good answer, or a 416. Raises `ModelError` for a refusal and `_Later` for what may work again."""
        from aiohttp import ClientError
        from yarl import URL

        secret = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = URL(self.endpoint + path, encoded=True)
        try:
            async with self._session.get(url, headers={**headers, **secret}, max_redirects=5) as answer:
                why = refusal(answer.status, answer.headers, name=name, endpoint=self.endpoint, token=bool(self._token))
                if why:
                    raise ModelError(why)
                if answer.status >= 400 and answer.status != 416:
                    raise _Later(f"it answered {answer.status}", pause_asked_for(answer.headers))
                yield answer
        except (ClientError, TimeoutError, ConnectionError) as error:
            raise _Later(_words(error)) from None

    def _file(self, listing: Listing, file: str) -> str:
        return f"/{listing.name}/resolve/{listing.commit}/{quote(file)}"


def _words(error: Exception) -> str:
    """What happened; never the error's own words, which may hold the signed address of a file."""
    from aiohttp import ClientConnectorError

    if isinstance(error, ClientConnectorError):
        return "it cannot be reached (no network, a proxy is missing, or HF_ENDPOINT is wrong)"
    return "it fell silent" if isinstance(error, TimeoutError) else f"the connection broke, {type(error).__name__}"


async def _bounded(answer: "ClientResponse") -> AsyncIterator[bytes]:
    size = 0
    async for chunk in answer.content.iter_chunked(PIECE):
        size += len(chunk)
        if size > ANSWER_LIMIT:
            raise ModelError(f"the hub's answer is longer than {ANSWER_LIMIT} bytes")
        yield chunk
