"""What is going on right now, for the open connections: the draft of each running turn, and who wants to hear of what.

Everything is bounded: a connection has no queue but a set of flags, and takes the newest state when it comes to it.
What is missed here (another process runs the turn, a draft fell out) is found in the store by the readers' poll.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Flag, auto

from botcore import Clock, Draft
from botcore_web.problem import Problem

__all__ = ["STOPPING", "Live", "News", "Watch"]

CLOSE_S = 2.0
STOPPING = "the bot is stopping; send it again in a moment"
TABS_S = 15
"""After so many seconds a tab too many may ask again whether another one was closed."""


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

    def __init__(self, gone: Callable[[], bool]) -> None:
        self.gone = gone
        """Whether the reader has hung up, which nobody tells."""
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

    def __init__(self, *, drafts: int, watches: int, each: int) -> None:
        self._drafts_limit = drafts
        self._watches_limit = watches
        self._each_limit = each
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._watches: dict[str, set[Watch]] = {}
        self._visitors: dict[str, set[Watch]] = {}
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
    def watch(self, key: str, visitor: str = "", gone: Callable[[], bool] = lambda: False) -> Iterator[Watch]:
        """Hear of a conversation while the block runs; ``visitor`` is whose page does, "" = a request of ``/v1``.

        A `Problem` where too many do, or the bot stops. Pages and requests do not take each other's room.
        """
        self._check_room(visitor)
        watch = Watch(gone)
        self.count += 1
        try:
            with _listed(self._watches, key, watch), _listed(self._visitors, visitor, watch):
                yield watch
        finally:
            self.count -= 1
            self._unwatched.set()

    def _check_room(self, visitor: str) -> None:
        if self._closing:
            raise Problem(503, "stopping", STOPPING, retry_after=5)
        requests = len(self._visitors.get("", ()))
        if (self.count - requests if visitor else requests) >= self._watches_limit:
            raise Problem(503, "full", "too many open connections; try again in a moment", retry_after=5)
        if visitor and self._tabs(visitor) >= self._each_limit:
            most = f"{self._each_limit} tabs of this browser are open here already; close some of them"
            raise Problem(429, "tabs", most, retry_after=TABS_S)

    def _tabs(self, visitor: str) -> int:
        tabs = self._visitors.get(visitor, set())
        for watch in tabs:
            watch.tell(News.DRAFT)  # one whose reader hung up notices it now, not at its next comment
        return sum(not watch.gone() for watch in tabs)


@contextmanager
def _listed(lists: dict[str, set[Watch]], name: str, watch: Watch) -> Iterator[None]:
    lists.setdefault(name, set()).add(watch)
    try:
        yield
    finally:
        lists[name].remove(watch)
        if not lists[name]:
            del lists[name]
