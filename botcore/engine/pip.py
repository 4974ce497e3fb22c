"""pip's words: what a lock asks for, how far an installation is, why it failed. Pure: text in, records out."""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Pins", "PipProgress", "Report", "missing", "normal", "read_lock", "why_pip_failed"]

Report = Callable[[str, float | None], None]
"""What is being done, and how much of it is done (0 to 1, None = unknown)."""

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)[ \t]*(;[^\\\n]*)?", re.MULTILINE)
_COLLECT = re.compile(r"^(?:Collecting |Processing (?:\S*/)?)([A-Za-z0-9][\w.]*(?:-[A-Za-z][\w.]*)*)")
_HAVE = re.compile(r"^Requirement already satisfied: ([A-Za-z0-9][\w.-]*)")
_FETCH = re.compile(r"^\s+Downloading (\S+) \(([\d.]+) (kB|MB|GB)\)")
_NAME = re.compile(r"[-_.]+")
UNPACKING = 0.7
"""Of the whole, fetching is this much; then pip unpacks without a word (a third of the time from a near mirror)."""
MEGABYTES = {"kB": 0.001, "MB": 1.0, "GB": 1000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What a lock names."""

    always: Mapping[str, str]
    """Normalised name to version."""
    sometimes: frozenset[str] = frozenset()
    """Names with a condition on Python or platform."""

    @property
    def count(self) -> int:
        """How many packages pip will look at."""
        return len(self.always) + len(self.sometimes)


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return _NAME.sub("-", name).lower()


def read_lock(text: str) -> Pins:
    """The pins of a requirements file."""
    found = _PIN.findall(text)
    always = {normal(name): version for name, version, condition in found if not condition}
    return Pins(
        always=always, sometimes=frozenset(normal(name) for name, _, condition in found if condition) - set(always)
    )


def missing(pins: Pins, installed: Mapping[str, str]) -> list[str]:
    """Names of unconditional pins that are absent or have another version (a local part like +cpu does not count)."""
    return [
        name
        for name, version in pins.always.items()
        if installed.get(name, "").partition("+")[0] != version.partition("+")[0]
    ]


class PipProgress:
    """Feeds on pip's lines and tells, in words and as a fraction, how far it is."""

    def __init__(self, pins: int, report: Report, *, start: float = 0.0, end: float = 1.0) -> None:
        """``start`` and ``end``: which part of the whole this run of pip is."""
        self._pins = max(1, pins)
        self._report = report
        self._start, self._span = start, end - start
        self._seen = 0
        self._megabytes = 0.0
        self._last = deque[str](maxlen=40)

    def add(self, line: str) -> None:
        """One line of pip's output."""
        self._last.append(line)
        if found := _COLLECT.match(line) or _HAVE.match(line):
            self._seen = min(self._seen + 1, self._pins)
            self._say(f"{found[1]} ({self._seen} of {self._pins}, {self._megabytes:.0f} MB fetched)")
        elif found := _FETCH.match(line):
            size = float(found[2]) * MEGABYTES[found[3]]
            self._megabytes += size
            if size >= 20:
                self._say(f"downloading {found[1].partition('-')[0]}, {size:.0f} MB ({self._seen} of {self._pins})")
        elif line.startswith("Installing collected packages"):
            self._report(
                f"unpacking {self._pins} package{'s' * (self._pins != 1)}",
                round(self._start + self._span * UNPACKING, 2),
            )
        elif line.startswith("Successfully installed"):
            self._report("packages installed", round(self._start + self._span, 2))

    def _say(self, words: str) -> None:
        self._report(words, round(self._start + self._span * UNPACKING * self._seen / self._pins, 2))

    @property
    def reason(self) -> str:
        """Why it failed, from the last lines."""
        return why_pip_failed(list(self._last))


_REASONS = (
    (r"No space left on device", "the disk is full; make room"),
    (r"NewConnectionError|Failed to establish|Temporary failure in name resolution|Max retries|ConnectTimeout|"
     r"ReadTimeout|ConnectionReset|Network is unreachable|Connection refused|ProxyError",
     "the package index cannot be reached (offline, or a proxy is missing); connect"),
    (r"DO NOT MATCH THE HASHES|HashMismatch", "a downloaded file is not the one that was locked; try another index"),
    (r"is not a supported wheel|No matching distribution|Could not find a version",
     "the index has no such package for this Python and platform"),
    (r"Permission denied", "a directory may not be written to; correct its permissions"),
)  # fmt: skip


def why_pip_failed(lines: list[str]) -> str:
    """Pip's failure as one line: what happened and, in brackets, its own last error."""
    text = "\n".join(lines)
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    own = (errors or [line for line in lines if line.strip()] or [""])[-1][:200]
    for pattern, meaning in _REASONS:
        if re.search(pattern, text):
            return f"{meaning} ({own})" if own else meaning
    return f"pip failed: {own}" if own else "pip failed without a word"
