"""``/v1``: the bot as a model that any OpenAI client can talk to. Stateless: the request is the conversation.

It takes the same path as every message. A caller that hangs up stops the turn, and the engine is free again; one with
an ``Idempotency-Key`` does not, for it may come again for the reply.
"""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import web

from botcore import Bot, Draft, Message, Outcome, Reply, StoreUnavailable
from botcore_web import openai_wire as wire
from botcore_web.desk import Desk
from botcore_web.edge import EventStream, require_json, retry_seconds
from botcore_web.events import COMMENT
from botcore_web.live import STOPPING, News, Watch
from botcore_web.openai_chunks import Chunks, completion, model_json
from botcore_web.problem import Problem
from botcore_web.wire import stop_all

__all__ = ["OpenAiApi"]

GLANCE_S = 0.25
"""How often a waiting request looks whether its caller is still there: the engine is freed that soon."""
POLL_S = 1.0
SILENCE_S = 10.0
"""A stream says something at least this often; until then a refusal still gets a status of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    outcome: Outcome
    reply: Reply | None


class OpenAiApi:
    """The handlers below ``/v1``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def models(self, _request: web.Request) -> web.Response:
        """The one model there is: the bot."""
        bot = self._desk.bot
        return web.json_response({"object": "list", "data": [model_json(bot.name, int(bot.clock.now()))]})

    async def model(self, request: web.Request) -> web.Response:
        """The bot, asked for by name."""
        bot, name = self._desk.bot, request.match_info["id"]
        if name != bot.name:
            raise Problem(
                404, "model_not_found", f"there is no model {name[:64]!r}; there is: {bot.name}", param="model"
            )
        return web.json_response(model_json(name, int(bot.clock.now())))

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """One reply, whole or streamed."""
        require_json(request)
        bot = self._desk.bot
        asked = wire.parse(await request.read(), models=[bot.name], limit=self._desk.settings.text_limit)
        message = self._message(request, asked)
        with self._desk.live.watch(message.conversation.key) as watch:
            follow = _Follow(self._desk, bot, request, message, watch)
            try:
                await follow.accept()
                return await (self._streamed if asked.stream else self._whole)(follow, asked)
            except ConnectionError as error:
                gone = error
        if not follow.keyed:
            await follow.let_go()
        raise gone

    async def _whole(self, follow: "_Follow", asked: wire.ChatRequest) -> web.Response:
        async with aclosing(follow.steps()) as steps:
            async for step in steps:
                if isinstance(step, _Ended):
                    now, window = follow.bot.clock.now(), follow.bot.engine.window
                    reply = _delivered(step, keyed=follow.keyed)
                    return web.json_response(completion(reply, asked, now, window=window))
        raise ConnectionResetError("the caller hung up")

    async def _streamed(self, follow: "_Follow", asked: wire.ChatRequest) -> web.StreamResponse:
        stream, chunks = EventStream(follow.request, follow.bot.clock), Chunks(asked, follow.bot.clock.now())
        try:
            await self._pour(follow, stream, chunks)
        except Problem as problem:
            if not stream.response.prepared:
                raise
            await stream.send(chunks.error(problem))
        return stream.response

    async def _pour(self, follow: "_Follow", stream: EventStream, chunks: Chunks) -> None:
        clock, spoke = follow.bot.clock, follow.bot.clock.monotonic()
        async with aclosing(follow.steps()) as steps:
            async for step in steps:
                data = _frames(chunks, step, follow)
                if not data and clock.monotonic() - spoke < SILENCE_S:
                    continue
                if not stream.response.prepared:
                    await stream.open()
                await stream.send(data or COMMENT)
                spoke = clock.monotonic()
                if isinstance(step, _Ended):
                    return
        raise ConnectionResetError("the caller hung up")

    def _message(self, request: web.Request, asked: wire.ChatRequest) -> Message:
        caller = request.headers.get("Authorization", "")
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 255:
            raise Problem(400, "invalid_value", "Idempotency-Key: at most 255 characters", param="Idempotency-Key")
        id = wire.fingerprint(caller, key) if key else secrets.token_hex(16)
        return wire.message(asked, channel=self._desk.name, id=id, caller=caller, now=self._desk.bot.clock.now())


class _Follow:
    """One request from its acceptance to its end."""

    def __init__(self, desk: Desk, bot: Bot, request: web.Request, message: Message, watch: Watch) -> None:
        self.bot = bot
        self.request = request
        self.keyed = bool(request.headers.get("Idempotency-Key"))
        """Whether the same request may come again."""
        self._desk = desk
        self._message = message
        self._watch = watch
        self._number = 0

    async def accept(self) -> None:
        """Put the message into the inbox. A `Problem` where it is not taken, or is another one than its key says."""
        receipt = await self._desk.accept(self._message)
        if receipt.state == "rejected":
            after = retry_seconds(receipt.retry_after)
            raise Problem(503, "full", "too many requests wait; send it again in a moment", retry_after=after)
        self._number = receipt.id
        if receipt.duplicate:
            await self._same()

    async def steps(self) -> AsyncGenerator[Draft | _Ended | None, None]:
        """Drafts as they grow, None now and then, the end last; ends early where the caller hung up.

        A 503 `Problem` where the bot stops before the end.
        """
        clock, asked_at, news = self.bot.clock, float("-inf"), News.NOTHING
        shown: Draft | None = None
        while not self._hung_up():
            draft = self._desk.live.draft(self._message.conversation.key)
            if draft is not shown and draft is not None:
                shown = draft
                yield draft
            ended = self._announced()
            if ended is None and (News.CLOSING in news or clock.monotonic() - asked_at >= POLL_S):
                asked_at = clock.monotonic()
                ended = await self._stored()
            if ended:
                yield ended
                return
            if News.CLOSING in news:
                raise Problem(503, "stopping", STOPPING, retry_after=5)
            news = await self._watch.news(clock, GLANCE_S)
            yield None

    async def let_go(self) -> None:
        """Stop the turn of a caller who has hung up."""
        where = self._message.conversation
        if self._number:
            await self._desk.accept(stop_all(where, self._message.person, secrets.token_hex(8)))

    def _hung_up(self) -> bool:
        transport = self.request.transport
        return transport is None or transport.is_closing()

    def _announced(self) -> _Ended | None:
        final = self._watch.final
        if final and final.message == self._number and final.reply:
            return _Ended(outcome=final.reply.outcome, reply=final.reply)
        return None

    async def _stored(self) -> _Ended | None:
        """How it ended, as the store says; one that cannot say is asked again, for the turn goes on."""
        try:
            outcome, reply = await self.bot.outcome(self._number)
        except StoreUnavailable:
            return None
        return _Ended(outcome=outcome, reply=reply) if outcome else None

    async def _same(self) -> None:
        """Whether the first request with this Idempotency-Key asked the same."""
        where = self._message.conversation
        first = [waiting.platform_id for _, waiting in await self.bot.open_messages(where)]
        first += [entry.platform_id for entry in await self.bot.history(where, limit=2) if entry.role == "user"]
        if first and self._message.platform_id not in first:
            raise Problem(
                422, "idempotency_key", "this Idempotency-Key came with another request before", param="Idempotency-Key"
            )


def _frames(chunks: Chunks, step: Draft | _Ended | None, follow: _Follow) -> bytes:
    if step is None:
        return b""
    if isinstance(step, _Ended):
        return chunks.end(_delivered(step, keyed=follow.keyed), window=follow.bot.engine.window)
    return chunks.text(step.turn, step.text)


def _delivered(ended: _Ended, *, keyed: bool) -> Reply:
    """The reply, where there is one to deliver. A `Problem` for every other end, which a key has for good."""
    reply, reason = ended.reply, ended.reply.reason if ended.reply else ""
    if reply and ended.outcome in ("answered", "stopped"):
        return reply
    again, after = (" (to try again, send another Idempotency-Key)", 0) if keyed else ("", 5)
    if ended.outcome == "refused":
        raise Problem(429, "refused", (reason or "the bot refuses this request for now") + again, retry_after=after)
    if ended.outcome == "stopped":
        raise Problem(503, "stopped", "the request was stopped before it was answered" + again, retry_after=after)
    raise Problem(503, "failed", (reason or "the bot could not answer; its log says why") + again, retry_after=after)
