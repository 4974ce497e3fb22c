"""One person's way to the bot in each channel, as the same five things everybody does there."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import aiohttp

from botcore_slack.testing import FakePerson
from botcore_telegram.testing import FakeChat
from tests.adapters.web.core import CHAT, Visitor, open_page

__all__ = ["Door", "Heard", "SlackDoor", "TelegramDoor", "WebDoor"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of the bot's as it is read."""

    text: str
    sources: str
    """What stands below the reply for each of its sources."""
    message: Any
    """What the channel calls it."""


class Door(Protocol):
    """One person in one channel."""

    channel: str
    """Its name in the configuration."""

    async def says(self, text: str) -> None:
        """Write a message."""
        ...

    async def hears(self, expected: str = "") -> Heard:
        """The next finished message of the bot that says so."""
        ...

    async def uploads(self, name: str, content: bytes, text: str) -> None:
        """Send a file with a message."""
        ...

    async def stops(self) -> None:
        """Stop the reply that is being written, once some of it can be read."""
        ...

    async def judges(self, heard: Heard, comment: str) -> None:
        """A thumb down on this message, and why."""
        ...


class WebDoor:
    """The page's HTTP API, as its script calls it."""

    channel = "web"

    def __init__(self, page: Visitor, events: aiohttp.ClientResponse) -> None:
        self._page = page
        self._events = events
        self._drafts: list[str] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncIterator["WebDoor"]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            page = await open_page(address, client, [])
            headers = {"Cookie": f"botcore_visitor={page.cookie}"}
            async with client.get(f"{address}/api/conversations/{CHAT}/events", headers=headers) as events:
                yield cls(page, events)

    async def says(self, text: str) -> None:
        await self._posts("messages", id=str(uuid4()), text=text)

    async def hears(self, expected: str = "") -> Heard:
        while True:
            name, data = await self._next()
            if name == "entry" and data["role"] == "assistant" and expected.lower() in data["text"].lower():
                read = "\n\n".join(filter(None, [data["text"], data["reason"]]))
                return Heard(read, "\n".join(map(_source, data["citations"])), data)

    async def uploads(self, name: str, content: bytes, text: str) -> None:
        file = str(uuid4())
        path = f"/api/conversations/{CHAT}/files?id={file}&name={name}"
        status, said, _ = await self._page.asks("POST", path, data=content)
        assert status == 201, said
        await self._posts("messages", id=str(uuid4()), text=text, files=[said["file"]])

    async def stops(self) -> None:
        while (await self._next())[0] != "draft":
            pass
        await self._posts("stop", id=str(uuid4()))

    async def judges(self, heard: Heard, comment: str) -> None:
        body = {"conversation": CHAT, "reply": heard.message["reply"], "value": -1, "comment": comment}
        status, said, _ = await self._page.asks("POST", "/api/feedback", json={"id": str(uuid4()), **body})
        assert status == 204, said

    async def _posts(self, what: str, **body: Any) -> None:
        status, said, _ = await self._page.asks("POST", f"/api/conversations/{CHAT}/{what}", json=body)
        assert status == 202, said

    async def _next(self) -> tuple[str, Any]:
        """The next event; comments are skipped."""
        while True:
            block = (await self._events.content.readuntil(b"\n\n")).decode()
            fields = dict(re.findall(r"^(\w+): ?(.*)$", block, re.MULTILINE))
            if "data" in fields:
                return fields.get("event", ""), json.loads(fields["data"])


class TelegramDoor:
    """A private chat on Telegram."""

    def __init__(self, channel: str, chat: FakeChat) -> None:
        self.channel = channel
        self._chat = chat

    async def says(self, text: str) -> None:
        await self._chat.says(text)

    async def hears(self, expected: str = "") -> Heard:
        message = await self._chat.hears(expected)
        text, _, sources = message.text.partition("\n\nSources\n")
        return Heard(text, sources, message)

    async def uploads(self, name: str, content: bytes, text: str) -> None:
        await self._chat.uploads(name, content, text)

    async def stops(self) -> None:
        before = len(self._chat.drafts)
        while not any(text for _, text in self._chat.drafts[before:]):
            await self._chat.telegram.until("a draft")
        await self._chat.says("/stop")

    async def judges(self, heard: Heard, comment: str) -> None:
        popups = len(self._chat.popups)
        await self._chat.presses("👎", message=heard.message.id)
        await self._chat.pops_up(popups + 1)
        quoted = {
            "message_id": heard.message.id,
            "date": 1_700_000_000,
            "chat": {"id": self._chat.id, "type": "private"},
        }
        await self._chat.says(f"/bad {comment}", reply_to_message=quoted)


class SlackDoor:
    """Direct messages on Slack, where a message cannot begin with a slash."""

    def __init__(self, channel: str, person: FakePerson) -> None:
        self.channel = channel
        self._person = person

    async def says(self, text: str) -> None:
        await self._person.says(re.sub(r"^/", "!", text))

    async def hears(self, expected: str = "") -> Heard:
        message = await self._person.hears(expected)
        return Heard(message.text, message.sources, message)

    async def uploads(self, name: str, content: bytes, text: str) -> None:
        await self._person.uploads(name, content, text)

    async def stops(self) -> None:
        while not any(not message.finished and message.text.strip("…") for message in self._person.messages):
            await self._person.slack.until("some of a reply")
        await self._person.says("!stop")

    async def judges(self, heard: Heard, comment: str) -> None:
        await self._person.thumbs_down(heard.message)
        await self._person.submits(await self._person.form(), comment=comment)


def _source(citation: dict[str, Any]) -> str:
    page = f", p. {citation['page']}" if citation["page"] else ""
    return f"[{citation['number']}] {citation['title']}{page}\n{citation['snippet']}"
