"""Vectors as plain functions: what may be asked for at once, and numbers made one unit long. No I/O."""

import math
from array import array
from collections.abc import Iterable, Sequence

from botcore.ports.encoder import MOST

__all__ = ["counted", "unit"]


def counted(texts: Sequence[str]) -> Sequence[str]:
    """The same texts. Raises `ValueError` where they are too many for one call."""
    if len(texts) > MOST:
        raise ValueError(f"encode takes at most {MOST} texts at once, not {len(texts)}")
    return texts


def unit(numbers: Iterable[float]) -> "array[float]":
    """The vector of length 1 in this direction. Raises `ValueError` where it has none."""
    vector = array("f", numbers)
    length = math.hypot(*vector)
    if not 0 < length < math.inf:
        raise ValueError("numbers without a direction: all are 0, or one is not finite")
    return array("f", (number / length for number in vector))
