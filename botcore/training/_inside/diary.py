"""What a run writes down on its way: its curve and its samples, and how fast it goes."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botcore.clock import SystemClock
from botcore.newfile import new_file

__all__ = ["Diary", "Meter"]


class Meter:
    """How fast this sitting goes, and how long the rest will take."""

    def __init__(self, step: int, tokens: int) -> None:
        self._step = step
        self._tokens = tokens
        self._clock = SystemClock()
        self._began = self._clock.monotonic()

    def read(self, step: int, tokens: int, after: float) -> dict[str, float]:
        """``speed`` in tokens a second, ``left`` in seconds."""
        spent = max(1e-9, self._clock.monotonic() - self._began)
        steps_left = step * (1 - after) / after
        return {"speed": (tokens - self._tokens) / spent, "left": steps_left * spent / (step - self._step)}


class Diary:
    """The run's files of JSON lines."""

    def __init__(self, folder: Path, *, writes: bool) -> None:
        self._folder = folder
        self._writes = writes

    def note(self, name: str, **fields: Any) -> None:
        """Add a line to the file of this name."""
        if self._writes:
            with (self._folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def keep(self, name: str, lines: Sequence[str]) -> None:
        """Let the file of this name hold these lines and no others."""
        with new_file(self._folder / f"{name}.jsonl", force=True) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def forget_after(self, step: int) -> None:
        """Leave out what lies after the state that the run goes on from: it is about to be done again."""
        for name in ("metrics", "samples") if self._writes else ():
            file = self._folder / f"{name}.jsonl"
            if file.is_file():
                lines = file.read_text(encoding="utf-8").split("\n")  # a text may hold other ends of lines
                self.keep(name, [line for line in lines if _step_of(line) <= step])


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # cut short by a kill
        return math.inf
