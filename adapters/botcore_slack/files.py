"""Files people send: fetched with the bot's token, so from Slack's hosts only, never by way of a redirect."""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp

from botcore import Attachment, Clock, Rejected, Retry, Unknown
from botcore_slack.request import patience, waits
from botcore_slack.settings import SlackSettings
from botcore_slack.wire import BY_ID, Json, Unusable, understood
from botcore_slack.wire import attachment as read_attachment

__all__ = ["address_of", "described", "fetch"]

log = logging.getLogger(__name__)

PIECE = 64 << 10
ASK_S = 2.0
"""Slack wants to hear of a delivery within three."""
HOSTS = re.compile(r"([\w-]+\.)*(slack\.com|slack-files\.com)", re.ASCII)


async def described(file: Attachment, ask: Callable[[str], Awaitable[Json]], clock: Clock) -> Attachment:
    """The file with its name and address, where a message gave no more than its id; as it is if Slack does not say."""
    if not file.reference.startswith(BY_ID):
        return file
    try:
        async with clock.timeout(ASK_S):
            said = await ask(file.reference.removeprefix(BY_ID))
        with understood():
            return read_attachment(said["file"])
    except (Rejected, Retry, Unknown, TimeoutError, Unusable) as error:
        log.warning("Slack does not say what file it is that somebody shared: %s", error)
        return file


async def fetch(
    session: aiohttp.ClientSession, settings: SlackSettings, attachment: Attachment
) -> AsyncGenerator[bytes, None]:
    """The file's bytes in pieces. Raises `Retry`, `Rejected` or `Unknown`."""
    address = address_of(attachment, settings.base_url)
    headers = {"Authorization": f"Bearer {settings.bot_token.get_secret_value()}"}
    timeout = patience(settings.call_timeout_s)
    count = 0
    try:
        async with session.get(address, headers=headers, timeout=timeout, allow_redirects=False) as answer:
            _check(answer, attachment)
            async for piece in answer.content.iter_chunked(PIECE):
                count += len(piece)
                if count > settings.file_limit_bytes:
                    raise Rejected(f"{attachment.name} has more than {settings.file_limit_bytes} bytes")
                yield piece
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        raise Retry(1.0, f"no connection to Slack's files ({type(error).__name__})") from None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unknown(f"{attachment.name} broke off ({type(error).__name__})") from None


def address_of(attachment: Attachment, base_url: str) -> str:
    """Where the file is. Raises `Rejected` for anything but Slack's hosts: nobody else is shown the token."""
    try:
        address, ours = urlsplit(attachment.reference), urlsplit(base_url)
        at_home = (address.scheme, address.netloc) == (ours.scheme, ours.netloc)
        slacks = HOSTS.fullmatch(address.hostname or "") and address.scheme == "https" and address.port in (None, 443)
        if (at_home or slacks) and "@" not in address.netloc:
            return attachment.reference
    except ValueError:
        pass  # no address at all
    raise Rejected(f"{attachment.name or 'this file'} is not on Slack")


def _check(answer: aiohttp.ClientResponse, attachment: Attachment) -> None:
    if answer.status == 429:
        raise Retry(max(waits(answer.headers), 1.0), "Slack asks to wait with files")
    if answer.status >= 500:
        raise Unknown(f"Slack's files answer HTTP {answer.status}")
    # Without the scope files:read Slack sends its login page, or the way to it.
    page = answer.content_type == "text/html" and attachment.media_type != "text/html"
    if answer.status != 200 or page:
        why = "it is gone" if answer.status in (404, 410) else "does the app have the scope files:read?"
        raise Rejected(f"Slack does not hand out {attachment.name or 'this file'}: {why}")
