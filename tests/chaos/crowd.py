"""Many people on the fake Telegram: each says their messages in order, a few at a time, and listens.

The fake does the counting: an answer is a message it has executed, whatever the bot believes.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from botcore_telegram.testing import FakeTelegram
from tests.chaos.report import Counts, compare

__all__ = ["ANSWER", "Crowd"]

ANSWER = "You said: "
"""What the scripted engine puts before the message it repeats."""
AHEAD = 4
"""Messages of one person that may wait: nobody is turned away for writing too much."""
PATIENCE_S = 60.0
"""Without a single answer; what is missing then counts as lost."""


class Crowd:
    """People in private chats 1 to ``chats``, who share ``size`` messages between them."""

    def __init__(self, telegram: FakeTelegram, *, chats: int, size: int, first: int = 1, ahead: int = AHEAD) -> None:
        self.telegram = telegram
        self.said: dict[str, list[str]] = defaultdict(list)
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.answered = 0
        """Different messages with an answer."""
        self.times: dict[tuple[str, str], tuple[float, float]] = {}
        """(chat, text) → when it was said and first answered, in seconds of one clock."""
        self._ahead = ahead
        self._size = size
        self._chats = [telegram.chat(number) for number in range(first, first + min(chats, size))]
        self._left = {str(chat.id): 0 for chat in self._chats}
        for number in range(size):
            self._left[str(self._chats[number % len(self._chats)].id)] += 1
        self._begun: dict[tuple[str, str], float] = {}
        self._seen = len(telegram.calls)
        self._heard_last = time.monotonic()

    async def talk(self, until: Callable[[], bool] = lambda: False) -> None:
        """Return when all is said and answered, when ``until`` says so, or when nothing was answered for long."""
        self._heard_last = time.monotonic()
        while not until():
            changed = self.telegram.changed
            await self._say()
            self._listen()
            if self.answered == self._size or self._silent():
                return
            try:
                async with asyncio.timeout(1):
                    await changed.wait()
            except TimeoutError:
                pass

    def counts(self, **more: Any) -> Counts:
        """What became of it, after the last answer."""
        self._listen()
        return compare(self.said, self.heard) + Counts(sent=0, **more)

    def _silent(self) -> bool:
        return time.monotonic() - self._heard_last > PATIENCE_S

    async def _say(self) -> None:
        for chat in self._chats:
            key = str(chat.id)
            while self._left[key] and len(self.said[key]) - len(set(self.heard[key])) < self._ahead:
                text = f"message {len(self.said[key])} of {key}"
                await chat.says(text)
                self._left[key] -= 1
                self.said[key].append(text)
                self._begun[key, text] = time.monotonic()

    def _listen(self) -> None:
        calls = self.telegram.calls
        for call in calls[self._seen :]:
            if call.method in ("sendMessage", "editMessageText"):
                self._hear(call.parameters)
        self._seen = len(calls)

    def _hear(self, parameters: Mapping[str, Any]) -> None:
        key, text = str(parameters["chat_id"]), str(parameters["text"]).rpartition(ANSWER)[2]
        self.heard[key].append(text)
        if (key, text) in self._begun and (key, text) not in self.times:
            self.times[key, text] = self._begun[key, text], time.monotonic()
            self.answered += 1
            self._heard_last = time.monotonic()
