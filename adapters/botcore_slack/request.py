"""The SDK's way to the network, over one aiohttp session that is ours.

Three things the SDK's own way does not do. It tells apart what was never sent, what was refused and what got no
answer, which is what a delivery has to know. It follows no redirect, which would carry a token away. And the SDK holds
no token: it works with stand-ins, and the real one is put into the header at the last moment, so no log line, exception
or repr of the SDK's can show it (its DEBUG lines show every answer, and with it the ticket of a socket).

    NotSent      no connection: surely not executed
    Refused      answered with an error: surely not executed, except for a 5xx and a few errors that say so
    Unanswered   written, then silence, a cut or nonsense: may have been executed
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["APP", "BOT", "NotSent", "Refused", "Transport", "Trouble", "Unanswered", "patience", "waits"]

CONNECT_TIMEOUT_S = 10
CONNECTED_S = 30
"""Until a call has its connection, where a name is slow to be found or a proxy to answer."""
BOT, APP = "the-bot-token", "the-app-token"
"""The stand-ins."""
LONGEST_WAIT_S = 3600.0


class Trouble(Exception):
    """A call that did not succeed."""


class NotSent(Trouble):
    """No connection to Slack."""


class Unanswered(Trouble):
    """Slack did not answer."""


class Refused(Trouble):
    """Slack answered with an error."""

    def __init__(self, status: int, error: str = "", *, retry_after: float = 0) -> None:
        super().__init__(error or f"HTTP {status}")
        self.status = status
        self.error = error or f"HTTP {status}"
        self.misplaced = not error and status < 500
        """Whether it is not said in Slack's words: by a proxy, or by what is at a wrong ``base_url``."""
        self.retry_after = retry_after


class Transport(AsyncWebClient):
    """The SDK's client; its session belongs to somebody else."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        tokens: Mapping[str, SecretStr],
        read_timeout: float,
    ) -> None:
        # No retries: the SDK would post once more after a cut, and a person would read it twice. The proxy named here
        # is none: left empty, the SDK reads the environment's and logs its password; the session knows it anyway.
        super().__init__(token=BOT, base_url=base_url, session=session, retry_handlers=[], proxy="none")
        self.proxy = None
        self._http = session
        self._tokens = tokens
        self._timeout = patience(read_timeout)

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        headers = dict(req_args["headers"])
        stand_in = str(headers.get("Authorization", "")).removeprefix("Bearer ")
        headers["Authorization"] = f"Bearer {self._tokens[stand_in].get_secret_value()}"
        content = {name: req_args[name] for name in ("params", "json", "data") if req_args.get(name) is not None}
        try:
            async with self._http.request(
                http_verb, api_url, headers=headers, timeout=self._timeout, allow_redirects=False, **content
            ) as response:
                return _judged(response.status, response.headers, await response.read())
        # "from None": what aiohttp's errors hold is nobody's business.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"no connection to Slack ({type(error).__name__})") from None
        except aiohttp.ClientHttpProxyError as error:
            raise NotSent(f"no connection to Slack (the proxy answers {error.status})") from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unanswered(f"no answer from Slack ({type(error).__name__})") from None


def patience(silence: float) -> aiohttp.ClientTimeout:
    """How long a call may take: as long as it likes, but for so many seconds of silence."""
    return aiohttp.ClientTimeout(total=None, connect=CONNECTED_S, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence)


def waits(headers: Mapping[str, str]) -> float:
    """Seconds that an answer asks to wait, at most an hour; 0 where it does not say."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT_S) if math.isfinite(seconds) else 0.0


def _judged(status: int, headers: Mapping[str, str], payload: bytes) -> dict[str, Any]:
    answer = _object(payload)
    if status == 200 and answer.get("ok") is True:
        return {"data": answer, "headers": headers, "status_code": status}
    error = answer.get("error")
    if (status == 200 and not error) or 200 < status < 400:
        raise Unanswered(f"an answer that is not Slack's (HTTP {status})")
    raise Refused(status, str(error or ""), retry_after=waits(headers))


def _object(payload: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):  # a proxy in between speaks HTML
        return {}
    return answer if isinstance(answer, dict) else {}
