"""What every response carries, and how a failure is worded: one line of JSON with the next step in it."""

from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict

from botcore.http.access import Denied

__all__ = ["OPENAI", "denial", "dress", "failure"]

OPENAI = "/v1/"
"""Below it OpenAI's clients ask."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "botcore",
}


def failure(path: str, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error as JSON; ``path`` decides whether OpenAI's own fields are added."""
    error: dict[str, str | None] = {"code": code, "message": message}
    if path.startswith(OPENAI):
        # OpenAI's clients read these two as well.
        usual = "server_error" if status >= 500 else "invalid_request_error"
        error |= {"type": "rate_limit_error" if status == 429 else usual, "param": None}
    return web.json_response({"error": error}, status=status, headers=headers)


def denial(path: str, denied: Denied) -> web.Response:
    """The answer to a request that may not pass."""
    headers = {"Retry-After": str(denied.retry_after)} if denied.retry_after else {}
    if denied.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return failure(path, denied.status, denied.code, denied.message, headers)


def dress(headers: CIMultiDict[str]) -> None:
    """Add the security headers, and forbid caching where nothing else was said."""
    headers.update(SECURITY_HEADERS)
    headers.setdefault("Cache-Control", "no-store")
