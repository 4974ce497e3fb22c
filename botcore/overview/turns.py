"""How many turns this process has ended in the last hour, and how soon their first text was there."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile

from botcore.clock import Clock
from botcore.observe import Ended, Metrics
from botcore.panels import Figure, Series, Widget

__all__ = ["quantile", "read"]

HOUR_S, MINUTE_S = 3_600, 60
NOTHING = "No turn has ended in the last hour. Write to the bot on its page, or with `botcore chat` in a terminal."


async def read(metrics: Metrics, clock: Clock) -> Sequence[Widget]:
    """Figures of the last hour, and two lines over it by the minute."""
    now = clock.monotonic()
    ended = list(dropwhile(lambda one: one.at < now - HOUR_S, list(metrics.recent)))
    offset = clock.now() - now
    return [*_figures(ended), *(_lines(_by_minute(ended, offset), clock.now()))]


def _figures(ended: Sequence[Ended]) -> Iterator[Widget]:
    texts = [one.first_text for one in ended if one.first_text]
    yield Figure(name="Turns", value=len(ended), note="in the last hour")
    yield Figure(name="First text, half within", value=_seconds(texts, 0.5), note="from the turn's beginning")
    yield Figure(name="First text, 95 % within", value=_seconds(texts, 0.95), note="from the turn's beginning")
    yield Figure(name="Whole reply, half within", value=_seconds([one.whole for one in ended], 0.5))


def _seconds(values: Sequence[float], share: float) -> str | None:
    return f"{quantile(values, share):.2f} s" if values else None


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _by_minute(ended: Sequence[Ended], offset: float) -> Mapping[int, list[Ended]]:
    """Turns by the minute they ended in; ``offset`` makes Unix seconds of the clock's."""
    minutes = defaultdict[int, list[Ended]](list)
    for one in ended:
        minutes[int((one.at + offset) // MINUTE_S)].append(one)
    return minutes


def _lines(minutes: Mapping[int, list[Ended]], now: float) -> Iterator[Widget]:
    this = int(now // MINUTE_S)
    # The minute that runs would look like a fall; where it is all there is, it is told.
    minutes = {minute: ended for minute, ended in minutes.items() if minute < this} or minutes
    every = range(min(minutes, default=this), max(this, max(minutes, default=this) + 1))
    counts = [(float(minute * MINUTE_S), float(len(minutes.get(minute, ())))) for minute in every]
    yield Series(
        title="Turns by the minute",
        lines={"turns": counts if minutes else []},
        y="turns a minute",
        time=True,
        empty=NOTHING,
    )
    texts = {minute: [one.first_text for one in ended if one.first_text] for minute, ended in minutes.items()}
    if not any(texts.values()):
        return
    yield Series(
        title="Seconds to the first text",
        lines={
            name: [(float(at * MINUTE_S), quantile(found, share)) for at, found in sorted(texts.items()) if found]
            for name, share in (("half within", 0.5), ("95 % within", 0.95))
        },
        y="seconds",
        time=True,
    )
