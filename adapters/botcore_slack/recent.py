"""What was noted last, up to a bound: the oldest note goes first."""

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")
REMEMBERED = 10_000


class Recent(Generic[T]):
    """Notes by key."""

    def __init__(self, size: int = REMEMBERED) -> None:
        self._size = size
        self._notes: OrderedDict[str, T] = OrderedDict()

    def __contains__(self, key: str) -> bool:
        return key in self._notes

    def get(self, key: str) -> T | None:
        """The note, None where there is none."""
        return self._notes.get(key)

    def put(self, key: str, note: T) -> None:
        """Note this, as the newest."""
        self._notes[key] = note
        self._notes.move_to_end(key)
        if len(self._notes) > self._size:
            self._notes.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget this one."""
        self._notes.pop(key, None)
