"""Asking Telegram again and again, whatever happens: pauses, health, and what each kind of trouble is called.

network, 5xx     pause, doubling from half a second to 30, with jitter
429              as long as Telegram says
401, 404         the token does not hold: one clear line, then once a minute; unless somebody else than Telegram says so
"""

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NoReturn, Protocol

from telegram.error import TelegramError

from botcore import Clock, SettingsError, StoreUnavailable
from botcore_telegram.hearing import Identity
from botcore_telegram.request import IS_BASE_URL_RIGHT, Refused

__all__ = ["FIRST_PAUSE_S", "Rounds"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
"""The server answers a repeated offset with a single update within half a second of the last time."""
LAST_PAUSE_S = 30.0
WRONG_TOKEN_PAUSE_S = 60.0


class Server(Protocol):
    """Who is asked."""

    async def me(self, channel: str) -> Identity:
        """Who the token belongs to."""
        ...


class Rounds(ABC):
    """One account's endless asking: what is asked is in `_ask`."""

    def __init__(self, server: Server, clock: Clock, *, channel: str, report: Callable[[str], None]) -> None:
        self.me: Identity | None = None
        """Who we are, once Telegram has said so."""
        self._host = server
        self._clock = clock
        self._channel = channel
        self._report = report
        self._pause = 0.0
        self._troubled = False

    async def run(self) -> NoReturn:
        """Ask until cancelled. Raises `SettingsError` where the very first answer is that the token is wrong."""
        while True:
            pause = await self._round()
            if pause:
                await self._clock.sleep(pause)

    @abstractmethod
    async def _ask(self, me: Identity) -> float:
        """Ask once; the seconds until the next time."""

    async def _round(self) -> float:
        try:
            if self.me is None:
                self.me = await self._host.me(self._channel)
                log.info("%s: connected as @%s", self._channel, self.me.username)
            return await self._ask(self.me)
        except StoreUnavailable as error:
            return self._trouble(f"cannot store messages, Telegram keeps them: {error}", self._longer())
        except Refused as refused:
            return self._refused(refused)
        except TelegramError as error:
            return self._trouble(str(error), self._longer())

    def _refused(self, refused: Refused) -> float:
        if refused.status in (401, 404) and not refused.misplaced:
            return self._wrong_token(refused)
        if refused.status == 429:
            return self._trouble("Telegram asks to wait", max(refused.retry_after, FIRST_PAUSE_S))
        why = f"Telegram says: {refused.description} ({refused.status})"
        if refused.misplaced:
            why = f"{refused.description}: {IS_BASE_URL_RIGHT}"
        return self._trouble(why, self._longer())

    def _wrong_token(self, refused: Refused) -> float:
        why = (
            f"Telegram does not know this bot token ({refused.status}); get it from @BotFather "
            f"and set BOTCORE_CHANNELS__{self._channel.upper()}__TOKEN"
        )
        if self.me is None:
            raise SettingsError(f"{self._channel}: {why}") from None
        return self._trouble(why, WRONG_TOKEN_PAUSE_S)

    def _fine(self) -> None:
        self._report("ok")
        self._troubled, self._pause = False, 0

    def _longer(self) -> float:
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_S), LAST_PAUSE_S / 1.5)
        return self._pause * random.uniform(1, 1.5)

    def _trouble(self, why: str, pause: float) -> float:
        self._report(why)
        self._troubled = True
        return pause
