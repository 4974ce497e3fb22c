"""Where an engine's socket lives, and that only one engine lives there. What a killed bot left is cleared away here."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botcore.engine.child import kill_group, members_of
from botcore.errors import EngineUnavailable

__all__ = ["CURRENT", "engine_home", "notes_in"]

CURRENT = "engine.sock"
"""Always leads to the socket that serves now: another process may use it with ``base_url = "unix://…"``."""
SOCKET_PATH_LIMIT = 100
"""Bytes: a unix socket's path ends at 107 on Linux, 103 on macOS."""


@contextmanager
def engine_home(data_dir: Path) -> Iterator[Path]:
    """A private directory for sockets, ours alone while inside. `EngineUnavailable` where another process has it."""
    home = notes_in(data_dir)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    with _only_one(home / "engine.lock", data_dir):
        _clear(home)
        if len(bytes(home / "engine-99.sock")) < SOCKET_PATH_LIMIT:
            yield home
            return
        with tempfile.TemporaryDirectory(prefix="botcore-") as short:
            yield Path(short)


@contextmanager
def _only_one(path: Path, data_dir: Path) -> Iterator[None]:
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise EngineUnavailable(
                f"process {file.read().strip() or '?'} runs the engine of {data_dir}; "
                'use it from here with engine.kind = "openai", or give this bot a bot.data_dir of its own'
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def notes_in(data_dir: Path) -> Path:
    """Where the process groups of running servers are noted (`Launch.notes`)."""
    return data_dir.resolve() / "run"


def _clear(home: Path) -> None:
    """End what an earlier run left behind: only processes of a noted group that are still vLLM's."""
    for note in home.glob("*.group"):
        if note.stem.isdecimal() and _is_vllm(int(note.stem)):
            kill_group(int(note.stem))
        note.unlink(missing_ok=True)
    for socket in home.glob("*.sock"):
        socket.unlink(missing_ok=True)


def _is_vllm(group: int) -> bool:
    """Whether some process of this group is vLLM's: group ids are used again."""
    for process in members_of(group):
        with contextlib.suppress(OSError):
            if b"vllm" in Path(f"/proc/{process}/cmdline").read_bytes().lower():
                return True
    return False
