"""How much this machine holds: memory, cores, GPU. Nothing is kept between two looks."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.child import members_of
from botcore.ram import LIMITS, MEMINFO, memory, numbers

__all__ = ["GIB", "Room", "cores", "gib", "gpu", "has_room_for_two", "room"]

GIB: int = 1 << 30
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


def has_room_for_two(group: int, meminfo: Path = MEMINFO, limits: Path = LIMITS) -> bool:
    """Whether a second server like this process group fits into the memory that is free now."""
    _, available = memory(meminfo, limits)
    return 0 < MARGIN * _resident(group) < available


def _resident(group: int) -> int:
    """Bytes of a process group, shared pages counted each time."""
    return sum(numbers(Path(f"/proc/{process}/status")).get("VmRSS:", 0) * 1024 for process in members_of(group))


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
