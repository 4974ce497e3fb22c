"""The buttons below a reply: which there are, what each one sends, and what a press means. Pure.

feedback:1  feedback:-1  feedback:0    the thumbs; 0 takes a judgement back
feedback:-1:wrong                      one of `botcore.REASONS`, offered after a thumb down
again                                  the same question once more
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from botcore import REASONS

__all__ = ["AGAIN", "Button", "Keyboard", "Press", "answer", "keyboard", "parsed", "shown_after"]

Value = Literal[-1, 0, 1]
VALUES: dict[str, Value] = {"-1": -1, "0": 0, "1": 1}
JUDGEMENT = re.compile(r"feedback:(?P<value>-1|0|1)(?::(?P<reason>\w{1,40}))?", re.ASCII)
"""At most 54 of the 64 bytes a button may send."""
AGAIN = "again"
THUMBS: dict[Value, str] = {1: "👍", -1: "👎"}
REASONS_IN_A_ROW = 2
ANSWER_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Button:
    """What it reads, and what a press sends."""

    label: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What a button's data means: a judgement, or with ``again`` the wish for another reply."""

    value: Value = 0
    reason: str = ""
    again: bool = False


def parsed(data: str) -> Press | None:
    """What a press means; None for data that no button of ours sends."""
    if data == AGAIN:
        return Press(again=True)
    found = JUDGEMENT.fullmatch(data)
    if not found:
        return None
    value, reason = VALUES[found["value"]], found["reason"] or ""
    return Press(value=value, reason=reason) if not reason or (value == -1 and reason in REASONS) else None


def keyboard(verdict: Value = 0, *, asks_why: bool = False) -> Keyboard:
    """The buttons below a reply; the thumb of ``verdict`` is shown as pressed, and takes it back when pressed again."""
    thumbs = (_thumb(value, pressed=value == verdict) for value in THUMBS)
    first = (*thumbs, Button("🔄", AGAIN))
    return (first, *_reasons()) if asks_why else (first,)


def shown_after(press: Press, *, private: bool) -> Keyboard | None:
    """The buttons after a press; None where they stay.

    In a group all see the same buttons and each has a verdict of their own, so no thumb is shown as pressed there.
    """
    if press.again or (not private and press.value != -1):
        return None
    return keyboard(press.value if private else 0, asks_why=press.value == -1 and not press.reason)


def answer(press: Press | None, commands: Collection[str]) -> str:
    """The line that pops up for whoever pressed, "" for none; names only ``commands`` there are."""
    if press is None:
        return ""
    if press.again:
        return "Answering again …"
    if press.value == 0:
        return "Taken back."
    if press.value == 1:
        return "Thank you."
    said = f"Thank you: {REASONS[press.reason]}." if press.reason else "What was wrong?"
    return f"{said} {_how_to_say_more(commands)}".rstrip()[:ANSWER_LIMIT]


def _how_to_say_more(commands: Collection[str]) -> str:
    ways = {"bad": "/bad and why", "correct": "/correct and the right answer"}
    known = [words for command, words in ways.items() if command in commands]
    return f"To say more, reply to the message with {' or '.join(known)}." if known else ""


def _thumb(value: Value, *, pressed: bool) -> Button:
    return Button(f"{THUMBS[value]} ✓" if pressed else THUMBS[value], f"feedback:{0 if pressed else value}")


def _reasons() -> Keyboard:
    buttons = [Button(label, f"feedback:-1:{key}") for key, label in REASONS.items()]
    return tuple(tuple(buttons[start : start + REASONS_IN_A_ROW]) for start in range(0, len(buttons), REASONS_IN_A_ROW))
