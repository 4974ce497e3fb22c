"""Where HTTP meets the rest: problems become JSON, and bytes go out to readers who may be slow or gone."""

import functools
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from botcore import Clock, StoreUnavailable
from botcore_web.problem import Problem

__all__ = ["EventStream", "Handler", "answering", "require_json", "retry_seconds"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WRITE_DEADLINE_S = 30.0
"""A reader who takes nothing for this long is hung up on and may resume later: what waits stays in the kernel."""


def retry_seconds(after: float) -> int:
    """A ``Retry-After`` of at least one whole second."""
    return max(1, math.ceil(after))


def answering(handler: Handler, body: Callable[[Problem], Mapping[str, Any]]) -> Handler:
    """``handler``, with its problems answered as ``body`` words them."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            pass_on = problem
        except StoreUnavailable as error:
            pass_on = Problem(503, "unavailable", str(error), retry_after=2)
        headers = {"Retry-After": str(pass_on.retry_after)} if pass_on.retry_after else None
        return web.json_response(body(pass_on), status=pass_on.status, headers=headers)

    return answer


def require_json(request: web.Request) -> None:
    """A 415 `Problem` for any other kind of body: a form of a foreign page cannot send JSON."""
    if request.content_type != "application/json":
        raise Problem(415, "content_type", "send Content-Type: application/json")


class EventStream:
    """A response of Server-Sent Events. `open` and `send` raise `ConnectionError` for a reader who is gone."""

    def __init__(self, request: web.Request, clock: Clock) -> None:
        self.response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._request = request
        self._clock = clock

    @property
    def gone(self) -> bool:
        """Whether the reader has hung up."""
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def open(self) -> None:
        """Send the head."""
        await self.response.prepare(self._request)

    async def send(self, data: bytes) -> None:
        """Send, as fast as the reader takes it."""
        try:
            async with self._clock.timeout(WRITE_DEADLINE_S):
                await self.response.write(data)
        except TimeoutError:
            transport = self._request.transport
            if transport is not None:
                transport.abort()
            raise ConnectionResetError("the reader took nothing for too long") from None
