"""The Web API as the channel uses it: the SDK's client over one session, its errors in botcore's three words.

This module loads the SDK; nothing imports it before a channel connects.
"""

import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import aiohttp

from botcore import Attachment, Clock, Part, Rejected, Unknown, proxy_to
from botcore_slack.blocks import Block, Body, below, body, plain, plain_pieces
from botcore_slack.budget import Budget
from botcore_slack.calls import Calls
from botcore_slack.errors import BLOCKS_REFUSED, STREAMING, error_of
from botcore_slack.files import fetch
from botcore_slack.recent import Recent
from botcore_slack.request import APP, BOT, NotSent, Transport, Unanswered
from botcore_slack.settings import SlackSettings
from botcore_slack.wire import Identity, Json

__all__ = ["Api"]

log = logging.getLogger(__name__)

OPEN_CALLS = 64
"""Calls in the air at once."""
FRAME_LIMIT = 4 << 20
"""Bytes of one frame of a socket; Slack's events are far below."""
CLOSE_TIMEOUT_S = 2.0
PAGES, PER_PAGE = 5, 200
"""How far back a message of ours is looked for."""
SKEW_S = 60.0
"""By how much Slack's clock and ours may differ."""
PREVIEWS_PER_MINUTE, PREVIEWS_AT_ONCE = 25, 5
"""Of chat.update, which takes some fifty a minute over all conversations: the rest is for finished texts."""
EVENT_TYPE = "botcore_part"


class Api:
    """An open connection to Slack; made inside a running event loop.

    `me` and `socket` raise the errors of `request`; everything else `Retry`, `Rejected` or `Unknown`.
    """

    def __init__(self, settings: SlackSettings, clock: Clock) -> None:
        self._settings = settings
        self._calls = Calls(clock)
        self._said = self._calls.said
        self._previews = Budget(clock, per_minute=PREVIEWS_PER_MINUTE, at_once=PREVIEWS_AT_ONCE)
        self._bot_id = ""
        self._followed = Recent[bool]()
        """What was posted below an edit that had no room for it."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=OPEN_CALLS + settings.sockets), proxy=proxy_to(settings.base_url)
        )
        self._client = Transport(
            self._session,
            base_url=settings.base_url,
            tokens={BOT: settings.bot_token, APP: settings.app_token},
            read_timeout=settings.call_timeout_s,
        )

    async def close(self) -> None:
        """Cut what is in the air."""
        await self._session.close()

    async def me(self, channel: str) -> Identity:
        """Whose the bot token is."""
        said = await self._client.auth_test()
        team, user_id = said.get("team_id"), said.get("user_id")
        if not (team and user_id):
            raise Unanswered("an answer that is not Slack's")
        self._bot_id = str(said.get("bot_id") or "")
        return Identity(
            channel=channel,
            team=str(team),
            user_id=str(user_id),
            bot_id=self._bot_id,
            name=str(said.get("user") or "bot"),
            url=str(said.get("url") or ""),
        )

    async def socket(self) -> aiohttp.ClientWebSocketResponse:
        """A new socket of Socket Mode, before its hello."""
        said = await self._client.apps_connections_open(app_token=APP)
        try:
            return await self._session.ws_connect(
                str(said["url"]),
                autoping=False,  # pings are how a dead socket is noticed: `sockets` wants to see them
                max_msg_size=FRAME_LIMIT,
                timeout=aiohttp.ClientWSTimeout(None, CLOSE_TIMEOUT_S),  # pyright: ignore[reportCallIssue]
            )
        # "from None": the address carries the socket's ticket.
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            raise NotSent(f"no socket to Slack ({type(error).__name__})") from None

    # ------------------------------------------------------------ messages

    async def post(self, part: Part) -> str:
        """The ``ts`` of a new message."""

        async def attempt(said: Body) -> Json:
            return await self._said(
                "chat.postMessage",
                part.conversation.chat,
                lambda: self._client.chat_postMessage(
                    channel=part.conversation.chat,
                    thread_ts=part.conversation.thread or None,
                    text=said.text,
                    blocks=said.blocks or None,
                    # A preview is a request to whatever address the model wrote.
                    unfurl_links=False,
                    unfurl_media=False,
                    metadata=_metadata(part),
                    client_msg_id=_named(part.id),
                ),
            )

        return _ts(await self._persist(attempt, part, lambda: attempt(plain(part))))

    async def update(self, channel: str, ts: str, part: Part) -> None:
        """Replace a message of ours with this part; the same again is fine."""

        async def attempt(said: Body) -> Json:
            return await self._update(channel, ts, said, asks=channel, metadata=_metadata(part))

        async def plainly() -> Json:
            first, *more = plain_pieces(part)
            await self._follow(part, more)
            return await attempt(first)

        try:
            await self._persist(attempt, part, plainly)
        except Rejected as refused:
            if error_of(refused) != STREAMING:
                raise
            # A stream that an earlier process began, or that lost its thread.
            with suppress(Rejected):
                await self.stop_stream(channel, ts)
            await self._persist(attempt, part, plainly)

    async def preview(self, channel: str, ts: str, said: Body) -> None:
        """Show an unfinished text in a message of ours, unless that could make a finished one wait."""
        if not self._calls.held("chat.update") and self._previews.take():
            # Of no chat: where this is one too many, finished texts of this chat wait like all others.
            await self._update(channel, ts, said, asks="")

    async def tell(self, channel: str, thread: str, text: str, name: str = "") -> None:
        """Post plain text that is no part of its own; ``name`` lets Slack know the same one again."""
        await self._said(
            "chat.postMessage",
            channel,
            lambda: self._client.chat_postMessage(
                channel=channel,
                thread_ts=thread or None,
                text=text,
                unfurl_links=False,
                unfurl_media=False,
                client_msg_id=_named(name) if name else None,
            ),
        )

    async def status(self, channel: str, thread: str, text: str) -> None:
        """Show a line below a thread until the next message."""
        await self._said(
            "assistant.threads.setStatus",
            channel,
            lambda: self._client.assistant_threads_setStatus(channel_id=channel, thread_ts=thread, status=text),
        )

    async def open_form(self, trigger: str, view: Block) -> None:
        """Open a form for whoever pressed a button within the last three seconds."""
        await self._said("views.open", "", lambda: self._client.views_open(trigger_id=trigger, view=view))

    # ------------------------------------------------------------ streams

    async def start_stream(self, channel: str, thread: str, person: str, team: str) -> str:
        """The ``ts`` of a new, empty message that grows; in channels Slack wants to know for whom."""
        said = await self._said(
            "chat.startStream",
            channel,
            lambda: self._client.chat_startStream(
                channel=channel, thread_ts=thread, recipient_user_id=person or None, recipient_team_id=team or None
            ),
        )
        return _ts(said)

    async def append(self, channel: str, ts: str, text: str) -> None:
        """Let a message grow."""
        await self._said(
            "chat.appendStream",
            channel,
            lambda: self._client.chat_appendStream(channel=channel, ts=ts, markdown_text=text),
        )

    async def stop_stream(self, channel: str, ts: str, rest: str = "", part: Part | None = None) -> None:
        """End a message that grows, with the rest of its text and what belongs below it."""
        extras: dict[str, Any] = {}
        if part is not None:
            extras = {"blocks": below(part) or None, "metadata": _metadata(part)}
        await self._said(
            "chat.stopStream",
            channel,
            lambda: self._client.chat_stopStream(channel=channel, ts=ts, markdown_text=rest or None, **extras),
        )

    # ------------------------------------------------------------ what was sent

    async def find(self, part: Part, since: float) -> str | None:
        """The ``ts`` under which this part was posted, None where it was not. May raise `Unknown`, too."""
        channel, thread = part.conversation.chat, part.conversation.thread
        oldest, cursor = f"{max(since - SKEW_S, 0):.6f}", ""
        for _ in range(PAGES):
            said = await self._page(channel, thread, oldest, cursor)
            for message in said.get("messages") or ():
                if _carries(message, part) or (part.placeholder and self._grows(message)):
                    return str(message["ts"])
            cursor = str((said.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return None
        raise Unknown(f"too much was said in {channel} since to look for {part.id}")

    def _grows(self, message: Json) -> bool:
        """Whether this is a stream of ours: it names no part before its end, and a thread has one at a time."""
        ours = bool(self._bot_id) and message.get("bot_id") == self._bot_id
        return ours and not (message.get("text") or message.get("metadata") or message.get("blocks"))

    async def _page(self, channel: str, thread: str, oldest: str, cursor: str) -> Json:
        where: dict[str, Any] = {"channel": channel, "oldest": oldest, "limit": PER_PAGE, "include_all_metadata": True}
        if cursor:
            where["cursor"] = cursor
        if thread:
            return await self._said(
                "conversations.replies", channel, lambda: self._client.conversations_replies(ts=thread, **where)
            )
        return await self._said("conversations.history", channel, lambda: self._client.conversations_history(**where))

    async def file(self, id: str) -> Json:
        """What Slack knows of a file: an answer with a ``file``."""
        return await self._said("files.info", "", lambda: self._client.files_info(file=id))

    def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The bytes of a file people sent, in pieces."""
        return fetch(self._session, self._settings, attachment)

    # ------------------------------------------------------------ calls

    async def _update(self, channel: str, ts: str, said: Body, *, asks: str, **more: Any) -> Json:
        return await self._said(
            "chat.update",
            asks,
            # An empty list, not None: Slack keeps the earlier blocks otherwise.
            lambda: self._client.chat_update(channel=channel, ts=ts, text=said.text, blocks=list(said.blocks), **more),
        )

    async def _follow(self, part: Part, pieces: Sequence[Body]) -> None:
        """Post what an edit has no room for. Before the edit: only that one says that the part has arrived."""
        place = part.conversation
        for number, piece in enumerate(pieces, 1):
            name = f"{part.id}+{number}"
            if name in self._followed:
                continue
            await self.tell(place.chat, place.thread, piece.text, name)
            self._followed.put(name, True)

    async def _persist(
        self, attempt: Callable[[Body], Awaitable[Json]], part: Part, plainly: Callable[[], Awaitable[Json]]
    ) -> Json:
        """Once as it should be; once more without blocks where those were refused."""
        said = body(part)
        try:
            return await attempt(said)
        except Rejected as refused:
            if not said.blocks or error_of(refused) not in BLOCKS_REFUSED:
                raise
            log.warning("Slack refuses the formatting, sending the text as it is: %s", refused)
            return await plainly()


def _ts(said: Json) -> str:
    ts = said.get("ts")
    if not isinstance(ts, str) or not ts:
        raise Unknown("Slack does not say which message it posted")
    return ts


def _named(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _metadata(part: Part) -> dict[str, Any]:
    """Says which part a message carries, so that Slack can be asked whether it arrived."""
    return {"event_type": EVENT_TYPE, "event_payload": {"outbox_id": part.id, "placeholder": part.placeholder}}


def _carries(message: Json, part: Part) -> bool:
    kept = (message.get("metadata") or {}).get("event_payload") or {}
    return kept.get("outbox_id") == part.id and (part.placeholder or not kept.get("placeholder"))
