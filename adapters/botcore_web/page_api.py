"""The chat page's API: conversations, messages, stop, feedback, and the event stream of each open page."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from botcore import Bot, Command, Conversation, Entry, Person, StoreUnavailable
from botcore_web import wire
from botcore_web.callers import from_our_page, place, visitor
from botcore_web.desk import Desk
from botcore_web.edge import EventStream, require_json, retry_seconds
from botcore_web.events import COMMENT, MISSED, View
from botcore_web.live import News, Watch
from botcore_web.problem import Problem

__all__ = ["PageApi", "page_error"]

POLL_S = 1.0
"""How often the store is asked while a message waits: the turn may run in another process."""
COMMENT_S = 15.0
ENTRIES_SHOWN = 200
"""Lines in one answer; who wants more asks again."""
CONVERSATIONS_SHOWN = 200
"""The same for conversations."""


class PageApi:
    """The handlers below ``/api``."""

    def __init__(self, desk: Desk, commands: Callable[[], Sequence[Command]]) -> None:
        self._desk = desk
        self._commands = commands

    async def status(self, _request: web.Request) -> web.Response:
        """Where the bot stands, for the page's header."""
        bot = self._desk.bot
        return web.json_response(
            wire.status_json(bot.name, bot.engine, bot.health(), self._commands(), self._desk.settings)
        )

    async def conversations(self, request: web.Request) -> web.Response:
        """The visitor's newest conversations; with ``?until=…`` those in which nothing was said after that moment."""
        who, until = visitor(request), wire.until(request.query)
        found = await self._desk.bot.conversations(self._desk.name, who.id, until=until, limit=CONVERSATIONS_SHOWN + 1)
        own = [
            {"id": wire.chat_id(chat), "title": wire.title(title), "at": at}
            for chat, title, at in found[:CONVERSATIONS_SHOWN]
            if chat.startswith(f"{who.id}.")
        ]
        return web.json_response({"conversations": own, "older": len(found) > CONVERSATIONS_SHOWN})

    async def conversation(self, request: web.Request) -> web.Response:
        """What was said last, and what waits; with ``?before=…`` what was said before that line."""
        who, where = self._where(request)
        bot, before = self._desk.bot, wire.before(request.query)
        # Before the entries: what ends in between is in one of the two.
        waiting = [] if before else await bot.open_messages(where)
        found = await bot.history(where, before=before, limit=ENTRIES_SHOWN + 1, reader=who.id)
        entries = found[-ENTRIES_SHOWN:]
        reasons = await _reasons(bot, entries)
        committed = {entry.platform_id for entry in entries if entry.role == "user"}
        return web.json_response(
            {
                "entries": [
                    wire.entry_json(entry, reason=reasons.get(entry.reply, "") if entry.role == "assistant" else "")
                    for entry in entries
                ],
                "pending": [
                    wire.pending_json(number, message)
                    for number, message in waiting
                    if message.platform_id not in committed
                ],
                "earlier": len(found) > len(entries),
            }
        )

    async def delete(self, request: web.Request) -> web.Response:
        """Stop what runs there, and forget everything."""
        from_our_page(request)
        who, where = self._where(request)
        await self._desk.known(where)
        await self._desk.accept(wire.stop_all(where, who, secrets.token_hex(8)))
        await self._desk.bot.forget(where)
        self._desk.live.tell(where.key, News.CLOSING)  # other tabs ask again, and hear that it is gone
        return web.Response(status=204)

    async def send(self, request: web.Request) -> web.Response:
        """Take a message with its files; it is kept once the page hears 202."""
        from_our_page(request)
        require_json(request)
        who, where = self._where(request)
        bounds, now = self._desk.settings, self._desk.bot.clock.now()
        said, files = wire.message(
            await request.read(), where, who, limit=bounds.text_limit, files_limit=bounds.files, now=now
        )
        if said.about:
            await self._desk.own_reply(where, said.about)
        receipt = await self._desk.accept(replace(said, attachments=await self._desk.files.say(where, files)))
        if receipt.state == "rejected":
            after = retry_seconds(receipt.retry_after)
            raise Problem(429, "busy", "too many messages wait here; send it again in a moment", retry_after=after)
        return web.json_response({"message": receipt.id, "duplicate": receipt.duplicate}, status=202)

    async def stop(self, request: web.Request) -> web.Response:
        """Stop the reply that runs, and drop what waits behind it."""
        from_our_page(request)
        require_json(request)
        who, where = self._where(request)
        order = wire.stop(await request.read(), where, who)
        await self._desk.known(where)
        await self._desk.accept(order)
        return web.Response(status=202)

    async def feedback(self, request: web.Request) -> web.Response:
        """Keep a judgement of a reply in a conversation of this visitor."""
        from_our_page(request)
        require_json(request)
        judgement = wire.feedback(await request.read(), self._desk.name, visitor(request))
        await self._desk.own_reply(judgement.conversation, judgement.reply)
        await self._desk.inbox.accept([judgement])
        return web.Response(status=204)

    # ------------------------------------------------------------ the event stream

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Everything that happens in a conversation, for as long as the page is open.

        A 404 `Problem` where the page has lines of it and we have none: it was deleted meanwhile. A 429 `Problem` for
        one tab too many.
        """
        who, where = self._where(request)
        bot = self._desk.bot
        view = View(after=wire.last_event_id(request.headers.get("Last-Event-ID", "")))
        if view.last:
            await self._desk.known(where)
        stream = EventStream(request, bot.clock)
        with self._desk.live.watch(where.key, who.id, lambda: stream.gone) as watch:
            try:
                await stream.open()
                await self._follow(stream, watch, view, where, who)
            except (ConnectionError, StoreUnavailable):
                pass  # the page comes back by itself, with the last entry it has
        return stream.response

    async def _follow(self, stream: EventStream, watch: Watch, view: View, where: Conversation, who: Person) -> None:
        bot, live = self._desk.bot, self._desk.live
        clock, spoke = bot.clock, bot.clock.monotonic()
        news = News.ENGINE | News.ENTRIES
        while not stream.gone:
            frames = view.engine(bot.engine) if News.ENGINE in news else b""
            if News.ENTRIES in news or not news or view.lacks(live.draft(where.key)):
                frames += await self._sync(bot, view, where, who)
            frames += view.draft(live.draft(where.key))
            silence = clock.monotonic() - spoke
            if frames or silence >= COMMENT_S:
                await stream.send(frames or COMMENT)
                spoke, silence = clock.monotonic(), 0.0
            if News.CLOSING in news:
                return
            news = await watch.news(clock, POLL_S if view.open else COMMENT_S - silence)

    async def _sync(self, bot: Bot, view: View, where: Conversation, who: Person) -> bytes:
        waiting = await bot.open_messages(where)
        found = await bot.history(where, after=view.last, limit=ENTRIES_SHOWN + 1, reader=who.id)
        entries = found[-ENTRIES_SHOWN:]
        for entry in entries:
            self._desk.live.ended(where.key, entry.reply)
        news = view.sync(entries, waiting, await _reasons(bot, entries))
        return MISSED + news if len(found) > len(entries) else news

    def _where(self, request: web.Request) -> tuple[Person, Conversation]:
        return place(request, self._desk.name)


async def _reasons(bot: Bot, entries: Sequence[Entry]) -> Mapping[str, str]:
    """Why replies ended otherwise than answered, by reply; few do, so they are asked for one by one."""
    odd = [entry.reply for entry in entries if entry.role == "assistant" and entry.outcome != "answered"]
    replies = [await bot.reply(reply) for reply in odd]
    return {reply.id: reply.reason for reply in replies if reply}


def page_error(problem: Problem) -> Mapping[str, object]:
    """A problem as the page reads it."""
    return {"error": {"code": problem.code, "message": problem.message}}
