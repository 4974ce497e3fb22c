"""How much memory this process may use. A container's limit counts; the standard library alone, for trainers too."""

import os
from pathlib import Path

__all__ = ["LIMITS", "MEMINFO", "memory", "numbers"]

MEMINFO, LIMITS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def memory(meminfo: Path = MEMINFO, limits: Path = LIMITS) -> tuple[int, int]:
    """(all, available) bytes."""
    known = numbers(meminfo)
    total, available = known.get("MemTotal:", 0) * 1024, known.get("MemAvailable:", 0) * 1024
    if not total:  # not Linux: count all of it as available
        total = available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit, used = (numbers(limits / name).get("", 0) for name in ("memory.max", "memory.current"))
    if not limit:
        return total, available
    used -= numbers(limits / "memory.stat").get("inactive_file", 0)  # files that were read: they give way
    return min(total, limit), min(available, max(0, limit - used))


def numbers(file: Path) -> dict[str, int]:
    """What a file of the kernel's counts, by the word before each number, "" = none; empty where there is no file."""
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return {}
    pairs = (("", *words) if len(words) == 1 else words for words in lines if words)
    return {name: int(number) for name, number, *_ in pairs if number.isdecimal()}
