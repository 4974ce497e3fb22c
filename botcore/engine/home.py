"""Where a server's socket lives, and that only one lives there. What a killed bot left is cleared away here."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from botcore.engine.child import kill_group, members_of
from botcore.errors import EngineUnavailable
from botcore.lockfile import lock

__all__ = ["CURRENT", "Which", "home_of", "notes_in", "scratch_in"]

Which = Literal["engine", "encoder"]
"""What a server is for. Each has a home of its own: neither clears away what is the other's."""

CURRENT = "engine.sock"
"""Always leads to the socket that serves now: another process may use it with ``base_url = "unix://…"``."""
SOCKET_PATH_LIMIT = 100
"""Bytes: a unix socket's path ends at 107 on Linux, 103 on macOS."""
SCRATCH = "tmp"
LONGEST_NAME = 36
"""Characters of a UUID: as such vLLM names the sockets between its processes."""


@contextmanager
def home_of(which: Which, data_dir: Path) -> Iterator[Path]:
    """A private directory for sockets, ours alone while inside. `EngineUnavailable` where another process has it."""
    home = notes_in(data_dir, which)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    with _only_one(home / f"{which}.lock", which, data_dir):
        _clear(home)
        with _short(home, f"{which}-99.sock") as home:
            (home / SCRATCH).mkdir(exist_ok=True)
            yield home


@contextmanager
def _short(home: Path, socket: str) -> Iterator[Path]:
    """The home, or where a socket's path there were too long a folder that is."""
    if len(bytes(home / socket)) < SOCKET_PATH_LIMIT:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="botcore-") as short:
        yield Path(short)


@contextmanager
def _only_one(path: Path, which: Which, data_dir: Path) -> Iterator[None]:
    with path.open("a+", encoding="ascii") as file:
        if not lock(file):
            file.seek(0)
            who = file.read().strip() or "?"
            otherwise = 'use it from here with engine.kind = "openai", or ' if which == "engine" else ""
            raise EngineUnavailable(
                f"process {who} runs the {which} of {data_dir}; {otherwise}give this bot a bot.data_dir of its own"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def notes_in(data_dir: Path, which: Which = "engine") -> Path:
    """Where the process groups of running servers are noted (`Launch.notes`)."""
    run = data_dir.resolve() / "run"
    return run if which == "engine" else run / which


def scratch_in(home: Path) -> Path | None:
    """A folder for temporary files, emptied whenever somebody moves in; none where sockets could not lie in it.

    vLLM leaves a file there at each start, and when it is killed its sockets.
    """
    scratch = home / SCRATCH
    return scratch if len(bytes(scratch)) + 1 + LONGEST_NAME < SOCKET_PATH_LIMIT else None


def _clear(home: Path) -> None:
    """End what an earlier run left behind: only processes of a noted group that are still vLLM's."""
    for note in home.glob("*.group"):
        if note.stem.isdecimal() and _is_vllm(int(note.stem)):
            kill_group(int(note.stem))
        note.unlink(missing_ok=True)
    for socket in home.glob("*.sock"):
        socket.unlink(missing_ok=True)
    shutil.rmtree(home / SCRATCH, ignore_errors=True)


def _is_vllm(group: int) -> bool:
    """Whether some process of this group is vLLM's: group ids are used again."""
    for process in members_of(group):
        with contextlib.suppress(OSError):
            if b"vllm" in Path(f"/proc/{process}/cmdline").read_bytes().lower():
                return True
    return False
