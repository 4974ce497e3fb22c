"""The Events way in: what Slack posts to our port. The signature first, on the raw bytes; then the rest.

    not signed, or too old         401, empty
    url_verification               its challenge
    committed, or nothing for us   200
    cannot store                   503: Slack sends it again, up to three times, the last after about five minutes
    authentic, but of no use       200, and a dead letter: Slack switches off addresses that mostly fail

A repetition (X-Slack-Retry-Num) is taken like a first delivery: the first may never have been stored, and the inbox
knows one it has.
"""

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botcore import Clock, StoreUnavailable
from botcore_slack.signature import signed
from botcore_slack.wire import Json, Unusable

if TYPE_CHECKING:
    from aiohttp import web
    from pydantic import SecretStr

    from botcore_slack.intake import Intake

__all__ = ["Hook", "unpacked"]

log = logging.getLogger(__name__)

FORGED_EVERY_S = 60.0
LIMITED_S = 90.0
"""Slack says once a minute that it goes on dropping."""
FIELDS = 20


def unpacked(body: bytes, content_type: str) -> Json:
    """What a signed delivery says: events are JSON, interactions are JSON in a form. Raises `Unusable`."""
    try:
        text = body.decode()
        if content_type == "application/x-www-form-urlencoded":
            text = parse_qs(text, strict_parsing=True, max_num_fields=FIELDS)["payload"][0]
        said: Any = json.loads(text)
    except (KeyError, RecursionError, ValueError) as error:
        raise Unusable(f"{type(error).__name__}: {error}") from error
    if not isinstance(said, dict):
        raise Unusable("not an object")
    return said


class Hook:
    """Answers one address. ``intake`` is there while the channel runs."""

    def __init__(self, secret: "SecretStr", *, report: Callable[[str], None]) -> None:
        self.intake: Intake | None = None
        self.clock: Clock | None = None
        self.name = "slack"
        self._secret = secret
        self._report = report
        self._forged: tuple[int, float] = (0, float("-inf"))
        self._limited_at = float("-inf")

    async def answer(self, request: "web.Request") -> "web.Response":
        """The answer to one post; see the module."""
        from aiohttp import web

        if self.clock is None:
            return _later()
        body = await request.read()
        if not self._is_slacks(request, body, self.clock):
            return web.Response(status=401)
        try:
            said = unpacked(body, request.content_type)
        except Unusable as error:
            text, reason = body.decode("utf-8", "replace"), str(error)
            return await self._kept(lambda intake: intake.keep(text, reason))
        match said.get("type"):
            case "url_verification":
                return web.Response(text=str(said.get("challenge") or ""))
            case "app_rate_limited":
                self._limited_at = self.clock.monotonic()
                self._report("Slack drops events: more than 30,000 in an hour")
                return web.Response()
            case "event_callback":
                return await self._kept(lambda intake: intake.take("event", said))
        return await self._kept(lambda intake: intake.take("action", said))

    async def _kept(self, work: "Callable[[Intake], Any]") -> "web.Response":
        from aiohttp import web

        if self.intake is None or self.clock is None:
            return _later()
        try:
            await work(self.intake)
        except StoreUnavailable as error:
            self._report(f"cannot store messages, Slack sends them again: {error}")
            return _later()
        if self.clock.monotonic() - self._limited_at > LIMITED_S:
            self._report("ok")
        return web.Response()

    def _is_slacks(self, request: "web.Request", body: bytes, clock: Clock) -> bool:
        header = request.headers.get
        if signed(
            self._secret.get_secret_value(),
            timestamp=header("X-Slack-Request-Timestamp", ""),
            signature=header("X-Slack-Signature", ""),
            body=body,
            now=clock.now(),
        ):
            return True
        self._count_forged(clock.monotonic())
        return False

    def _count_forged(self, now: float) -> None:
        """One line a minute, however many come."""
        count, told = self._forged
        if now - told >= FORGED_EVERY_S:
            log.warning(
                "%s: refused %d deliveries without Slack's signature; if they are Slack's, is signing_secret right, "
                "and the machine's clock?",
                self.name,
                count + 1,
            )
            count, told = -1, now
        self._forged = count + 1, told


def _later() -> "web.Response":
    from aiohttp import web

    return web.Response(status=503, headers={"Retry-After": "5"})
