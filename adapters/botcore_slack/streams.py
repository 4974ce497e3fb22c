"""Replies that grow in a thread: Slack's own streams, and which text each one has shown.

    start    an empty message; "" where Slack refuses, and a placeholder is posted and edited instead
    show     appends what is new
    finish   the rest, the sources, the buttons; False where the reply must be written over it

The SDK's own helper waits for 256 characters, which is one and a half seconds to the first word.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botcore import Clock, Part, Rejected, Retry, Unknown
from botcore_slack.blocks import MARKDOWN_LIMIT
from botcore_slack.errors import error_of
from botcore_slack.recent import Recent
from botcore_slack.text import harmless
from botcore_slack.wire import platform_id

if TYPE_CHECKING:
    from botcore_slack.api import Api

__all__ = ["Streams"]

log = logging.getLogger(__name__)

OPEN = 1000
SHOWN_LIMIT = 9000
"""Characters that are shown before the end: what is cut into several messages would not go on where they stop."""
REFUSED_PAUSE_S = 600.0
"""A chat that does not stream is not asked for each reply; a workspace with too many streams is asked when it says."""


@dataclass(slots=True)
class _Stream:
    channel: str
    ts: str
    shown: str = ""
    lost: bool = False
    """An append got no answer: nobody knows what stands there."""


class Streams:
    """The messages that grow now, by platform id."""

    def __init__(self, api: "Api", clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._open = Recent[_Stream](OPEN)
        self._limited_until = self._quiet_until = 0.0
        self._refused_until = Recent[float]()
        """By chat."""

    async def start(self, part: Part, person: str, team: str) -> str:
        """The ``ts`` of a message that will grow, "" where Slack refuses."""
        place, now = part.conversation, self._clock.monotonic()
        if now < max(self._limited_until, self._refused_until.get(place.chat) or 0.0):
            return ""
        try:
            ts = await self._api.start_stream(place.chat, place.thread, person, team)
        except (Rejected, Retry) as refused:
            if not error_of(refused):
                raise  # Slack was not reached
            log.info("no streams for now, messages are edited instead: %s", refused)
            if isinstance(refused, Retry):
                self._limited_until = now + refused.after
            else:
                self._refused_until.put(place.chat, now + REFUSED_PAUSE_S)
            return ""
        self._open.put(platform_id(place.chat, ts), _Stream(place.chat, ts))
        return ts

    async def show(self, message: str, text: str) -> bool:
        """Let the message grow to ``text``; False where it is no stream (any more)."""
        stream = self._open.get(message)
        if stream is None:
            return False
        new = _new(stream, harmless(text.strip())[:SHOWN_LIMIT])
        if not new or stream.lost or self._clock.monotonic() < self._quiet_until:
            return True
        try:
            await self._api.append(stream.channel, stream.ts, new)
        except Rejected as refused:
            log.debug("a stream has ended early: %s", refused)
            self._open.drop(message)
            return False
        except Unknown:
            stream.lost = True
        except Retry as refused:
            # Slack counts appends on their own: the end of a reply need not wait for them.
            self._quiet_until = self._clock.monotonic() + refused.after
        else:
            stream.shown += new
        return True

    async def finish(self, message: str, part: Part) -> bool:
        """End the stream as this part; False where the part must be written over the message."""
        stream = self._open.get(message)
        if stream is None:
            return False
        said = harmless(part.text)
        rest = said[len(stream.shown) :]
        try:
            if stream.lost or not said.startswith(stream.shown) or len(rest) > MARKDOWN_LIMIT:
                await self._api.stop_stream(stream.channel, stream.ts)
                done = False
            else:
                await self._api.stop_stream(stream.channel, stream.ts, rest, part)
                done = True
        except Rejected as refused:
            log.debug("a stream could not be ended, writing over it: %s", refused)
            done = False
        except Unknown:
            self._open.drop(message)
            raise
        self._open.drop(message)
        return done


def _new(stream: _Stream, text: str) -> str:
    return text[len(stream.shown) :] if text.startswith(stream.shown) else ""
