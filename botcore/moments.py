"""Moments as people write them on the command line."""

import re
from datetime import UTC, datetime

from botcore.errors import SettingsError

__all__ = ["moment"]

UNITS_S = {"h": 3_600, "d": 86_400, "w": 604_800}


def moment(text: str, now: float) -> float:
    """``7d`` before now or the beginning of ``2026-11-25`` (UTC, unless it says otherwise), in Unix seconds.

    Raises `SettingsError`, which says how to write one.
    """
    if ago := re.fullmatch(r"(\d{1,6})([hdw])", text):
        return now - int(ago[1]) * UNITS_S[ago[2]]
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no time; write 2026-11-25, 2026-11-25T18:00, 12h, 7d or 4w") from None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
