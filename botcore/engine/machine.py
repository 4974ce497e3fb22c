"""What this computer can run: processor, memory, disk, GPU. Reads /proc; knows no packages."""

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.room import gpu

__all__ = ["Machine", "has_room_for_two", "look", "refusal"]

NEEDED_GB = 4.0
"""The finished environment takes 3.3 GB, and one wheel more while it is unpacked."""
PYTHONS = ((3, 11), (3, 13))
ELSEWHERE = 'or use another server: engine.kind = "openai" and engine.base_url = "http://host:8000/v1"'
MARGIN = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides whether, and which, vLLM can be installed."""

    system: str
    processor: str
    libc: str
    python: tuple[int, int]
    flags: frozenset[str]
    """The processor's features, as /proc/cpuinfo calls them."""
    free_gb: float
    """GB left where the environment goes."""
    can_make_environments: bool
    """This Python has ensurepip."""
    gpu: str = ""
    """The first NVIDIA GPU's name; empty = none, or its driver does not answer."""


def look(where: Path) -> Machine:
    """This machine; ``where`` is the directory the environment goes to. Blocks up to 10 s where a GPU driver hangs."""
    import importlib.util

    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        libc=platform.libc_ver()[0],
        python=(sys.version_info.major, sys.version_info.minor),
        flags=_flags(),
        free_gb=shutil.disk_usage(_existing(where)).free / 1e9,
        can_make_environments=importlib.util.find_spec("ensurepip") is not None,
        gpu=gpu()[0],
    )


def refusal(machine: Machine) -> str:
    """Why vLLM cannot be installed here, with the next step; empty where it can."""
    oldest, newest = PYTHONS
    if machine.system != "Linux" or machine.processor not in ("x86_64", "AMD64"):
        return f"vLLM has packages for Linux on x86-64, and this is {machine.system} on {machine.processor}; {_use()}"
    if machine.libc != "glibc":
        return f"vLLM's packages need glibc, and this system has {machine.libc or 'another C library'}; {_use()}"
    if not oldest <= machine.python <= newest:
        have = "{}.{}".format(*machine.python)
        return f"the engine needs Python 3.11 to 3.13, and this is {have}; install one of those and set engine.python"
    if not machine.gpu and machine.flags and "avx2" not in machine.flags:
        return f"vLLM on a CPU needs AVX2, which this processor lacks; {_use()}"
    if not machine.can_make_environments:
        version = "{}.{}".format(*machine.python)
        return (
            f"this Python has no ensurepip, so no pip; on Debian and Ubuntu: sudo apt-get install python{version}-venv"
        )
    if machine.free_gb < NEEDED_GB:
        return (
            f"the engine needs {NEEDED_GB:g} GB of disk, and {machine.free_gb:.1f} GB are free; {_again('make room')}"
        )
    return ""


def _use() -> str:
    return ELSEWHERE.removeprefix("or ")


def _again(what: str) -> str:
    return f"{what}, then run: botcore engine install"


def has_room_for_two(group: int) -> bool:
    """Whether a second server like this process group fits into the memory that is free now."""
    free = _kilobytes(Path("/proc/meminfo"), "MemAvailable")
    return free > MARGIN * _resident(group) if free else False


def _resident(group: int) -> int:
    """KiB of a process group, shared pages counted each time."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            total += _kilobytes(process / "status", "VmRSS") if int(fields[2]) == group else 0
        except (OSError, IndexError, ValueError):
            continue
    return total


def _kilobytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return next((frozenset(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), frozenset())


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
