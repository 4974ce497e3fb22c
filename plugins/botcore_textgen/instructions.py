"""The wording of the writing commands, pure: from what a person typed behind the command to what the model is asked."""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "Kind", "continuing", "topic"]

TOPIC_LIMIT = 500
"""Characters; a topic is a phrase, and a longer one is a text for ``/continue``."""
CONTINUE_LIMIT = 8_000
"""Characters from the end: what is continued is where a text stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of text that is written about a topic."""

    command: Literal["story", "poem", "news"]
    help: str
    wording: str
    """``{}`` is the topic."""
    usual: str
    """The topic where none is named."""

    def instruction(self, argument: str) -> str:
        """What the model is asked to write."""
        return self.wording.format(topic(argument) or self.usual)


KINDS = (
    Kind(
        command="story",
        help="Write a short story: /story a fox",
        wording="Write a short story about {}.",
        usual="a fox",
    ),
    Kind(
        command="poem",
        help="Write a short poem: /poem the sea",
        wording="Write a short poem about {}.",
        usual="the sea",
    ),
    Kind(
        command="news",
        help="Write a short news report: /news a lost parrot",
        wording="Write a short news report about {}.",
        usual="a lost parrot",
    ),
)


def topic(argument: str) -> str:
    """The topic as it fits into a sentence: one line, no "about" before it and no full stop behind it."""
    line = " ".join(argument.split())
    return re.sub(r"^about\s+", "", line, flags=re.IGNORECASE)[:TOPIC_LIMIT].rstrip(" .!?…")


def continuing(text: str) -> str:
    """The instruction to go on with ``text``."""
    return f"Continue this text: {text.strip()[-CONTINUE_LIMIT:]}"
