"""The side of Telegram that calls bots: a webhook's registration, and deliveries to it by the real server's rules.

Updates of one chat are delivered one by one, the next when the one in front was taken; chats do not wait for each
other. Any 2xx is "taken". Otherwise it is tried again: after the answer's Retry-After, or after 1 s, doubling to 60.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from botcore import Clock
from botcore_telegram.testing.errors import ApiError
from botcore_telegram.testing.updates import Updates

__all__ = ["Deliverer", "Delivery"]

LONGEST_WAIT_S = 3600.0
LONGEST_BACK_OFF_S = 60.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try: which update, and what it was answered; 0 = nobody answered."""

    update_id: int
    status: int
    retry_after: str = ""


class Deliverer:
    """One bot's webhook."""

    def __init__(self, updates: Updates, clock: Clock, changed: Callable[[], None]) -> None:
        self._updates = updates
        self._clock = clock
        self._changed = changed
        self.deliveries: list[Delivery] = []
        """Every try, in order."""
        self.public: dict[str, str] = {}
        """Public address → where it really leads: what the name service and a proxy do."""
        self._secret = ""
        self._connections = 40
        self._error: tuple[float, str] | None = None
        self._carriers: dict[int, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()
        updates.added = self.kick

    async def close(self) -> None:
        """Deliver nothing more."""
        for carrier in self._carriers.values():
            carrier.cancel()
        await asyncio.gather(*self._carriers.values(), return_exceptions=True)

    # ------------------------------------------------------------ methods

    def register(
        self, url: str = "", secret_token: str = "", max_connections: int = 40, allowed_updates: Any = None
    ) -> bool:
        """SetWebhook. Raises `ApiError`."""
        parts = urlsplit(url)
        if url and parts.scheme != "https" and parts.hostname not in LOCAL:
            raise ApiError(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[\w-]{0,256}", secret_token, re.ASCII):
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        self._secret, self._connections, self._error = secret_token, max_connections, None
        self._updates.allow(allowed_updates)
        self._updates.webhook = url
        self._updates.wake()
        self.hurry()
        return True

    def remove(self, *, drop: bool) -> bool:
        """DeleteWebhook."""
        self._updates.webhook, self._error = "", None
        if drop:
            self._updates.drop()
        return True

    def info(self) -> dict[str, Any]:
        """GetWebhookInfo. The last error stays until the next setWebhook, as with the real one."""
        info = {
            "url": self._updates.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates.waiting),
            "max_connections": self._connections,
        }
        if self._updates.allowed:
            info["allowed_updates"] = list(self._updates.allowed)
        if self._error:
            info |= {"last_error_date": int(self._error[0]), "last_error_message": self._error[1]}
        return info

    # ------------------------------------------------------------ deliveries

    def reach(self, public: str, address: str) -> None:
        """From now on what is sent to the public address arrives at this one."""
        self.public[public.rstrip("/")] = address
        self.hurry()

    def hurry(self) -> None:
        """Try again now what waits to be tried again."""
        self._hurry.set()
        self._hurry = asyncio.Event()
        self.kick()

    def kick(self) -> None:
        """See to it that what waits is being delivered."""
        if not self._updates.webhook:
            return
        for queue in {_queue(update) for update in self._updates.fronts()}:
            carrier = self._carriers.get(queue)
            if carrier is None or carrier.done():
                self._carriers[queue] = asyncio.create_task(self._carry(queue), name=f"fake Telegram: queue {queue}")

    async def call(self, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Mapping[str, str]]:
        """One call to the webhook as it is registered, with this body: status and headers of the answer."""
        public = next((known for known in self.public if self._updates.webhook.startswith(known)), "")
        address = self._updates.webhook.replace(public, self.public[public], 1) if public else self._updates.webhook
        sent = {"Content-Type": "application/json", SECRET_HEADER: self._secret, **(headers or {})}
        # A proxy hands the public name on.
        sent.setdefault("Host", urlsplit(self._updates.webhook).netloc)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
            session.post(address, data=BytesIO(body), headers=sent, allow_redirects=False) as response,
        ):
            await response.read()
            return response.status, response.headers

    async def _carry(self, queue: int) -> None:
        back_off = 1.0
        while self._updates.webhook and (update := self._front(queue)):
            wait = await self._deliver(update, back_off)
            back_off = min(back_off * 2, LONGEST_BACK_OFF_S) if wait else 1.0
            self._changed()
            if wait:
                await self._pause(wait)

    async def _deliver(self, update: Mapping[str, Any], back_off: float) -> float:
        """0 = taken; else the seconds to wait before the next try."""
        try:
            status, headers = await self.call(_encoded(update))
        except (OSError, aiohttp.ClientError, TimeoutError):
            self._error = self._clock.now(), "Connection refused"
            self.deliveries.append(Delivery(update["update_id"], 0))
            return back_off
        asked = headers.get("Retry-After", "")
        self.deliveries.append(Delivery(update["update_id"], status, asked))
        if 200 <= status < 300:
            self._updates.taken(update)
            return 0
        self._error = self._clock.now(), f"Wrong response from the webhook: {status}"
        return min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else back_off

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._hurry.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _front(self, queue: int) -> Mapping[str, Any] | None:
        return next((update for update in self._updates.fronts() if _queue(update) == queue), None)


def _queue(update: Mapping[str, Any]) -> int:
    """Messages queue by chat, presses by person: the two are not in order with each other."""
    content = next((value for name, value in update.items() if name != "update_id"), None)
    content = content if isinstance(content, Mapping) else {}
    if "callback_query" in update:
        return int(content["from"]["id"]) + (3 << 33)
    identity = content.get("chat", {}).get("id", 0)
    return identity if isinstance(identity, int) else 0


def _encoded(update: Mapping[str, Any]) -> bytes:
    return json.dumps(update).encode()
