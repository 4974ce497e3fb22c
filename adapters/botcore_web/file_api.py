"""The page's way to attach files: one request for each, its body the file itself, read no faster than it is written."""

from collections.abc import AsyncGenerator

from aiohttp import web

from botcore_web import file_wire
from botcore_web.callers import from_our_page, place
from botcore_web.desk import Desk
from botcore_web.problem import Problem

__all__ = ["FileApi"]

SILENCE_S = 30.0
"""An upload from which nothing comes for this long has ended."""
UPLOAD_S = 900.0
"""One that takes longer than this, too: 20 MB at 180 kbit/s."""


class FileApi:
    """The handlers below ``/api/conversations/{id}/files``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def upload(self, request: web.Request) -> web.Response:
        """Keep a file until a message takes it along; it is on the disk once the page hears 201."""
        from_our_page(request)
        _, where = place(request, self._desk.name)
        length = request.content_length or 0
        offer = file_wire.offer(request.query, length, limit=self._desk.settings.file_limit)
        kept = await self._desk.files.take(where.chat, offer, self._pieces(request), length)
        return web.json_response(file_wire.file_json(kept), status=201)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove a file that no message has taken along."""
        from_our_page(request)
        _, where = place(request, self._desk.name)
        await self._desk.files.drop(where.chat, file_wire.file_id(request.match_info["file"]))
        return web.Response(status=204)

    async def _pieces(self, request: web.Request) -> AsyncGenerator[bytes, None]:
        clock = self._desk.bot.clock
        end = clock.monotonic() + UPLOAD_S
        while True:
            try:
                async with clock.timeout(min(SILENCE_S, end - clock.monotonic())):
                    piece = await request.content.readany()
            except TimeoutError:
                raise Problem(408, "timeout", "the file took too long to arrive; send it again") from None
            except (web.RequestPayloadError, ValueError):
                raise Problem(400, "bad_request", "the file was cut off; send it again") from None
            if not piece:
                return
            yield piece
