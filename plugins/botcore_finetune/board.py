"""The operator's panel: what people thought of the replies of the last thirty days, and what can be done with it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from botcore import BotcoreError, Figure, Series, Widget
from botcore_finetune.sql import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from botcore import Bot

__all__ = ["days", "read"]

DAYS, DAY_S = 30, 86_400
MOST = 20_000
"""Verdicts that are counted, the newest: an index finds them."""
VERDICTS = ("good", "bad", "corrected")
NOTHING = (
    "Nobody has judged a reply in the last 30 days. People do it with the thumbs below a reply or with /good, /bad and "
    "/correct; `botcore feedback list` shows every verdict."
)
_QUERY = (
    "SELECT day, sum(good) AS good, sum(bad) AS bad, sum(corrected) AS corrected FROM (SELECT"
    f" CAST(at AS BIGINT) / {DAY_S} AS day, CASE WHEN verdict > 0 THEN 1 ELSE 0 END AS good,"
    " CASE WHEN verdict < 0 THEN 1 ELSE 0 END AS bad, CASE WHEN correction <> '' THEN 1 ELSE 0 END AS corrected"
    " FROM ft_examples WHERE at >= :since ORDER BY at DESC LIMIT :most) AS judged GROUP BY day ORDER BY day"
)


async def read(bot: Bot | None) -> Sequence[Widget]:
    """Totals, and a line for each verdict by the day."""
    if bot is None:
        raise BotcoreError("the plugin is still starting; its figures are here in a moment")
    today = int(bot.clock.now() // DAY_S)
    found = await bot.database.read(days, since=(today - DAYS + 1) * DAY_S)
    return [*_figures(found), _line(found, today)]


def days(connection: sa.Connection, *, since: float) -> dict[int, tuple[int, int, int]]:
    """Good, bad and corrected by day (since 1970, UTC), of what was judged from ``since`` on."""
    rows = run(connection, _QUERY, {"since": since, "most": MOST})
    return {int(row.day): (int(row.good), int(row.bad), int(row.corrected)) for row in rows}


def _figures(found: Mapping[int, tuple[int, int, int]]) -> Iterator[Widget]:
    good, bad, corrected = (sum(day[number] for day in found.values()) for number in range(3))
    yield Figure(name="Good", value=good, note="in 30 days")
    yield Figure(name="Bad", value=bad, note="in 30 days")
    yield Figure(name="Corrected", value=corrected, note="said what was better")
    judged = good + bad
    yield Figure(name="Share of good", value=good / judged if judged else None, kind="share")


def _line(found: Mapping[int, tuple[int, int, int]], today: int) -> Series:
    counts = defaultdict[int, tuple[int, int, int]](lambda: (0, 0, 0), found)
    every = range(today - DAYS + 1, today + 1)
    noon = DAY_S / 2  # of UTC: the same date nearly everywhere
    lines = {
        name: [(day * DAY_S + noon, float(counts[day][number])) for day in every if found]
        for number, name in enumerate(VERDICTS)
    }
    return Series(title="Verdicts by the day", lines=lines, y="verdicts a day", time=True, empty=NOTHING)
