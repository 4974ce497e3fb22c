"""A client of the chat page's protocol: what `botcore chat` and `botcore ask` talk to the bot with."""

import json
import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

__all__ = ["Page", "Said", "open_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The next piece of a reply; the last one has ``entry``, the committed reply."""

    text: str = ""
    note: str = ""
    entry: dict[str, Any] | None = None


class Page:
    """One conversation with a running bot over its own HTTP port."""

    def __init__(self, session: "ClientSession", address: str) -> None:
        self._session = session
        self._address = address
        self._conversation = secrets.token_urlsafe(18)
        self._last = 0  # the newest committed line we have seen

    @property
    def _url(self) -> str:
        return f"{self._address}/api/conversations/{self._conversation}"

    async def ask(self, text: str) -> AsyncGenerator[Said, None]:
        """The reply to ``text`` as it comes; closing it leaves the reply running, `stop` ends it."""
        seen, url = {"Last-Event-ID": str(self._last)} if self._last else {}, f"{self._url}/events"
        async with _answering(self._address), self._session.get(url, headers=seen, timeout=_forever()) as events:
            await _checked(events)
            await self._post("messages", {"id": str(uuid.uuid4()), "text": text})
            draft = said = ""
            async for name, data in _events(events):
                if name == "draft" and data["phase"] == "waiting":
                    yield Said(note=data["note"])
                elif name == "draft":
                    draft = draft[: data["offset"]] + data["text"]
                    fresh = _grown(said, draft)
                    said += fresh
                    yield Said(text=fresh)
                elif name == "entry":
                    self._last = data["id"]
                    if data["role"] == "assistant":
                        yield Said(text=_rest(said, data["text"]), entry=data)
                        return

    async def read(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(committed lines, messages that are still open) of the conversation."""
        async with _answering(self._address), self._session.get(self._url) as answer:
            await _checked(answer)
            found = await answer.json()
        return found["entries"], found["pending"]

    def moved(self, address: str) -> None:
        """Go on at the bot's new address."""
        self._address = address

    async def stop(self) -> None:
        """End the running reply; it keeps the text it has."""
        await self._post("stop", {"id": str(uuid.uuid4())})

    async def _post(self, what: str, body: dict[str, str]) -> None:
        headers, url = {"Origin": self._address}, f"{self._url}/{what}"
        async with _answering(self._address), self._session.post(url, json=body, headers=headers) as answer:
            await _checked(answer)


@asynccontextmanager
async def open_page(address: str, key: str = "") -> AsyncIterator[Page]:
    """A new conversation with the bot at ``address``. Raises `BotcoreError` where none answers there."""
    from aiohttp import ClientSession, CookieJar

    async with _answering(address), ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        if key:
            body, headers = {"key": key}, {"Origin": address}
            async with session.post(f"{address}/api/login", json=body, headers=headers) as answer:
                await _checked(answer)
        async with session.get(address) as answer:
            await _checked(answer)
        yield Page(session, address)


@asynccontextmanager
async def _answering(address: str) -> AsyncIterator[None]:
    """What goes wrong on the line is raised as `BotcoreError`: at once, before a task group can wrap it."""
    from aiohttp import ClientError

    try:
        yield
    except ClientError as error:
        raise BotcoreError(f"the bot at {address} does not answer: {error}") from error


def _grown(said: str, draft: str) -> str:
    """What a draft has beyond what was said of it; nothing where it was begun anew. No reply begins with blanks."""
    text = draft.lstrip()
    return text[len(said) :] if text.startswith(said) else ""


def _rest(said: str, reply: str) -> str:
    """What of the committed reply is still to be said; all of it, on a new line, where it became another text."""
    return reply[len(said) :] if reply.startswith(said.rstrip()) else f"\n{reply}"


async def _checked(answer: "ClientResponse") -> None:
    if answer.status < 400:
        return
    try:
        reason = (await answer.json())["error"]["message"]
    except (ValueError, KeyError, TypeError):
        reason = answer.reason
    raise BotcoreError(f"the bot refused ({answer.status}): {reason}")


async def _events(answer: "ClientResponse") -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Server-sent events as (name, data), https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    name, data = "", ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\r\n")
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line and data:
            yield name, json.loads(data)
            name, data = "", ""


def _forever() -> Any:
    from aiohttp import ClientTimeout

    return ClientTimeout(total=None, sock_read=60)  # the server sends a comment every 15 s
