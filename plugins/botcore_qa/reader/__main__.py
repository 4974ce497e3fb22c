"""``python -I -m botcore_qa.reader KIND PARENT MEMORY CPU CHARS < FILE``: one JSON line per part of the document.

The kernel holds it: so much memory (MB) and processor time (s), no file written, no
network, dead when the bot is. The last line is
its end, or why it is refused; where there is none, the kernel ended it.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import IO

from botcore_qa.reader.parts import End, Part, Refusal, Section, to_line

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def main(kind: str, parent: int, memory: int, cpu: int, chars: int) -> None:
    """Read standard input as ``kind`` and tell its parts."""
    _confine(parent, memory, cpu)
    try:
        for part in _within(_format(kind)(sys.stdin.buffer), chars):
            _tell(to_line(part))
    except BrokenPipeError:
        os._exit(1)  # the bot has heard enough
    except Exception as error:
        _tell(json.dumps({"refused": _reason(error, memory)}).encode() + b"\n")


def _confine(parent: int, memory: int, cpu: int) -> None:
    """Whatever the file makes its library do, it ends here and not in the bot."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)  # no network, where the kernel lets everybody give it up
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # behind it: new credentials would undo this
        if os.getppid() != parent:
            os._exit(1)  # the bot died before the line above
        resource.setrlimit(resource.RLIMIT_AS, (memory << 20, memory << 20))  # macOS knows no such limit
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _format(kind: str) -> Callable[[IO[bytes]], Iterator[Part]]:
    if kind == "pdf":
        from botcore_qa.reader.pdf import read
    elif kind == "docx":
        from botcore_qa.reader.docx import read
    else:
        from botcore_qa.reader.html import read
    return read


def _within(parts: Iterator[Part], chars: int) -> Iterator[Part]:
    """The parts, as long as their text stays within ``chars`` characters. Raises `Refusal`, also for no text at all."""
    total = 0
    for part in parts:
        if isinstance(part, Section):
            total += len(part.text)
        if total > chars:
            raise Refusal(f"holds more than {chars} characters of text; split it")
        if isinstance(part, End) and not total:
            raise Refusal("holds no text")
        yield part


def _tell(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _reason(error: Exception, memory: int) -> str:
    if isinstance(error, Refusal):
        return str(error)
    if isinstance(error, MemoryError):
        return f"needs more than {memory} MB of memory to read"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"damaged, or too much to read at once ({type(error).__name__})"  # lxml calls both a syntax error


if __name__ == "__main__":
    main(sys.argv[1], *(int(value) for value in sys.argv[2:6]))
