"""Channels, engine and encoder, kept running: one that fails is run again after a pause, and the others go on."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import NoReturn

from botcore.clock import Clock
from botcore.dispatch import FAILURES, travels_on
from botcore.errors import BotcoreError, in_a_line

__all__ = ["keep"]

log: logging.Logger = logging.getLogger(__name__)

RAN_OUT = "its run has ended although nobody ended it; it is to run until it is cancelled"
RESTART_S = (1.0, 60.0)
"""First and longest pause before what failed is run again; after a longer run a failure is a first one."""


async def keep(
    run: Callable[[], Awaitable[None]], what: str, *, name: str, clock: Clock, problems: MutableMapping[str, str]
) -> NoReturn:
    """Run it until cancelled; ``problems`` says under its name what is wrong with it, while something is."""
    first, longest = RESTART_S
    pause = first
    while True:
        problems.pop(name, None)
        begun = clock.monotonic()
        try:
            await run()
            raise BotcoreError(RAN_OUT)
        except FAILURES as error:
            if travels_on(error):
                raise
            pause = first if clock.monotonic() - begun > longest else pause
            why = problems[name] = in_a_line(error)
            log.error("%s failed, next try in %g s: %s", what, pause, why)
            log.debug("%s", what, exc_info=True)
        await clock.sleep(pause)
        pause = min(2 * pause, longest)
