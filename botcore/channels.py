"""Channels, kept running: one that fails is run again after a pause, and the others never notice."""

import logging
from collections.abc import MutableMapping
from typing import NoReturn

from botcore.clock import Clock
from botcore.dispatch import FAILURES, travels_on
from botcore.errors import BotcoreError, in_a_line
from botcore.ports import Channel, Inbox

__all__ = ["keep"]

log: logging.Logger = logging.getLogger(__name__)

RAN_OUT = "its run has ended although nobody ended it; it is to receive until it is cancelled"
RESTART_S = (1.0, 60.0)
"""First and longest pause before a channel that failed is run again; after a longer run a failure is a first one."""


async def keep(channel: Channel, inbox: Inbox, *, clock: Clock, problems: MutableMapping[str, str]) -> NoReturn:
    """Run the channel until cancelled; ``problems`` says under its name what is wrong with it, while something is."""
    first, longest = RESTART_S
    pause = first
    while True:
        problems.pop(channel.name, None)
        begun = clock.monotonic()
        try:
            await channel.run(inbox)
            raise BotcoreError(RAN_OUT)
        except FAILURES as error:
            if travels_on(error):
                raise
            pause = first if clock.monotonic() - begun > longest else pause
            why = problems[channel.name] = in_a_line(error)
            log.error("channel %s failed, next try in %g s: %s", channel.name, pause, why)
            log.debug("channel %s", channel.name, exc_info=True)
        await clock.sleep(pause)
        pause = min(2 * pause, longest)
