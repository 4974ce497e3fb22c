"""How calls go wrong: Slack's own refusals, and what a test plans."""

from dataclasses import dataclass
from typing import Self

__all__ = ["ApiError", "Fault"]


class ApiError(Exception):
    """``"ok": false``, which Slack sends with HTTP 200."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one call goes wrong. ``executed``: it takes effect all the same."""

    status: int = 200
    """0 = the connection is cut instead of answered."""
    error: str = ""
    retry_after: str = ""
    html: bool = False
    executed: bool = False
    location: str = ""

    @classmethod
    def refused(cls, error: str) -> Self:
        """``"ok": false``."""
        return cls(error=error)

    @classmethod
    def flood(cls, retry_after: float) -> Self:
        """429."""
        return cls(status=429, error="ratelimited", retry_after=f"{retry_after:g}")

    @classmethod
    def broken(cls, status: int = 500, *, html: bool = False, executed: bool = False) -> Self:
        """The server's own fault; ``html``: a proxy says so."""
        return cls(status=status, error="internal_error", html=html, executed=executed)

    @classmethod
    def cut(cls, *, executed: bool) -> Self:
        """The connection breaks, before or after the call took effect."""
        return cls(status=0, executed=executed)

    @classmethod
    def redirected(cls, to: str) -> Self:
        """Somebody in between sends us elsewhere."""
        return cls(status=302, html=True, location=to)
