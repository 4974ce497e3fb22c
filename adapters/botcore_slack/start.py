"""The first question to Slack: who are we? Without an answer nobody can tell what is meant for the bot."""

import logging
import random
from collections.abc import Callable
from typing import Protocol

from botcore import Clock, SettingsError
from botcore_slack.errors import TOKEN_REFUSED, error_of
from botcore_slack.request import Refused, Trouble
from botcore_slack.wire import Identity

__all__ = ["Server", "identify"]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 30.0


class Server(Protocol):
    """Who is asked; `api.Api` is one."""

    async def me(self, channel: str) -> Identity:
        """Whose the bot token is. Raises `Trouble`."""
        ...


async def identify(server: Server, clock: Clock, *, channel: str, report: Callable[[str], None]) -> Identity:
    """Who the bot is, however long it takes. Raises `SettingsError` where Slack does not know the token."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            me = await server.me(channel)
        except Trouble as error:
            if error_of(error) in TOKEN_REFUSED:
                raise SettingsError(
                    f"{channel}: Slack does not take the bot token ({error}); copy it again from the app's page "
                    f'"Install App" into BOTCORE_CHANNELS__{channel.upper()}__BOT_TOKEN'
                ) from None
            report(f"Slack does not say who the bot is: {error}")
            wait = error.retry_after if isinstance(error, Refused) else 0.0
            await clock.sleep(max(wait, pause * random.uniform(1, 1.5)))
            pause = min(pause * 2, LAST_PAUSE_S / 1.5)
        else:
            log.info("%s: connected as @%s in %s", channel, me.name, me.url or me.team)
            return me
