"""The buttons below a bot's messages, and the presses a bot has to answer."""

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from botcore import Clock
from botcore_telegram.testing.errors import ApiError

__all__ = ["Queries", "checked"]

DATA_LIMIT = 64
QUERY_LIFE_S = 150.0
OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"

Markup = Sequence[Sequence[Mapping[str, Any]]]


def checked(reply_markup: Any) -> list[list[dict[str, Any]]]:
    """The rows of an inline keyboard. Raises `ApiError`."""
    markup = json.loads(reply_markup) if isinstance(reply_markup, str) else reply_markup or {}
    rows = [[dict(button) for button in row] for row in markup.get("inline_keyboard", ())]
    for button in (button for row in rows for button in row):
        if not button.get("text"):
            raise ApiError(400, "Bad Request: inline keyboard button text must be non-empty")
        if not 1 <= len(button.get("callback_data", "").encode()) <= DATA_LIMIT:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    return rows


class Queries:
    """Presses, and what the bot made pop up for whoever pressed: for 150 s, once each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._open: dict[str, tuple[int, float]] = {}
        self.answers: list[tuple[int, str]] = []
        """(chat, text), "" for an answer that shows nothing."""

    def press(self, chat: int) -> str:
        """A new press's id."""
        query = f"90{next(self._numbers)}"
        self._open[query] = chat, self._clock.now()
        return query

    def answer(self, callback_query_id: str, text: str = "") -> bool:
        """AnswerCallbackQuery. Raises `ApiError`."""
        chat, pressed = self._open.pop(str(callback_query_id), (0, -QUERY_LIFE_S))
        if self._clock.now() - pressed >= QUERY_LIFE_S:
            raise ApiError(400, OLD)
        if len(text) > 200:
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answers.append((chat, text))
        return True
