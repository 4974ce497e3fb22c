"""People who write: each says their messages in order, a few at a time, and listens for the answers.

The platform does the counting, not the bot: an answer is what a fake has executed, or what a page was sent.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from botcore_slack.testing import FakePerson, FakeSlack, SentMessage
from botcore_telegram.testing import FakeTelegram
from tests.chaos.report import Counts, compare

__all__ = ["ANSWER", "Crowd", "SlackCrowd", "TelegramCrowd"]

ANSWER = "You said: "
"""What the scripted engine puts before the message it repeats."""
AHEAD = 4
"""Messages of one person that may wait: nobody is turned away for writing too much."""
PATIENCE_S = 60.0
"""Without a single answer; what is missing then counts as lost."""


class Crowd(ABC):
    """People, one in each of these places, who share ``size`` messages between them."""

    def __init__(self, places: Sequence[str], *, size: int, ahead: int = AHEAD) -> None:
        self.size = size
        self.said: dict[str, list[str]] = defaultdict(list)
        self.heard: dict[str, list[str]] = defaultdict(list)
        self.answered = 0
        """Different messages with an answer."""
        self.waits: dict[tuple[str, str], float] = {}
        """(place, text) → seconds from the message to its first answer."""
        self._ahead = ahead
        self.places = list(places)
        self._left = {place: len(range(number, size, len(places))) for number, place in enumerate(places)}
        self._open: dict[str, dict[str, float]] = {place: {} for place in places}
        """What waits for its answer, and since when."""
        self._heard_last = time.monotonic()

    @abstractmethod
    async def speak(self, place: str, text: str) -> None:
        """Write a message there."""

    @abstractmethod
    def news(self) -> Iterator[tuple[str, str]]:
        """(place, text) of every answer since the last call, in order."""

    @abstractmethod
    def changed(self) -> asyncio.Event:
        """Set when there may be news."""

    async def talk(self, until: Callable[[], bool] = lambda: False) -> None:
        """Return when all is said and answered, when ``until`` says so, or when nothing was answered for long."""
        self._heard_last = time.monotonic()
        while not until():
            changed = self.changed()
            self.listen()
            await self._write()
            if self.answered == self.size or time.monotonic() - self._heard_last > PATIENCE_S:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await changed.wait()

    async def talk_for(self, seconds: float) -> None:
        """Talk for a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.talk()

    def listen(self) -> None:
        """Take what was answered."""
        for place, text in self.news():
            answered = text.rpartition(ANSWER)[2]
            self.heard[place].append(answered)
            begun = self._open.get(place, {}).pop(answered, None)
            if begun is not None:
                self._heard_last = time.monotonic()
                self.waits[place, answered] = self._heard_last - begun
                self.answered += 1

    def counts(self, **more: Any) -> Counts:
        """What became of it all."""
        self.listen()
        return compare(self.said, self.heard) + Counts(sent=0, **more)

    async def say(self, place: str) -> None:
        """The next message there."""
        text = f"message {len(self.said[place])} of {place}"
        self._left[place] -= 1
        self.said[place].append(text)
        self._open[place][text] = time.monotonic()
        await self.speak(place, text)

    async def _write(self) -> None:
        for place, waiting in self._open.items():
            while self._left[place] > 0 and len(waiting) < self._ahead:
                await self.say(place)


class TelegramCrowd(Crowd):
    """In private chats with the bot on Telegram."""

    def __init__(self, telegram: FakeTelegram, *, chats: int, size: int, first: int = 1, ahead: int = AHEAD) -> None:
        self._telegram = telegram
        self._chats = {str(number): telegram.chat(number) for number in range(first, first + min(chats, size))}
        self._seen = len(telegram.calls)
        super().__init__(list(self._chats), size=size, ahead=ahead)

    async def speak(self, place: str, text: str) -> None:
        await self._chats[place].says(text)

    def news(self) -> Iterator[tuple[str, str]]:
        calls = self._telegram.calls[self._seen :]
        self._seen += len(calls)
        for call in calls:
            if call.method == "sendMessage" and str(call.parameters["chat_id"]) in self._chats:
                yield str(call.parameters["chat_id"]), str(call.parameters["text"])

    def changed(self) -> asyncio.Event:
        return self._telegram.changed


class SlackCrowd(Crowd):
    """In direct messages with the bot on Slack."""

    def __init__(self, slack: FakeSlack, *, people: int, size: int) -> None:
        self._slack = slack
        users = [slack.dm(f"U{number:03}") for number in range(min(people, size))]
        self._people: dict[str, FakePerson] = {user.place.id: user for user in users}
        self._seen = 0
        self.unfinished: list[SentMessage] = []
        """Placeholders, and what is still being written."""
        super().__init__(list(self._people), size=size)

    async def speak(self, place: str, text: str) -> None:
        await self._people[place].says(text)

    def news(self) -> Iterator[tuple[str, str]]:
        new = list(islice(self._slack.api.messages.values(), self._seen, None))
        self._seen += len(new)
        known, self.unfinished = [*self.unfinished, *new], []
        for message in known:
            if message.finished and message.text not in ("", "…"):
                yield message.channel, message.text
            else:
                self.unfinished.append(message)

    def changed(self) -> asyncio.Event:
        return self._slack.changed
