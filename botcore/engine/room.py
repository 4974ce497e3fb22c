"""How much this machine holds: memory, cores, GPU. A container's limit counts; nothing is kept between two looks."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from botcore.engine.command import cores

__all__ = ["GIB", "Room", "gib", "gpu", "room"]

GIB: int = 1 << 30
MEMINFO, GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


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
    memory, available = _memory()
    name, gpu_memory = gpu()
    return Room(memory=memory, available=available, cores=cores(), gpu=name, gpu_memory=gpu_memory)


def _memory(proc: Path = MEMINFO, group: Path = GROUP) -> tuple[int, int]:
    """(all, available) bytes."""
    try:
        lines = dict(line.split(":", 1) for line in proc.read_text(encoding="ascii").splitlines())
        total, available = (int(lines[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):  # not Linux: count all of it as available
        total = available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    return (min(total, limit), min(available, max(0, limit - used))) if limit else (total, available)


def _number(file: Path) -> int:
    """Of a control group's file; 0 where there is none or no limit."""
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


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
