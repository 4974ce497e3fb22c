"""The Web API's methods on plain state, without HTTP: what they check, what they answer, what they change.

Source: the methods' pages on docs.slack.dev; limits as the SDK's docstrings name them.
"""

import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from botcore_slack.testing.errors import ApiError
from botcore_slack.testing.messages import SentMessage, Stamps

__all__ = ["APP_ID", "BOT_ID", "BOT_USER", "TEAM", "Methods"]

TEAM, APP_ID, BOT_USER, BOT_ID = "T1", "A1", "U0BOT", "B0BOT"
MARKDOWN_LIMIT, ALL_MARKDOWN_LIMIT, BLOCKS_LIMIT, TEXT_LIMIT = 12_000, 13_200, 50, 40_000
UPDATE_LIMIT = 4000
CALLS = re.compile(r"<[!@#][^<>]*>")
KNOWN_BLOCKS = ("actions", "context", "context_actions", "divider", "markdown", "section")


class Methods:
    """Every method the channel calls, executed on plain state."""

    def __init__(self, stamps: Stamps, *, open_socket: Callable[[], str]) -> None:
        self._stamps = stamps
        self._open_socket = open_socket
        self.channels: dict[str, dict[str, Any]] = {}
        self.teams: dict[str, str] = {}
        """Whose workspace is which; all others are of the bot's."""
        self.messages: dict[tuple[str, str], SentMessage] = {}
        self.history: list[dict[str, Any]] = []
        """What people wrote, as conversations.history shows it."""
        self.files: dict[str, dict[str, Any]] = {}
        self.forms: dict[str, dict[str, Any]] = {}
        """Open forms by view id."""
        self.triggers: dict[str, str] = {}
        """Tickets that may open one form, and who holds them."""
        self.statuses: list[tuple[str, str, str]] = []
        self.called: list[str] = []
        """Whatever in the bot's words would call or link people or channels."""
        self.streams_allowed = True
        self.said: Callable[[SentMessage, str], None] = lambda message, change: None
        """Called with every new message and every edit of the bot's."""
        self._views = count(1)

    def call(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The method's answer without its "ok". Raises `ApiError`."""
        handler = getattr(self, f"_{method.replace('.', '_')}", None)
        if handler is None:
            raise ApiError("unknown_method")
        answer: dict[str, Any] = handler(**parameters)
        return answer

    def _auth_test(self) -> dict[str, Any]:
        return {
            "url": "https://example.slack.com/",
            "team": "Example",
            "team_id": TEAM,
            "user": "botcore",
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
        }

    def _apps_connections_open(self) -> dict[str, Any]:
        return {"url": self._open_socket()}

    # ------------------------------------------------------------ messages

    def _chat_postMessage(
        self,
        channel: str,
        text: str = "",
        blocks: Any = (),
        thread_ts: str = "",
        metadata: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        self._channel(channel)
        shown = self._checked(text, blocks or ())
        message = SentMessage(channel=channel, ts=self._stamps.next(), thread=thread_ts)
        self.messages[channel, message.ts] = message
        self._write(message, shown, text, blocks or (), metadata)
        self.said(message, "new")
        return {"channel": channel, "ts": message.ts, "message": self._shown(message)}

    def _chat_update(
        self, channel: str, ts: str, text: str = "", blocks: Any = None, metadata: Any = None, **_: Any
    ) -> dict[str, Any]:
        message = self._message(channel, ts)
        if message.streaming:
            raise ApiError("streaming_state_conflict")
        kept = message.blocks if blocks is None else blocks
        if len(text) > UPDATE_LIMIT:
            raise ApiError("msg_too_long")
        shown = self._checked(text, kept)
        message.edited = self._stamps.next()
        self._write(message, shown, text, kept, metadata)
        self.said(message, "edited")
        return {"channel": channel, "ts": ts, "text": text}

    def _write(self, message: SentMessage, shown: str, text: str, blocks: Any, metadata: Any) -> None:
        message.text, message.notification, message.blocks = shown, text[:TEXT_LIMIT], list(blocks)
        if metadata is not None:
            message.metadata = dict(metadata)

    # ------------------------------------------------------------ streams

    def _chat_startStream(
        self,
        channel: str,
        thread_ts: str = "",
        markdown_text: str = "",
        recipient_user_id: str = "",
        recipient_team_id: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        kind = self._channel(channel)["kind"]
        if not self.streams_allowed:
            raise ApiError("channel_type_not_supported")
        if not thread_ts:
            raise ApiError("missing_thread_ts")
        if kind != "im" and not recipient_user_id:
            raise ApiError("missing_recipient_user_id")
        if kind != "im" and not recipient_team_id:
            raise ApiError("missing_recipient_team_id")
        if recipient_user_id and recipient_team_id != self.teams.get(recipient_user_id, TEAM):
            raise ApiError("user_not_found")
        self._piece(markdown_text)
        message = SentMessage(
            channel=channel,
            ts=self._stamps.next(),
            thread=thread_ts,
            text=markdown_text,
            streaming=True,
            streamed=True,
        )
        self.messages[channel, message.ts] = message
        return {"channel": channel, "ts": message.ts}

    def _chat_appendStream(self, channel: str, ts: str, markdown_text: str = "", **_: Any) -> dict[str, Any]:
        message = self._stream(channel, ts)
        if not markdown_text:
            raise ApiError("no_text")
        self._piece(markdown_text)
        message.text += markdown_text
        return {"channel": channel, "ts": ts}

    def _chat_stopStream(
        self, channel: str, ts: str, markdown_text: str = "", blocks: Any = None, metadata: Any = None, **_: Any
    ) -> dict[str, Any]:
        message = self._stream(channel, ts)
        self._piece(markdown_text)
        self._check_blocks(blocks or ())
        message.text += markdown_text
        message.streaming = False
        message.blocks = list(blocks or ())
        message.metadata = dict(metadata or {})
        self.said(message, "new")
        return {"channel": channel, "ts": ts, "message": self._shown(message)}

    def _stream(self, channel: str, ts: str) -> SentMessage:
        message = self._message(channel, ts)
        if not message.streaming:
            raise ApiError("message_not_in_streaming_state")
        return message

    def _piece(self, text: str) -> None:
        if len(text) > MARKDOWN_LIMIT:
            raise ApiError("msg_too_long")
        self.called += CALLS.findall(text)

    # ------------------------------------------------------------ reading

    def _conversations_history(self, channel: str, **window: Any) -> dict[str, Any]:
        self._channel(channel)
        return self._window([said for said in self._all(channel) if not said.get("thread_ts")], **window)

    def _conversations_replies(self, channel: str, ts: str, **window: Any) -> dict[str, Any]:
        self._channel(channel)
        return self._window(
            [said for said in self._all(channel) if ts in (said.get("thread_ts"), said["ts"])], **window
        )

    def _all(self, channel: str) -> list[dict[str, Any]]:
        ours = [self._shown(message) for (where, _), message in self.messages.items() if where == channel]
        people = [said for said in self.history if said["channel"] == channel]
        return sorted([*ours, *people], key=lambda said: str(said["ts"]))

    @staticmethod
    def _window(
        said: list[dict[str, Any]],
        oldest: str = "0",
        limit: Any = 100,
        cursor: str = "",
        include_all_metadata: Any = False,
        **_: Any,
    ) -> dict[str, Any]:
        found = [dict(one) for one in said if float(one["ts"]) > float(oldest)]
        start, size = int(cursor or 0), int(limit)
        page = found[start : start + size]
        if include_all_metadata not in (True, "1", "true"):
            for one in page:
                one.pop("metadata", None)
        more = start + size < len(found)
        return {
            "messages": page,
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    # ------------------------------------------------------------ the rest

    def _assistant_threads_setStatus(self, channel_id: str, thread_ts: str, status: str, **_: Any) -> dict[str, Any]:
        self._channel(channel_id)
        self.statuses.append((channel_id, thread_ts, status))
        return {}

    def _files_info(self, file: str, **_: Any) -> dict[str, Any]:
        if file not in self.files:
            raise ApiError("file_not_found")
        return {"file": self.files[file]}

    def _views_open(self, view: dict[str, Any], trigger_id: str = "", **_: Any) -> dict[str, Any]:
        person = self.triggers.pop(trigger_id, None)
        if person is None:
            raise ApiError("expired_trigger_id")
        self._check_view(view)
        id = f"V{next(self._views)}"
        self.forms[id] = {**view, "id": id, "person": person}
        return {"view": {**view, "id": id}}

    @staticmethod
    def _check_view(view: Mapping[str, Any]) -> None:
        labels = [view["title"], view["submit"], view["close"]]
        inputs = all(
            block["type"] == "input" and block["block_id"] and block["label"]["text"] for block in view["blocks"]
        )
        if view["type"] != "modal" or len(view["private_metadata"]) > 3000 or not inputs:
            raise ApiError("invalid_arguments")
        if any(len(label["text"]) > 24 for label in labels):
            raise ApiError("invalid_arguments")

    # ------------------------------------------------------------ rules

    def _channel(self, channel: str) -> dict[str, Any]:
        if channel not in self.channels:
            raise ApiError("channel_not_found")
        return self.channels[channel]

    def _message(self, channel: str, ts: str) -> SentMessage:
        self._channel(channel)
        if (channel, ts) not in self.messages:
            raise ApiError("message_not_found")
        return self.messages[channel, ts]

    def _checked(self, text: str, blocks: Any) -> str:
        """What a reader sees."""
        if not text and not blocks:
            raise ApiError("no_text")
        self.called += CALLS.findall(text)
        markdown = self._check_blocks(blocks)
        return (
            "\n\n".join(markdown) if markdown else text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        )

    def _check_blocks(self, blocks: Any) -> list[str]:
        if len(blocks) > BLOCKS_LIMIT or any(block["type"] not in KNOWN_BLOCKS for block in blocks):
            raise ApiError("invalid_blocks")
        markdown = [block["text"] for block in blocks if block["type"] == "markdown"]
        if any(not text or len(text) > MARKDOWN_LIMIT for text in markdown):
            raise ApiError("invalid_blocks")
        if sum(map(len, markdown)) > ALL_MARKDOWN_LIMIT:
            raise ApiError("msg_blocks_too_long")
        for block in blocks:
            self._check_elements(block)
        for text in markdown:
            self.called += CALLS.findall(text)
        return markdown

    def _check_elements(self, block: Mapping[str, Any]) -> None:
        kinds = {"actions": ("button",), "context_actions": ("feedback_buttons", "icon_button"), "context": ("mrkdwn",)}
        for element in block.get("elements", ()):
            if element["type"] not in kinds.get(block["type"], (element["type"],)):
                raise ApiError("invalid_blocks")
            if element["type"] == "mrkdwn":
                if not 0 < len(element["text"]) <= 3000:
                    raise ApiError("invalid_blocks")
                self.called += CALLS.findall(element["text"])

    def _shown(self, message: SentMessage) -> dict[str, Any]:
        """As Slack shows it to programs."""
        shown: dict[str, Any] = {
            "type": "message",
            "channel": message.channel,
            "user": BOT_USER,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "ts": message.ts,
            "text": message.notification or message.text,
            "blocks": message.blocks,
        }
        if message.thread:
            shown["thread_ts"] = message.thread
        if message.metadata:
            shown["metadata"] = message.metadata
        return shown
