"""How a child of training speaks: one line an event on standard output (`botcore.training.progress`)."""

import sys
from typing import Any

from botcore.training.progress import encode

__all__ = ["failed", "say"]


def say(event: str, **fields: Any) -> None:
    """Say it now: somebody is listening."""
    sys.stdout.write(encode(event, **fields) + "\n")
    sys.stdout.flush()


def failed(reason: str) -> int:
    """Say why it ends without a result; the exit code."""
    say("end", state="failed", reason=reason)
    return 1
