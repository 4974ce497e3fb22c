"""One call after the other: whose turn it is to wait, and what every failure is called."""

from collections.abc import Awaitable, Callable, Mapping

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from botcore import Clock, Rejected, Retry, Unknown
from botcore_slack.errors import in_our_words
from botcore_slack.request import NotSent, Refused, Trouble
from botcore_slack.wire import Json

__all__ = ["Calls"]


class Calls:
    """Remembers since when there is no connection, and which methods Slack wants no more of for now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gone_since: float | None = None
        self._held: dict[str, tuple[float, str]] = {}
        """Method → until when, and the chat whose call was one too many."""

    async def said(self, method: str, chat: str, call: Callable[[], Awaitable[AsyncSlackResponse]]) -> Json:
        """The answer to a call. Raises `Retry`, `Rejected` or `Unknown`."""
        self._respect(method, chat)
        try:
            answer = (await call()).data
        except Trouble as error:
            raise self._told(method, chat, error) from error
        self._gone_since = None
        if not isinstance(answer, Mapping):
            raise Unknown("an answer that is not Slack's")
        return answer

    def held(self, method: str) -> bool:
        """Whether Slack wants no more of this method for now."""
        return self._wait(method) > 0

    def _wait(self, method: str) -> float:
        until, _ = self._held.get(method, (0.0, ""))
        return until - self._clock.monotonic()

    def _respect(self, method: str, chat: str) -> None:
        # Slack counts calls per method over all chats. The chat that was told to wait is kept waiting by the core.
        _, told = self._held.get(method, (0.0, ""))
        wait = self._wait(method)
        if wait > 0 and chat != told:
            raise Retry(wait, f"Slack asks to wait with {method}")

    def _told(self, method: str, chat: str, error: Trouble) -> Retry | Rejected | Unknown:
        now = self._clock.monotonic()
        if not isinstance(error, NotSent):
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = now
        told = in_our_words(error, gone_for=now - (now if self._gone_since is None else self._gone_since))
        if isinstance(told, Retry) and isinstance(error, Refused) and error.retry_after:
            self._held[method] = now + told.after, chat
        return told
