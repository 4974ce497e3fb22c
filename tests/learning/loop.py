"""A bot that is taught: what it is asked and commanded, and the sixteen people who chat with it meanwhile."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from botcore.cli.page import Page
from tests.e2e.served import Served

__all__ = ["CHATS", "Crowd", "Taught", "Verdict", "answer", "taught"]

CHATS = 16
SMALL_TALK = (
    "hi",
    "who are you?",
    "count to seven",
    "tell me a story about a fox",
    "thank you",
    "say boat three times",
)


class Verdict(NamedTuple):
    """What was said when, the figures, and what did not hold."""

    said: Mapping[str, Mapping[str, str]]
    figures: Mapping[str, float]
    wrong: list[str]


async def answer(page: Page, text: str) -> str:
    """The committed reply. Raises `AssertionError` where it is not one."""
    async for said in page.ask(text):
        if said.entry:
            assert said.entry["outcome"] == "answered", said.entry
            return str(said.entry["text"])
    raise AssertionError("the stream ended before the reply")


@dataclass(slots=True)
class Crowd:
    """People who chat while the bot learns."""

    replies: int = 0
    errors: list[str] = field(default_factory=list)

    async def chat(self, served: Served, first: int) -> None:
        """Ask one thing after the other, for ever."""
        async with served.page() as page:
            for number in range(first, sys.maxsize):
                try:
                    await answer(page, SMALL_TALK[number % len(SMALL_TALK)])
                    self.replies += 1
                except Exception as error:  # whatever it is, it is what a person would have seen
                    self.errors.append(repr(error))
                    return


class Taught:
    """A running bot, asked and commanded from outside."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.crowd = Crowd()
        self._began = time.monotonic()

    @property
    def seconds(self) -> int:
        """Since the bot was ready."""
        return round(time.monotonic() - self._began)

    async def command(self, *words: str) -> str:
        """What ``botcore …`` printed. Raises `AssertionError` with it where its status is not 0."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "botcore", *words),
            env=os.environ | self.served.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed = (await child.communicate())[0].decode()
        assert child.returncode == 0, printed
        return printed

    async def answers(self, questions: Iterable[str]) -> dict[str, str]:
        """What is said to each, in a conversation of its own."""
        found = dict[str, str]()
        for question in questions:
            async with self.served.page() as page:
                found[question] = await answer(page, question)
        return found

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Sixteen people chat while the body runs."""
        async with asyncio.TaskGroup() as group:
            chats = [
                group.create_task(self.crowd.chat(self.served, first), name=f"chat {first}") for first in range(CHATS)
            ]
            yield
            for chat in chats:
                chat.cancel()


@asynccontextmanager
async def taught(folder: Path) -> AsyncIterator[Taught]:
    """The bot that `make run` starts, on data of its own; the same question gets the same answer."""
    served = Served(folder, log="warning", BOTCORE_PLUGINS__TEXTGEN__GREEDY="true")
    await served.start()
    try:
        yield Taught(served)
    finally:
        await served.stop()
