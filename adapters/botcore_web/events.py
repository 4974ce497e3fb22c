"""One page's event stream as data: what it has been told, and the Server-Sent Events that bring it up to date. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from botcore import Draft, EngineStatus, Entry, Message
from botcore_web.wire import entry_json, pending_json

__all__ = ["COMMENT", "MISSED", "View", "sse"]

COMMENT = b": still here\n\n"
"""Keeps the connection open through proxies, and tells the page that it is."""
MISSED = b"event: missed\ndata: {}\n\n"
"""More was said than a stream catches up on: the page opens the conversation anew, from its end."""


def sse(data: str, *, event: str = "", id: int | None = None) -> bytes:
    """One event; ``data`` must not contain line breaks."""
    head = f"event: {event}\n" if event else ""
    number = f"id: {id}\n" if id is not None else ""
    return f"{head}{number}data: {data}\n\n".encode("utf-8", "replace")


def _event(event: str, value: Mapping[str, Any], id: int | None = None) -> bytes:
    return sse(json.dumps(value, ensure_ascii=False, separators=(",", ":")), event=event, id=id)


class View:
    """What one open page knows of its conversation. Each method returns the bytes that tell it what is new."""

    def __init__(self, after: int = 0) -> None:
        self.last = after
        """The last committed entry the page has."""
        self.open: Mapping[int, str] | None = None
        """Messages without a reply, inbox id → the page's own id; None until they were looked for."""
        self._draft: Draft | None = None

    def engine(self, status: EngineStatus) -> bytes:
        """Where the engine stands."""
        return _event("engine", asdict(status))

    def sync(
        self, entries: Sequence[Entry], waiting: Sequence[tuple[int, Message]], reasons: Mapping[str, str]
    ) -> bytes:
        """New committed lines, then what waits. Read ``waiting`` before ``entries``, and none is missed.

        A page may believe that something waits which was forgotten meanwhile: it is then told all that does.
        """
        frames = b"".join(self._entry(entry, reasons) for entry in entries if entry.id > self.last)
        committed = {entry.platform_id for entry in entries if entry.role == "user" and entry.platform_id}
        still = [(number, message) for number, message in waiting if message.platform_id not in committed]
        before, self.open = self.open, {number: message.platform_id for number, message in still}
        for number, message in still:
            if number not in (before or {}):
                frames += _event("pending", pending_json(number, message))
        if before is None or any(id not in committed for number, id in before.items() if number not in self.open):
            frames += _event("waiting", {"messages": list(self.open)})
        return frames

    def lacks(self, draft: Draft | None) -> bool:
        """Whether the message that this draft answers does not wait, as far as the page was told."""
        return draft is not None and draft.message not in (self.open or ())

    def draft(self, draft: Draft | None) -> bytes:
        """What the draft of the running turn has become since the page last heard of it.

        Nothing where its message has ended or was forgotten: no event would take it away again.
        """
        if draft is None or draft == self._draft or self.lacks(draft):
            return b""
        before, self._draft = self._draft, draft
        kept = len(before.text) if before and before.turn == draft.turn else 0
        if before is None or draft.turn != before.turn or not draft.text.startswith(before.text):
            kept = 0  # another turn, or one that was begun anew
        return _event(
            "draft",
            {
                "message": draft.message,
                "turn": draft.turn,
                "offset": kept,
                "text": draft.text[kept:],
                "phase": draft.phase,
                "note": draft.note,
            },
        )

    def _entry(self, entry: Entry, reasons: Mapping[str, str]) -> bytes:
        self.last = entry.id
        reason = reasons.get(entry.reply, "") if entry.role == "assistant" else ""
        return _event("entry", entry_json(entry, reason=reason), id=entry.id)
