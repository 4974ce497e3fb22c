"""What is going on right now, for the open connections: the draft of each running turn, and who wants to hear of what.

Everything is bounded: a connection has no queue but a set of flags, and takes the newest state when it comes to it.
What is missed here (another process runs the turn, a draft fell out) is found in the store by the readers' poll.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Flag, auto

from botcore import Clock, Draft
from botcore_web.problem import Problem

__all__ = ["STOPPING", "Live", "News", "Watch"]

CLOSE_S = 2.0
STOPPING = "the bot is stopping; send it again in a moment"


class News(Flag):
    """What may have changed."""

    NOTHING = 0
    DRAFT = auto()
    ENTRIES = auto()
    ENGINE = auto()
    CLOSING = auto()
    """The bot stops, or the conversation was deleted: say what is known, and end."""


class Watch:
    """One connection's ear on one conversation."""

    def __init__(self) -> None:
        self.final: Draft | None = None
        """The newest committed reply that was announced."""
        self._news = News.NOTHING
        self._wake = asyncio.Event()

    def tell(self, news: News) -> None:
        """Something changed."""
        self._news |= news
        self._wake.set()

    async def news(self, clock: Clock, seconds: float) -> News:
        """What changed since the last call; `News.NOTHING` after ``seconds``."""
        try:
            async with clock.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return News.NOTHING
        self._wake.clear()
        news, self._news = self._news, News.NOTHING
        return news


class Live:
    """The drafts of running turns and the connections that watch them."""

    def __init__(self, *, drafts: int, watches: int) -> None:
        self._drafts_limit = drafts
        self._watches_limit = watches
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._watches: dict[str, list[Watch]] = {}
        self.count = 0
        """Connections that watch now."""
        self._closing = False
        self._unwatched = asyncio.Event()

    def show(self, draft: Draft) -> None:
        """Take a preview, or the end of a turn."""
        key = draft.conversation.key
        if draft.phase != "final":
            self._drafts[key] = draft
            self._drafts.move_to_end(key)
            if len(self._drafts) > self._drafts_limit:
                self._drafts.popitem(last=False)
            return self.tell(key, News.DRAFT)
        self._drafts.pop(key, None)
        for watch in self._watches.get(key, ()):
            watch.final = draft
        return self.tell(key, News.ENTRIES)

    def draft(self, key: str) -> Draft | None:
        """The newest preview of the turn that runs in this conversation."""
        return self._drafts.get(key)

    def ended(self, key: str, turn: str) -> None:
        """Forget the draft of a turn that ended elsewhere."""
        draft = self._drafts.get(key)
        if draft and draft.turn == turn:
            del self._drafts[key]

    def tell(self, key: str, news: News) -> None:
        """Wake everybody who watches this conversation."""
        for watch in self._watches.get(key, ()):
            watch.tell(news)

    def tell_all(self, news: News) -> None:
        """Wake everybody."""
        for key in self._watches:
            self.tell(key, news)

    async def close(self, clock: Clock) -> None:
        """Let every connection tell its last news and end; returns when they have, or after `CLOSE_S`."""
        self._closing = True
        self.tell_all(News.CLOSING)
        with suppress(TimeoutError):
            async with clock.timeout(CLOSE_S):
                while self.count:
                    self._unwatched.clear()
                    await self._unwatched.wait()

    @contextmanager
    def watch(self, key: str) -> Iterator[Watch]:
        """Hear of a conversation while the block runs. A 503 `Problem` where too many do, or the bot stops."""
        if self._closing:
            raise Problem(503, "stopping", STOPPING, retry_after=5)
        if self.count >= self._watches_limit:
            raise Problem(503, "full", "too many open connections; try again in a moment", retry_after=5)
        watch = Watch()
        self._watches.setdefault(key, []).append(watch)
        self.count += 1
        try:
            yield watch
        finally:
            self.count -= 1
            self._watches[key].remove(watch)
            if not self._watches[key]:
                del self._watches[key]
            self._unwatched.set()
