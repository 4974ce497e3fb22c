"""Whether vLLM can be installed on this computer: system, processor, disk, GPU. Knows no packages."""

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.room import gpu

__all__ = ["Machine", "existing", "flags", "look", "refusal"]

NEEDED_GB = 4.0
"""The finished environment takes 3.3 GB, and one wheel more while it is unpacked."""
PYTHONS = ((3, 11), (3, 13))
ELSEWHERE = 'use another server: engine.kind = "openai" and engine.base_url = "http://host:8000/v1"'


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
    return Machine(
        system=platform.system(),
        processor=platform.machine(),
        libc=platform.libc_ver()[0],
        python=(sys.version_info.major, sys.version_info.minor),
        flags=flags(),
        free_gb=shutil.disk_usage(existing(where)).free / 1e9,
        can_make_environments=importlib.util.find_spec("ensurepip") is not None,
        gpu=gpu()[0],
    )


def refusal(machine: Machine) -> str:
    """Why vLLM cannot be installed here, with the next step; empty where it can."""
    (oldest, newest), have = PYTHONS, "{}.{}".format(*machine.python)
    if machine.system != "Linux" or machine.processor not in ("x86_64", "AMD64"):
        this = f"{machine.system} on {machine.processor}"
        return f"vLLM has packages for Linux on x86-64, and this is {this}; {ELSEWHERE}"
    if machine.libc != "glibc":
        return f"vLLM's packages need glibc, and this system has {machine.libc or 'another C library'}; {ELSEWHERE}"
    if not oldest <= machine.python <= newest:
        return f"the engine needs Python 3.11 to 3.13, and this is {have}; install one of those and set engine.python"
    if not machine.gpu and machine.flags and "avx2" not in machine.flags:
        return f"vLLM on a CPU needs AVX2, which this processor lacks; {ELSEWHERE}"
    if not machine.can_make_environments:
        return f"this Python has no ensurepip, so no pip; on Debian and Ubuntu: sudo apt-get install python{have}-venv"
    if machine.free_gb < NEEDED_GB:
        free = f"{machine.free_gb:.1f} GB are free"
        return f"the engine needs {NEEDED_GB:g} GB of disk, and {free}; make room, then run: botcore engine install"
    return ""


def flags() -> frozenset[str]:
    """The processor's features, as /proc/cpuinfo calls them; none where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return next((frozenset(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), frozenset())


def existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    path = path.absolute()
    while not path.is_dir():
        path = path.parent
    return path
