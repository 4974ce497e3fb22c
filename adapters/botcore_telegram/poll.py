"""Asks Telegram for updates, for ever. The offset moves only past what the inbox has committed: a crash loses nothing.

stored                     offset moves on
store unavailable          same offset again: the same updates come again
network, 5xx               pause, doubling from half a second to 30, with jitter
409                        somebody else asks with this token (or a webhook is set): pause, say so
401, 404                   the token does not hold: one clear line, then once a minute
"""

import json
import logging
import random
from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from telegram.error import TelegramError

from botcore import Clock, Inbox, Incoming, SettingsError, StoreUnavailable
from botcore_telegram.request import Refused
from botcore_telegram.wire import Identity, Json, Unusable

__all__ = ["Poll", "Server"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
"""The server answers a repeated offset with a single update within half a second of the last time."""
LAST_PAUSE_S = 30.0
CONFLICT_PAUSE_S = 3.0
"""The server delays repeated conflicts by as much."""
WRONG_TOKEN_PAUSE_S = 60.0


class Server(Protocol):
    """What is asked; `api.Api` is one."""

    async def me(self, channel: str) -> Identity:
        """Who the token belongs to."""
        ...

    async def updates(self, offset: int, *, wait: bool) -> Sequence[Json]:
        """Updates from ``offset`` on; ``wait`` for one where there is none."""
        ...

    async def drop_webhook(self) -> None:
        """Let updates be asked for."""
        ...


class Poll:
    """One account's way in."""

    def __init__(
        self,
        server: Server,
        inbox: Inbox,
        clock: Clock,
        *,
        channel: str,
        read: Callable[[Json, Identity], Incoming | None],
        report: Callable[[str], None],
        turned_away: Callable[[Incoming], None],
    ) -> None:
        self._server = server
        self._inbox = inbox
        self._clock = clock
        self._channel = channel
        self._read = read
        self._report = report
        self._turned_away = turned_away
        self._me: Identity | None = None
        self._offset = 0
        self._pause = 0.0
        self._troubled = False
        self._may_drop_webhook = True

    async def run(self) -> NoReturn:
        """Receive until cancelled. Raises `SettingsError` where the very first answer is that the token is wrong."""
        while True:
            pause = await self._round()
            if pause:
                await self._clock.sleep(pause)

    async def _round(self) -> float:
        """One question and its answer; the seconds to wait before the next."""
        try:
            return await self._ask()
        except StoreUnavailable as error:
            return self._trouble(f"cannot store messages, Telegram keeps them: {error}", self._longer())
        except Refused as refused:
            return await self._refused(refused)
        except TelegramError as error:
            return self._trouble(str(error), self._longer())

    async def _ask(self) -> float:
        asked = self._clock.monotonic()
        if self._me is None:
            self._me = await self._server.me(self._channel)
            log.info("%s: connected as @%s", self._channel, self._me.username)
        # Right after trouble without waiting: whether it is over should be known now, not in half a minute.
        updates = await self._server.updates(self._offset, wait=not self._troubled)
        if updates:
            await self._take(updates, self._me)
            self._offset = max(update["update_id"] for update in updates) + 1
        self._report("ok")
        self._troubled, self._pause = False, 0
        too_fast = not updates and self._clock.monotonic() - asked < FIRST_PAUSE_S
        return FIRST_PAUSE_S if too_fast else 0

    async def _take(self, updates: Sequence[Json], me: Identity) -> None:
        records, letters = list[Incoming](), list[tuple[Json, str]]()
        for update in updates:
            try:
                record = self._read(update, me)
            except Unusable as error:
                letters.append((update, str(error)))
            else:
                records.extend([record] if record else [])
        for update, reason in letters:
            await self._dead(me, str(update["update_id"]), update, reason)
        if records:
            await self._accept(records, me)

    async def _accept(self, records: Sequence[Incoming], me: Identity) -> None:
        try:
            receipts = await self._inbox.accept(records)
        except StoreUnavailable:
            raise
        except Exception as error:
            # One poisonous record must not hold up all others for the day that Telegram keeps them.
            reason = f"{type(error).__name__}: {error}"
            if len(records) == 1:
                await self._dead(me, records[0].event_id, repr(records[0]), reason)
                return
            log.warning("%s: a batch was not accepted, trying one by one (%s)", self._channel, type(error).__name__)
            for record in records:
                await self._accept([record], me)
        else:
            for record, receipt in zip(records, receipts, strict=True):
                if receipt.state == "rejected":
                    self._turned_away(record)

    async def _dead(self, me: Identity, event_id: str, update: Json | str, reason: str) -> None:
        payload = update if isinstance(update, str) else json.dumps(update, ensure_ascii=False)
        # The reason may quote what somebody wrote: it stays in the database.
        log.warning("%s: update %s cannot be used and is kept as a dead letter", self._channel, event_id)
        await self._inbox.dead_letter(
            channel=self._channel, account=me.account, event_id=event_id, payload=payload, reason=reason
        )

    async def _refused(self, refused: Refused) -> float:
        if refused.status in (401, 404):
            return self._wrong_token(refused)
        if refused.status == 409:
            return await self._conflict(refused)
        if refused.status == 429:
            return self._trouble("Telegram asks to wait", max(refused.retry_after, FIRST_PAUSE_S))
        return self._trouble(f"Telegram says: {refused.description} ({refused.status})", self._longer())

    def _wrong_token(self, refused: Refused) -> float:
        why = (
            f"Telegram does not know this bot token ({refused.status}); get it from @BotFather "
            f"and set BOTCORE_CHANNELS__{self._channel.upper()}__TOKEN"
        )
        if self._me is None:
            raise SettingsError(f"{self._channel}: {why}") from None
        return self._trouble(why, WRONG_TOKEN_PAUSE_S)

    async def _conflict(self, refused: Refused) -> float:
        webhook = "webhook" in refused.description.lower()
        if webhook and self._may_drop_webhook:
            self._may_drop_webhook = False
            log.warning("%s: a webhook was set for this bot; removing it, because mode is polling", self._channel)
            await self._server.drop_webhook()
            return FIRST_PAUSE_S
        why = "a webhook is set again" if webhook else "another program asks for this bot's updates"
        return self._trouble(
            f"{why}; stop the other one, or give each its own token", max(self._longer(), CONFLICT_PAUSE_S)
        )

    def _longer(self) -> float:
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_S), LAST_PAUSE_S / 1.5)
        return self._pause * random.uniform(1, 1.5)

    def _trouble(self, why: str, pause: float) -> float:
        self._report(why)
        self._troubled = True
        return pause
