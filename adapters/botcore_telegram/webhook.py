"""Telegram calls us: the registration that is kept true, and what each delivery is answered.

401                  no secret or another one
413, 408, 400        longer than any update, too slow, no body
503 and Retry-After  cannot be stored, or not connected yet: Telegram sends it again, the rest of this chat waits
200                  committed, or kept as a dead letter
"""

import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from botcore import Clock, StoreUnavailable
from botcore_telegram import rounds
from botcore_telegram.hearing import Identity, Json
from botcore_telegram.intake import Intake
from botcore_telegram.rounds import Rounds
from botcore_telegram.settings import TelegramSettings
from botcore_telegram.wire import ALLOWED_UPDATES

__all__ = ["NOT_NOW", "SECRET_HEADER", "Answer", "Registered", "Server", "Webhook", "genuine"]

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
BODY_LIMIT = 1 << 20
"""Bytes: an update has at most 64 KiB."""
BODY_DEADLINE_S = 30.0
CHECK_EVERY_S = 60.0
WAIT_S = 5
"""What Telegram is asked to wait while nothing can be stored; by itself it would wait up to two minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What Telegram has noted down as this bot's webhook, and how its calls go."""

    url: str
    allowed: Sequence[str] = ()
    pending: int = 0
    """Updates that wait for delivery."""
    error: str = ""
    """Why the last failed delivery failed…"""
    error_at: float = 0
    """…and when, in Unix seconds; both stay after the trouble is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, and for 503 the seconds to wait."""

    status: int
    retry_after: int = 0


NOT_NOW = Answer(503, WAIT_S)


class Content(Protocol):
    """A request's body, as aiohttp reads it."""

    async def read(self, n: int = -1) -> bytes:
        """The next bytes, at most ``n``; b"" at the end."""
        ...


class Server(rounds.Server, Protocol):
    """What is asked; `line.Line` is one."""

    async def webhook(self) -> Registered:
        """What is registered now."""
        ...

    async def set_webhook(self, url: str, secret: str) -> None:
        """Let Telegram call this address with this secret; what waits is kept."""
        ...


def genuine(header: str, secret: str) -> bool:
    """Whether the secret came with the request: compared as bytes, in time that does not depend on it."""
    return bool(secret) and hmac.compare_digest(header.encode("utf-8", "surrogateescape"), secret.encode())


class Webhook(Rounds):
    """One account's way in by being called."""

    def __init__(
        self,
        server: Server,
        intake: Intake,
        clock: Clock,
        settings: TelegramSettings,
        *,
        channel: str,
        report: Callable[[str], None],
    ) -> None:
        super().__init__(server, clock, channel=channel, report=report)
        self._server = server
        self._intake = intake
        self._url = settings.address(channel)
        self._secret = settings.webhook_secret
        self._set = False
        self._delivered_at = 0.0
        self._unstored = False

    # ------------------------------------------------------------ registration

    async def _ask(self, me: Identity) -> float:
        found = await self._server.webhook()
        foreign = self._set and not self._ours(found)
        # The secret cannot be read back, so it is set anew at every start.
        if foreign or not self._set:
            await self._server.set_webhook(self._url, self._secret.get_secret_value())
            self._set = True
            found = await self._server.webhook()
        if foreign:
            return self._trouble("another program had changed this bot's webhook; it was set back", CHECK_EVERY_S)
        if not self._ours(found):
            return self._trouble("Telegram has not taken this bot's webhook over", self._longer())
        if self._failing(found):
            return self._trouble(f"Telegram cannot deliver to {self._url}: {found.error}", CHECK_EVERY_S)
        if not self._unstored:
            self._fine()
        return CHECK_EVERY_S

    def _ours(self, found: Registered) -> bool:
        return found.url == self._url and set(found.allowed) == set(ALLOWED_UPDATES)

    def _failing(self, found: Registered) -> bool:
        # Telegram goes on reporting the last error after deliveries work again.
        return bool(found.error and found.pending) and found.error_at > self._delivered_at

    # ------------------------------------------------------------ deliveries

    async def answer(self, content: Content) -> Answer:
        """Answer a genuine delivery, after the commit. Reads one byte more than is allowed, at most."""
        try:
            async with self._clock.timeout(BODY_DEADLINE_S):
                body = await _read(content)
        except TimeoutError:
            return Answer(408)
        except (web.RequestPayloadError, ValueError):
            return Answer(400)
        return Answer(413) if len(body) > BODY_LIMIT else await self._stored(body)

    async def _stored(self, body: bytes) -> Answer:
        if self.me is None:
            return NOT_NOW
        try:
            await self._take(body, self.me)
        except StoreUnavailable as error:
            self._unstored = True
            self._report(f"cannot store messages, Telegram keeps them: {error}")
            return NOT_NOW
        if self._unstored:
            self._unstored = False
            self._report("ok")
        self._delivered_at = self._clock.now()
        return Answer(200)

    async def _take(self, body: bytes, me: Identity) -> None:
        try:
            update: Json = json.loads(body)
            if not isinstance(update, dict):
                raise TypeError(f"an update is an object, not {type(update).__name__}")
        except (ValueError, TypeError, RecursionError) as error:
            await self._intake.unreadable(body, me, f"{type(error).__name__}: {error}")
        else:
            await self._intake.take([update], me)


async def _read(content: Content) -> bytes:
    body = bytearray()
    while len(body) <= BODY_LIMIT and (piece := await content.read(BODY_LIMIT + 1 - len(body))):
        body += piece
    return bytes(body)
