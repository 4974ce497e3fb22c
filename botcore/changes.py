"""Which conversation has changed, told to whoever follows. A reader that is slow misses some, and is told so."""

import asyncio
from collections.abc import AsyncGenerator

__all__ = ["Changes"]

KEPT = 1_000
"""Changes that wait for one reader; beyond, it is told that it missed some."""


class Changes:
    """Keys of conversations, from whoever hears of a change to all who follow."""

    def __init__(self) -> None:
        self._followers: set[asyncio.Queue[str]] = set()

    async def follow(self) -> AsyncGenerator[str, None]:
        """See `ports.Bot.changes`."""
        queue = asyncio.Queue[str](KEPT)
        self._followers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)

    def tell(self, key: str) -> None:
        """This conversation has changed; "" where any may have."""
        for queue in self._followers:
            missed = queue.full()
            while missed and not queue.empty():
                queue.get_nowait()
            queue.put_nowait("" if missed else key)
