"""A lock on an open file: whoever holds it is alone with what the file stands for, and a death gives it back."""

import fcntl
from typing import IO

__all__ = ["lock"]


def lock(file: IO[str]) -> bool:
    """Take the lock, which holds until the file is closed; False where another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
