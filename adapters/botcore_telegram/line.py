"""The open line to the Bot API: one session, the SDK's `telegram.Bot` over it, and what is asked about the bot itself.

Everything here raises the errors of `request`. This module loads the SDK; nothing imports it before it is needed.
"""

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
from telegram import Bot, BotCommand

from botcore import proxy_to
from botcore_telegram.hearing import Identity, Json
from botcore_telegram.request import Transport, Unanswered
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.webhook import Registered
from botcore_telegram.wire import ALLOWED_UPDATES

__all__ = ["Line"]

NOT_TELEGRAMS = "an answer that is not Telegram's"
OPEN_CALLS = 64
"""Calls in the air at once: with too many open ones the server answers every further one "retry after 60"."""
MENU_LIMIT = 100
"""Commands in Telegram's menu."""
CALLS_AT_ONCE = 40
"""Deliveries Telegram makes at once to a webhook: its default; one chat's always come one by one."""


class Line:
    """An open line; made inside a running event loop."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._poll_timeout_s = settings.poll_timeout_s
        self._call_timeout_s = settings.call_timeout_s
        # PTB's RetryAfter is never made (see request.py), so its PTB_TIMEDELTA switch does not matter here.
        stand_in = f"{settings.account}:hidden"
        self._url = f"{settings.base_url}/bot{stand_in}"
        self._files = f"{settings.base_url}/file/bot{stand_in}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=OPEN_CALLS),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=proxy_to(settings.base_url),
        )
        self._transport = Transport(
            self._session, stand_in=stand_in, token=settings.token, read_timeout=settings.call_timeout_s
        )
        self.bot = Bot(
            stand_in,
            base_url=f"{settings.base_url}/bot",
            base_file_url=f"{settings.base_url}/file/bot",
            request=self._transport,
            get_updates_request=self._transport,
        )

    async def close(self) -> None:
        """Cut what is in the air."""
        await self._session.close()

    async def ask(self, method: str, question: dict[str, Any], silence: float | None = None) -> Any:
        """The result of a call, as JSON; ``silence`` are the seconds after which it counts as unanswered."""
        # Not through the SDK, which would log the secret of setWebhook at DEBUG and build objects of every answer.
        _, payload = await self._transport.call(
            f"{self._url}/{method}", question, read_timeout=silence or self._call_timeout_s
        )
        try:
            return json.loads(payload)["result"]
        except (KeyError, TypeError, ValueError):
            raise Unanswered(NOT_TELEGRAMS) from None

    async def me(self, channel: str) -> Identity:
        """Who the token belongs to."""
        user = await self.ask("getMe", {})
        try:
            return Identity(
                channel=channel,
                user_id=int(user["id"]),
                username=str(user.get("username", "")),
                sees_groups=bool(user.get("can_read_all_group_messages")),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            raise Unanswered(NOT_TELEGRAMS) from None

    async def updates(self, offset: int, *, wait: bool) -> Sequence[Json]:
        """What arrived from ``offset`` on; asking confirms everything below it.

        Plain JSON, as a dead letter has to keep it; the SDK's objects would be built to be read once.
        """
        seconds = self._poll_timeout_s if wait else 0
        question: dict[str, Any] = {"timeout": seconds, "limit": 100, "allowed_updates": ALLOWED_UPDATES}
        if offset:
            question["offset"] = offset
        result: list[Json] = await self.ask("getUpdates", question, silence=seconds + self._call_timeout_s)
        return result

    async def webhook(self) -> Registered:
        """What is registered now."""
        info = await self.ask("getWebhookInfo", {})
        return Registered(
            url=str(info.get("url", "")),
            allowed=tuple(info.get("allowed_updates", ())),
            pending=int(info.get("pending_update_count", 0)),
            error=str(info.get("last_error_message", "")),
            error_at=float(info.get("last_error_date", 0)),
        )

    async def set_webhook(self, url: str, secret: str) -> None:
        """Let Telegram call this address with this secret; what waits is kept."""
        await self.ask(
            "setWebhook",
            {
                "url": url,
                "secret_token": secret,
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": CALLS_AT_ONCE,
            },
        )

    async def drop_webhook(self) -> None:
        """Let updates be asked for again. What waits is kept."""
        await self.bot.delete_webhook(drop_pending_updates=False)

    async def publish(self, commands: Sequence[tuple[str, str]]) -> None:
        """Fill the menu behind "/" with names and what they do."""
        menu = [BotCommand(name, (help or name)[:256]) for name, help in commands[:MENU_LIMIT]]
        await self.bot.set_my_commands(menu)

    async def menu(self) -> Sequence[str]:
        """The commands that stand in the menu now."""
        return [command.command for command in await self.bot.get_my_commands()]

    async def file_path(self, file_id: str) -> str:
        """Where a file can be downloaded for the next hour."""
        return str((await self.ask("getFile", {"file_id": file_id}))["file_path"])

    def download(self, path: str) -> AsyncGenerator[bytes, None]:
        """A file's bytes in pieces, as they arrive."""
        return self._transport.download(f"{self._files}/{quote(path)}")
