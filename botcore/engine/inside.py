"""What runs inside every process of vLLM: a plugin of vLLM's own kind. Standard library only.

`install_inside` writes it, and the norms beside it, into a directory that the server finds by PYTHONPATH. The directory
holds nothing else: were this package itself on that path, ``import vllm`` would find ours.
"""

import contextlib
import ctypes
import importlib
import os
import platform
import threading
import time
from pathlib import Path

__all__ = ["install_inside", "plugin"]

NAME, NORMS = "botcore_inside", "botcore_norms"
SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA = 158, 0x1023, 18


def plugin() -> None:
    """Called by vLLM in its server, EngineCore and workers, before a model is loaded."""
    _allow_amx()
    _quicken_norms()
    # The last net: should guard and bot be killed in one blow, each process ends by itself within two seconds.
    threading.Thread(target=_end_with_the_guard, name="botcore-watch", daemon=True).start()


def _allow_amx() -> None:
    """Ask Linux for the AMX tile registers, which a process may not touch before it has asked.

    vLLM 0.32's attention uses them wherever the processor has them and leaves the asking to oneDNN, which does it only
    for matrices large enough: with a small model EngineCore died of an illegal instruction at its first token.
    """
    if platform.machine() == "x86_64" and platform.system() == "Linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)


def _quicken_norms() -> None:
    with contextlib.suppress(Exception):  # in another vLLM than that of our locks these names mean something else
        importlib.import_module(NORMS).use_kernels()


def _end_with_the_guard() -> None:
    """The guard leads our session: its id is no other process's while one of us lives."""
    guard = os.getsid(0)
    while True:
        try:
            os.kill(guard, 0)
        except ProcessLookupError:
            os._exit(1)
        except PermissionError:
            return
        time.sleep(1)  # noqa: TID251 -- no clock of the bot in here


def install_inside(directory: Path) -> Path:
    """Write the plugin into ``directory`` and return it: what PYTHONPATH has to name."""
    info = directory / f"{NAME}-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    here = Path(__file__)
    for name, source in ((NAME, here), (NORMS, here.parent / "_inside" / "norms.py")):
        (directory / f"{name}.py").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[vllm.general_plugins]\n{NAME} = {NAME}:plugin\n", encoding="utf-8")
    return directory
