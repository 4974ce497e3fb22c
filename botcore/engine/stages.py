"""What vLLM's log says about a start, in words for people; and why it ended. Pure: lines in, words out."""

import re
from collections import deque
from dataclasses import dataclass

__all__ = ["Step", "Story", "read_step"]

_PREFIX = re.compile(r"^\(\w+(?: pid=\d+)?\)\s*")
_LEVEL = re.compile(r"^(?:ERROR|CRITICAL|WARNING|INFO)\s+[\d-]+ [\d:]+ (?:\[[^\]]+\]\s*)?")
_SHARDS = re.compile(r"checkpoint shards:\s+(\d+)% Completed")
_RAISED = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?(\w*(?:Error|Exception|Exit|Interrupt)|Fatal Python error): (.+)")
_MEMORY = re.compile(
    r"out of memory|cannot allocate memory|MemoryError|not enough memory|No available memory", re.IGNORECASE
)
_EMPTY = re.compile(
    r"See (?:root cause|stack trace)|Engine core initialization failed|shutdown|cancelled", re.IGNORECASE
)
REASON_LIMIT = 300

_STEPS = (
    ("non-default args", "reading the model's settings", 0.1),
    ("Initializing a V1 LLM engine", "starting the engine core", 0.3),
    ("Starting to load model", "loading the weights", 0.6),
    ("Loading weights took", "weights loaded", 0.75),
    ("KV cache size", "laying out the KV cache", 0.8),
    ("init engine (", "engine core ready", 0.9),
    ("Starting vLLM server on", "opening the socket", 0.95),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where a start has come to."""

    detail: str
    progress: float


def read_step(line: str) -> Step | None:
    """The step a log line announces, None for all others."""
    if shards := _SHARDS.search(line):
        return Step(detail=f"loading the weights, {shards[1]} %", progress=round(0.6 + 0.15 * int(shards[1]) / 100, 2))
    for mark, detail, progress in _STEPS:
        if mark in line:
            return Step(detail=detail, progress=progress)
    return None


class Story:
    """The end of a log: enough to say why a server died."""

    def __init__(self, keep: int = 60) -> None:
        self._lines: deque[str] = deque(maxlen=keep)
        self._raised = ""
        self._memory = ""

    def add(self, line: str) -> None:
        """Remember one line."""
        text = _LEVEL.sub("", _PREFIX.sub("", line.rstrip())).strip()
        if not text:
            return
        self._lines.append(text)
        if (found := _RAISED.match(text)) and not _EMPTY.search(found[2]):
            self._raised = f"{found[1]}: {found[2]}"
        if _MEMORY.search(text):
            self._memory = text

    def outlived(self) -> None:
        """It works in spite of all that was raised so far: none of that is why it ends later."""
        self._raised = self._memory = ""

    @property
    def cause(self) -> str:
        """What vLLM itself named as the reason, empty where it named none."""
        return _short(f"out of memory: {self._memory}" if self._memory else self._raised)

    def reason(self, code: int | None) -> str:
        """Why the server ended, in one line; ``code`` as `subprocess` gives it, or 128 + signal."""
        if self.cause:
            return self.cause
        signal = -code if code and code < 0 else code - 128 if code and code > 128 else 0
        if signal == 9:
            return "killed by signal 9: the system ran out of memory, or somebody killed it"
        if signal:
            return f"ended by signal {signal}"
        return _short(f"exit code {code}" + (f" after: {self._lines[-1]}" if self._lines else ""))


def _short(text: str) -> str:
    return text if len(text) <= REASON_LIMIT else text[: REASON_LIMIT - 1] + "…"
