"""How fast we may send: token buckets per chat and per account, pauses platforms ask for, what is said seldom."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from botcore.clock import Clock
from botcore.messages import Conversation
from botcore.ports import Channel

__all__ = ["Pace", "Seldom"]

REMEMBERED = 10_000
"""Chats whose bucket is kept: a chat that fell out has a full bucket, which is what it would have after minutes."""


@dataclass(slots=True)
class _Bucket:
    rate: float
    size: float
    tokens: float
    at: float

    def wait(self, now: float, tokens: int = 1) -> float:
        """Seconds until so many are there; an ``at`` still to come is a pause that the platform asked for."""
        if now > self.at:
            self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
            self.at = now
        return max(0.0, self.at - now) + max(0.0, (min(tokens, self.size) - self.tokens) / self.rate)


class Pace:
    """The pace of every chat on every channel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, ...], _Bucket] = OrderedDict()

    def take(self, channel: Channel, conversation: Conversation, *, leaves: int = 0) -> bool:
        """True, and counted, when a message may go now, and so many more right after it."""
        buckets, now = self._both(channel, conversation), self._clock.monotonic()
        if any(bucket.wait(now, 1 + leaves) > 0 for bucket in buckets):
            return False
        for bucket in buckets:
            bucket.tokens -= 1
        return True

    async def wait(self, channel: Channel, conversation: Conversation, *, leaves: int = 0) -> None:
        """Return, counted, when a message may go, and so many more right after it."""
        while not self.take(channel, conversation, leaves=leaves):
            now, buckets = self._clock.monotonic(), self._both(channel, conversation)
            await self._clock.sleep(max(bucket.wait(now, 1 + leaves) for bucket in buckets) + 0.001)

    def hold(self, channel: Channel, conversation: Conversation, seconds: float) -> None:
        """Nothing more to this chat for ``seconds``: the platform said so. Other chats go on."""
        chat, _ = self._both(channel, conversation)
        chat.at = max(chat.at, self._clock.monotonic() + seconds)
        chat.tokens = min(chat.tokens, 1.0)

    def _both(self, channel: Channel, conversation: Conversation) -> tuple[_Bucket, _Bucket]:
        can = channel.capabilities(conversation)
        chat = self._bucket((channel.name, conversation.chat), can.sends_per_second_per_chat, can.burst_per_chat)
        # A message is one whole token: a bucket for less than one would never hold it.
        account = self._bucket((channel.name,), can.sends_per_second, max(can.sends_per_second, 1.0))
        return chat, account

    def _bucket(self, key: tuple[str, ...], rate: float, size: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate, size, size, self._clock.monotonic())
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket


class Seldom:
    """Lets each key through once in a while."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._passed: OrderedDict[Hashable, float] = OrderedDict()

    def passes(self, key: Hashable) -> bool:
        """True, and noted, where this key did not pass in the last ``every_s`` seconds."""
        now = self._clock.monotonic()
        while self._passed and now - next(iter(self._passed.values())) >= self._every_s:
            self._passed.popitem(last=False)
        if key in self._passed:
            return False
        self._passed[key] = now
        return True
