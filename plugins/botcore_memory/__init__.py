"""The `memory` plugin: what was said before in this conversation, and nowhere else."""

from botcore_memory.plugin import Memory, MemorySettings

__all__ = ["Memory", "MemorySettings"]
