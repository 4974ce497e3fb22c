"""How much this machine holds: memory, cores, GPU. A container's limit counts; nothing is kept between two looks."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.child import members_of

__all__ = ["GIB", "Room", "cores", "gib", "gpu", "has_room_for_two", "memory", "room"]

GIB: int = 1 << 30
MEMINFO, LIMITS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
MARGIN = 1.2
"""A second server like the first may take this much of what that one has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What this machine has, bytes."""

    memory: int
    """All of it that this process may use, a container's limit included."""
    available: int
    cores: int
    gpu: str = ""
    gpu_memory: int = 0

    @property
    def in_cores(self) -> str:
        """``4 cores``, ``1 core``."""
        return f"{self.cores} core{'s' * (self.cores != 1)}"

    @property
    def words(self) -> str:
        """One line for people."""
        gpu = f"{self.gpu} with {gib(self.gpu_memory)}" if self.gpu_memory else "no GPU"
        return f"{gib(self.available)} of {gib(self.memory)} memory free, {self.in_cores}, {gpu}"


def room() -> Room:
    """This machine now. Blocks up to 10 s where a GPU driver hangs."""
    total, available = memory()
    name, gpu_memory = gpu()
    return Room(memory=total, available=available, cores=cores(), gpu=name, gpu_memory=gpu_memory)


def memory(meminfo: Path = MEMINFO, limits: Path = LIMITS) -> tuple[int, int]:
    """(all, available) bytes."""
    known = _numbers(meminfo)
    total, available = known.get("MemTotal:", 0) * 1024, known.get("MemAvailable:", 0) * 1024
    if not total:  # not Linux: count all of it as available
        total = available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, used = (_numbers(limits / name).get("", 0) for name in ("memory.max", "memory.current"))
    if not limit:
        return total, available
    used -= _numbers(limits / "memory.stat").get("inactive_file", 0)  # files that were read: they give way
    return min(total, limit), min(available, max(0, limit - used))


def has_room_for_two(group: int, meminfo: Path = MEMINFO, limits: Path = LIMITS) -> bool:
    """Whether a second server like this process group fits into the memory that is free now."""
    _, available = memory(meminfo, limits)
    return 0 < MARGIN * _resident(group) < available


def _resident(group: int) -> int:
    """Bytes of a process group, shared pages counted each time."""
    return sum(_numbers(Path(f"/proc/{process}/status")).get("VmRSS:", 0) * 1024 for process in members_of(group))


def _numbers(file: Path) -> dict[str, int]:
    """What a file of the kernel's counts, by the word before each number, "" = none; empty where there is no file."""
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return {}
    pairs = (("", *words) if len(words) == 1 else words for words in lines if words)
    return {name: int(number) for name, number, *_ in pairs if number.isdecimal()}


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpu() -> tuple[str, int]:
    """Name and bytes of the first NVIDIA GPU; "" = none, or its driver does not answer; 0 = it does not say."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return "", 0
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        name, _, megabytes = (part.strip() for part in said.partition("\n")[0].rpartition(","))
    except (OSError, subprocess.SubprocessError):
        return "", 0
    return name, int(megabytes) << 20 if megabytes.isdecimal() else 0


def gib(count: float) -> str:
    """Bytes of memory as people read them."""
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / (1 << 20):.0f} MiB"
