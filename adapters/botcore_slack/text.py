"""Text between Slack's notation and plain words. Pure.

What people write arrives escaped, with people, places and links in angle brackets; a reader of a prompt wants words.
What a model writes must never become one of those brackets: ``<!channel>`` would call everybody.
"""

import re

__all__ = ["escaped", "harmless", "harmless_and_short", "head", "spoken"]

BRACKET = re.compile(r"<([^<>]*)>")
AFTER_NAME = re.compile(r"[\s,:]*")
CALL = re.compile(r"<(?=[!@#])")
APART = "<\u200b"
"""Breaks the bracket without being seen. An entity would be shown as it stands inside of code."""


def spoken(text: str, bot: str, name: str = "") -> str:
    """What a person said, in plain words, without the bot's own mention; ``name`` where nothing else was said."""
    between = re.split(rf"<@{re.escape(bot)}(?:\|[^<>]*)?>", text)
    addressed = len(between) > 1
    if addressed and not between[0].strip():
        between[:2] = [AFTER_NAME.sub("", between[1], count=1)]
    # Blanks go in code: a pattern for "blanks, then a mention" takes seconds on a message of blanks.
    bare = "".join([*(piece.rstrip(" \t") for piece in between[:-1]), between[-1]])
    return _plain(BRACKET.sub(_words, bare)).strip() or (name if addressed else "")


def harmless(text: str) -> str:
    """Markdown in which nobody is called; what is written first never changes by what follows."""
    return CALL.sub(APART, text)


def harmless_and_short(text: str) -> str:
    """The same, no longer than ``text``: for one that consists of calls."""
    return CALL.sub("‹", text)


def escaped(text: str) -> str:
    """Text that Slack shows as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def head(text: str, limit: int) -> str:
    """The beginning of ``text`` that fits, with "…" where something is missing."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _words(bracket: re.Match[str]) -> str:
    target, _, label = bracket[1].partition("|")
    match target[:1]:
        case "@":
            return f"@{label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return _special(target, label)
    address = target.removeprefix("mailto:")
    return f"{label} ({address})" if label and label not in (address, target) else address


def _special(target: str, label: str) -> str:
    """``<!here>``, ``<!subteam^S1|@team>``, ``<!date^…|yesterday>``."""
    if label:
        return label
    return f"@{target[1:].partition('^')[0]}"
