"""Which lines of a conversation the model sees, pure.

A window that slides by one line with every message would change the beginning of every prompt, and the engine could
never use what it computed for the last one. So the beginning stays until the window is full, then jumps by half.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import dropwhile

from botcore import Entry

__all__ = ["Windows", "usable"]

REMEMBERED = 10_000
"""Conversations whose beginning is kept; a forgotten one costs one prompt computed anew."""


def usable(entries: Sequence[Entry]) -> list[Entry]:
    """The exchanges that worked, from a person's line on: a failed one would teach the model to fail again.

    What was stopped (or edited) before a word was said is withdrawn: it would be answered with the next message.
    A command that was answered without the model (/good, /help) is talk with the machine, not part of the conversation.
    """
    bad = {entry.reply for entry in entries if entry.reply and _is_bad(entry)} | _commands(entries)
    good = (entry for entry in entries if entry.text.strip() and entry.reply not in bad)
    return list(dropwhile(lambda entry: entry.role == "assistant", good))


def _is_bad(entry: Entry) -> bool:
    unsaid = entry.role == "assistant" and not entry.text.strip()
    return unsaid or entry.outcome not in ("answered", "stopped")


def _commands(entries: Sequence[Entry]) -> set[str]:
    """The exchanges that are a command and the house's own answer."""
    commands = {entry.reply for entry in entries if entry.role == "user" and entry.text.startswith("/")}
    said = {entry.reply for entry in entries if entry.role == "assistant" and (entry.model or entry.citations)}
    return commands - said - {""}


class Windows:
    """Where the window of each conversation begins."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._begins = OrderedDict[str, int]()

    def of(self, conversation: str, entries: Sequence[Entry]) -> list[Entry]:
        """What to show of ``entries``: the newest ``size`` lines of the conversation, oldest first."""
        if len(entries) < self._size:
            self._begins.pop(conversation, None)
            return usable(entries)
        begin = self._begins.get(conversation, 0)
        if begin < entries[0].id:
            begin = entries[len(entries) // 2].id
        self._keep(conversation, begin)
        return usable([entry for entry in entries if entry.id >= begin])

    def _keep(self, conversation: str, begin: int) -> None:
        self._begins[conversation] = begin
        self._begins.move_to_end(conversation)
        if len(self._begins) > REMEMBERED:
            self._begins.popitem(last=False)
