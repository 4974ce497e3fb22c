"""Open pages of the web channel: each follows its event stream, and sends with the same id again what was not taken."""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any, Self
from uuid import uuid4

import aiohttp

from tests.chaos.crowd import Crowd

__all__ = ["PageCrowd"]

PAUSE_S = 0.2
"""Between tries while the bot is away."""


class PageCrowd(Crowd):
    """People with one page each. They are there while the ``async with`` block runs, whether the bot is or not."""

    def __init__(self, address: str, *, pages: int, size: int) -> None:
        self._pages = {f"page-{number:03}-{secrets.token_hex(8)}": Page(address, self) for number in range(pages)}
        self._changed = asyncio.Event()
        self._news = deque[tuple[str, str]]()
        super().__init__(list(self._pages), size=size)

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._running = [
            self._tasks.create_task(page.live(place), name=f"page {place}") for place, page in self._pages.items()
        ]
        return self

    async def __aexit__(self, *failed: Any) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(*failed)

    async def speak(self, place: str, text: str) -> None:
        await self._pages[place].outgoing.put(text)

    def hear(self, place: str, text: str) -> None:
        """A page was sent an answer."""
        self._news.append((place, text))
        self._changed.set()

    def news(self) -> Iterator[tuple[str, str]]:
        while self._news:
            yield self._news.popleft()

    def changed(self) -> asyncio.Event:
        self._changed.clear()
        return self._changed


class Page:
    """One of them."""

    def __init__(self, address: str, crowd: PageCrowd) -> None:
        self.outgoing = asyncio.Queue[str]()
        self._address = address
        self._crowd = crowd
        self._last = "0"

    async def live(self, place: str) -> None:
        """Send and listen until cancelled."""
        cookies = {"botcore_visitor": secrets.token_urlsafe(16)}
        where = f"{self._address}/api/conversations/{place}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30)
        jar = aiohttp.CookieJar(unsafe=True)  # "unsafe": of an address that is a number
        async with (
            aiohttp.ClientSession(cookies=cookies, cookie_jar=jar, timeout=timeout) as session,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._send(session, f"{where}/messages"), name=f"sends of {place}")
            tasks.create_task(self._listen(session, f"{where}/events", place), name=f"events of {place}")

    async def _send(self, session: aiohttp.ClientSession, url: str) -> None:
        while True:
            body = {"id": str(uuid4()), "text": await self.outgoing.get()}
            while not await self._taken(session, url, body):  # noqa: ASYNC110 - a server that is away tells nothing
                await asyncio.sleep(PAUSE_S)

    async def _taken(self, session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> bool:
        try:
            async with session.post(url, json=body, headers={"Origin": self._address}) as response:
                return response.status == 202
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def _listen(self, session: aiohttp.ClientSession, url: str, place: str) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._follow(session, url, place)
            await asyncio.sleep(PAUSE_S)

    async def _follow(self, session: aiohttp.ClientSession, url: str, place: str) -> None:
        headers = {"Last-Event-ID": self._last}
        async with session.get(url, headers=headers) as response, aclosing(events(response.content)) as stream:
            async for event in stream:
                self._told(place, event)

    def _told(self, place: str, event: dict[str, str]) -> None:
        if event.get("event") != "entry":
            return
        self._last = event["id"]
        entry = json.loads(event["data"])
        if entry["role"] == "assistant":
            self._crowd.hear(place, entry["text"])


async def events(lines: aiohttp.StreamReader) -> AsyncIterator[dict[str, str]]:
    """The whole events of a stream; one that was cut in the middle does not count."""
    event = dict[str, str]()
    async for line in lines:
        text = line.decode().rstrip("\n")
        if not text:
            yield event
            event = {}
        elif not text.startswith(":"):
            name, _, value = text.partition(": ")
            event[name] = value
