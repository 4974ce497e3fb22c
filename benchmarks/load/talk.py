"""What is said to a bot and what comes back: who is asked when, and how long the answer took."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["CHATS", "Talk", "text"]

CHATS = 100
PATIENCE_S = 60.0
"""A bot that says nothing for so long has lost what is missing."""
SAID = re.compile(rb"hello-(\d{6})")


def text(number: int) -> str:
    """One word, so that no encoding of a body changes it."""
    return f"hello-{number:06}"


@dataclass
class Talk:
    """All messages of one bot's life; number n is said in chat n % `CHATS`."""

    bring: Callable[[int], None]
    """Let the platform deliver a message."""
    said: list[float] = field(default_factory=list)
    took: dict[int, float] = field(default_factory=dict)
    """Number → seconds until its answer."""
    doubled: int = 0
    disordered: int = 0
    """Answers that came before an earlier one of their chat."""
    calls: int = 0
    """Requests of the bot, all of them."""

    def __post_init__(self) -> None:
        self._newest = [-1] * CHATS
        self._heard = asyncio.Event()

    def heard(self, body: bytes, *, new: bool = True) -> None:
        """The bot has said something; not ``new`` where it only changed what it had said."""
        found = SAID.search(body)
        if not found:
            return
        number = int(found[1])
        self.doubled += new and number in self.took
        self.took.setdefault(number, time.perf_counter() - self.said[number])
        self.disordered += number < self._newest[number % CHATS]
        self._newest[number % CHATS] = max(number, self._newest[number % CHATS])
        self._heard.set()

    def say(self) -> int:
        """Say one more thing; its number."""
        self.said.append(time.perf_counter())
        self.bring(len(self.said) - 1)
        return len(self.said) - 1

    async def answered(self, open_at_most: int = 0) -> int:
        """Return when no more than so many are unanswered; how many are. Gives up after `PATIENCE_S` of silence."""
        while len(self.said) - len(self.took) > open_at_most:
            self._heard.clear()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._heard.wait()
            except TimeoutError:
                break
        return len(self.said) - len(self.took)

    async def saturated(self, messages: int, outstanding: int) -> int:
        """Say as much as is answered; how many were lost."""
        for _ in range(messages):
            if len(self.said) - len(self.took) >= outstanding and await self.answered(outstanding - 1) >= outstanding:
                break
            self.say()
        return await self.answered()

    async def steady(self, messages: int, per_second: float) -> int:
        """Say something at even intervals, whatever is answered; how many were lost."""
        begun = time.perf_counter()
        for number in range(messages):
            await asyncio.sleep(max(0.0, begun + number / per_second - time.perf_counter()))
            self.say()
        return await self.answered()
