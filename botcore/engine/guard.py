"""Stands between the bot and vLLM's server so that neither outlives the other's death by mistake.

    bot ── pipe ──> guard (own session) ──> server (own process group) ──> EngineCore, workers

The bot starts this file with the engine's Python: ``python -I guard.py COMMAND…``. Its standard input is a pipe that
the bot holds open and never writes to: its end is the bot's death, however it died. EngineCore survives its server and
ignores SIGTERM, so whatever ends, the whole group is killed, and then whatever has left it: that would keep the guard
from its end, and memory from the next server. Only the standard library, and nothing of botcore, is imported: it runs
in another environment.

    what happens               what the guard does
    the server exits           kill the group, exit with the server's code (128 + signal)
    SIGTERM or SIGINT to it    SIGTERM to the server, after GRACE seconds kill the group
    the pipe ends              kill the group at once
    the guard itself is killed the kernel kills the server (PR_SET_PDEATHSIG); the bot kills the group
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

STARTED = "botcore-guard: server"
"""The first line of the output: this, and the server's process id, which is its group's id too."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL: vLLM without requests in flight takes 0.4 s."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    """Run ``command`` until it, its owner or the guard is told to end; its exit code."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake = _signals()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_in_a_group_that_dies_with(os.getpid()))
    try:
        sys.stdout.write(f"{STARTED} {server.pid}\n")
        sys.stdout.flush()
        _wait(server, wake)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
    code = server.wait()
    _end_orphans()
    return code if code >= 0 else 128 - code


def _wait(server: "subprocess.Popen[bytes]", wake: int) -> None:
    """Return when the group is to be killed."""
    deadline: float | None = None
    while server.poll() is None:
        left = None if deadline is None else deadline - time.monotonic()  # noqa: TID251 -- no clock of the bot here
        if left is not None and left <= 0:
            return
        ready, _, _ = select.select([sys.stdin.fileno(), wake], [], [], left)
        if sys.stdin.fileno() in ready and not os.read(sys.stdin.fileno(), 4096):
            return
        signals = os.read(wake, 64) if wake in ready else b""
        if deadline is None and _told_to_end(signals):
            server.terminate()
            deadline = time.monotonic() + GRACE  # noqa: TID251


def _told_to_end(signals: bytes) -> bool:
    return signal.SIGTERM in signals or signal.SIGINT in signals


def _signals() -> int:
    """A descriptor that becomes readable, with the signals' numbers, for each signal that matters."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _in_a_group_that_dies_with(guard: int) -> Callable[[], None]:
    def prepare() -> None:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)

    return prepare


def _prctl(option: int, value: int) -> None:
    """Linux only; elsewhere this second net is missing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _end_orphans() -> None:
    """Kill what has left the group, and collect all: what has lost its parent comes to us."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended since
            parent = stat.read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                yield int(stat.parent.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
