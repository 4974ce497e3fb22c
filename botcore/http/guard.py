"""The guard of the port: whether a request may pass, by Host and Origin, session or key; and the login itself."""

import ipaddress
import json
import logging
import math

from aiohttp import web

from botcore.clock import Clock
from botcore.errors import SettingsError
from botcore.http.access import (
    SAFE_METHODS,
    SESSION_SECONDS,
    Attempts,
    Denied,
    Key,
    host_name,
    is_loopback,
    same_origin,
    sender,
)
from botcore.http.answers import denial, failure
from botcore.settings import HttpSettings

__all__ = ["Guard"]

log: logging.Logger = logging.getLogger(__name__)

SESSION_COOKIE = "botcore_session"
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Says why a request may not pass, or None where it may."""

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._clock = clock
        self._host = settings.host
        self._key = Key(settings.key.get_secret_value())
        self._local = is_loopback(settings.host)
        self._trusted = frozenset(name.lower() for name in settings.allowed_hosts)
        self._hosts = self._trusted | LOCAL | {settings.host}
        self._proxies = [ipaddress.ip_network(name) for name in settings.proxies]
        self._logins, self._bearers = Attempts(5), Attempts(60)

    def check(self) -> None:
        """Raises `SettingsError` where other machines could come in without a key; a proxy may ask for its own."""
        if self._key:
            return
        if not self._local:
            raise SettingsError(
                f'http.host: "{self._host}" can be reached from other machines, which needs a key: '
                "set BOTCORE_HTTP__KEY, or use 127.0.0.1"
            )
        if names := self._trusted - LOCAL:
            log.warning(
                "http.allowed_hosts: whoever reaches the bot by %s may do everything, on the operator's page too; "
                "set BOTCORE_HTTP__KEY, unless your proxy asks them who they are",
                ", ".join(sorted(names)),
            )

    def foreign(self, request: web.Request) -> Denied | None:
        """Refuses what another site's page sent: by `Host` on loopback, by `Origin` where something changes."""
        host = request.headers.get("Host", "")
        name = host_name(host)
        if self._local and name not in self._hosts:
            log.warning("refused Host %.100r: if a proxy of yours sends it, add it to [http] allowed_hosts", name)
            return Denied(status=403, code="host", message="this bot does not answer to that host name")
        if request.method in SAFE_METHODS:
            return None
        origin, site = request.headers.get("Origin", ""), request.headers.get("Sec-Fetch-Site", "")
        if same_origin(host=host, origin=origin, site=site, trusted=self._trusted):
            return None
        return Denied(status=403, code="origin", message="only this bot's own page may do that")

    def stranger(self, request: web.Request) -> Denied | None:
        """Why this request may not use a guarded route; None where it may."""
        if not self._key or self._key.holds(request.cookies.get(SESSION_COOKIE, ""), self._clock.now()):
            return None
        scheme, _, guess = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return Denied(
                status=401, code="login", message="log in with the bot's key, or send it as Authorization: Bearer"
            )
        return self._guess(request, guess.strip(), self._bearers, "invalid_api_key")

    def _guess(self, request: web.Request, guess: str, attempts: Attempts, code: str) -> Denied | None:
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        peer, now = sender(request.remote or "", forwarded, self._proxies), self._clock.monotonic()
        if wait := attempts.wait(peer, now):
            seconds = math.ceil(wait)
            return Denied(
                status=429,
                code="attempts",
                retry_after=seconds,
                message=f"too many wrong keys; try again in {seconds} s",
            )
        if self._key.matches(guess):
            return None
        attempts.failed(peer, now)
        if attempts.wait(peer, now):
            log.warning(
                "too many wrong keys from %r: nobody is let in from there for a minute%s", peer, _hint(forwarded)
            )
        return Denied(status=401, code=code, message="this is not the bot's key")

    async def login(self, request: web.Request) -> web.Response:
        """``POST {"key": …}``: 204 and the session cookie."""
        if request.content_type != "application/json":
            return failure(request.path, 415, "content_type", "send Content-Type: application/json")
        guess = _key_of(await request.read())
        if guess is None:
            return failure(request.path, 400, "bad_request", 'send {"key": "…"}')
        response = web.Response(status=204)
        if not self._key:
            return response
        if denied := self._guess(request, guess, self._logins, "login"):
            return denial(request.path, denied)
        response.set_cookie(
            SESSION_COOKIE,
            self._key.session(self._clock.now()),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    async def logout(self, _request: web.Request) -> web.Response:
        """``DELETE``: 204, and this browser forgets its session. A copy of it would hold until its own end."""
        response = web.Response(status=204)
        response.del_cookie(SESSION_COOKIE)
        return response


def _hint(forwarded: str) -> str:
    return "; if that is a proxy of yours, name it in [http] proxies" if forwarded else ""


def _key_of(body: bytes) -> str | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    key = value.get("key") if isinstance(value, dict) else None
    return key if isinstance(key, str) else None
