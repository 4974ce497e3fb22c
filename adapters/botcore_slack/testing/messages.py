"""What the fake keeps of each message of the bot's, and the times that name messages."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

__all__ = ["SentMessage", "Stamps"]


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """A message of the bot's as it stands now."""

    channel: str
    ts: str
    thread: str = ""
    text: str = ""
    """What a reader sees as its text: Markdown, or what was streamed."""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    notification: str = ""
    """The top-level text: what stands on a locked screen."""
    metadata: dict[str, Any] = field(default_factory=dict)
    streaming: bool = False
    streamed: bool = False
    edited: str = ""
    heard: bool = False

    @property
    def finished(self) -> bool:
        """No placeholder, no preview, no stream any more."""
        return not self.streaming and not self.metadata.get("event_payload", {}).get("placeholder", False)

    @property
    def buttons(self) -> list[str]:
        """The action ids of what can be pressed."""
        return [
            str(element["action_id"])
            for block in self.blocks
            if block["type"] in ("actions", "context_actions")
            for element in block["elements"]
        ]

    @property
    def sources(self) -> str:
        """The list of sources below it."""
        context = [block for block in self.blocks if block["type"] == "context"]
        return "\n".join(str(element["text"]) for block in context for element in block["elements"])


class Stamps:
    """Slack's message times: grow, and are unique."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._numbers = count(1)

    def next(self) -> str:
        """The next one."""
        return f"{int(self._now())}.{next(self._numbers):06d}"
