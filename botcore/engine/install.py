"""Makes the engine's own environment: torch, then the hashed lock, by pip. Never runs where vLLM is there already.

Told before it downloads, in words while it works, resumed where it was interrupted (pip keeps what it fetched), one at
a time. Whatever stands in the way is one line with the next step; the bot goes on without an engine meanwhile.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TextIO

from botcore.clock import Clock, SystemClock
from botcore.engine.child import without_secrets
from botcore.engine.environment import (
    LOCKS,
    TORCH,
    Build,
    engine_directory,
    find_engine,
    locked,
    packages_of,
    python_in,
)
from botcore.engine.machine import Machine, look, refusal
from botcore.engine.pip import PipProgress, Report
from botcore.errors import EngineUnavailable
from botcore.lockfile import lock
from botcore.settings import EngineSettings

__all__ = ["announcement", "ensure_engine_environment"]

logger: logging.Logger = logging.getLogger(__name__)

TORCH_CPU = f"torch=={TORCH['torch']}"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
STAMP = ".botcore-engine"
PIP = (
    *("-m", "pip", "--disable-pip-version-check", "--no-input", "install"),
    *("--no-deps", "--no-compile", "--progress-bar", "off"),
)
# Into an empty environment on x86-64 Linux, Python 3.11 (2026-11-23); the CUDA packages were not measured.
LARGE = {"cpu": ("PyTorch 192 MB", "vLLM 133 MB"), "cuda": ("PyTorch", "vLLM 327 MB")}
OTHERS = {"cpu": "about 350 MB", "cuda": "several GB with CUDA's libraries"}


async def ensure_engine_environment(
    settings: EngineSettings, data_dir: Path, report: Report, *, clock: Clock | None = None
) -> Path:
    """The Python that has vLLM, installed first where there is none and ``engine.install`` allows it.

    Raises `EngineUnavailable` with the reason and the next step. Cancelling it ends pip; the next call resumes.
    """
    try:
        return (await find_engine(settings, data_dir)).path
    except EngineUnavailable as error:
        if settings.python:
            raise
        if not settings.install:
            raise EngineUnavailable(f"{error} (engine.install = false)") from None
    directory = engine_directory(data_dir)
    machine = await asyncio.to_thread(look, directory)
    if why := refusal(machine):
        raise EngineUnavailable(why)
    build = build_for(machine)
    async with _alone(directory, report, clock or SystemClock()):
        with _log(data_dir) as log:
            await _Installer(directory, build, report, log).run()
    return (await find_engine(settings, data_dir, python=python_in(directory))).path


def build_for(machine: Machine) -> Build:
    """CUDA where an NVIDIA GPU answers and its lock is shipped, else CPU."""
    return "cuda" if machine.gpu and (LOCKS / "cuda.txt").is_file() else "cpu"


def announcement(build: Build) -> str:
    """What will be downloaded, for people to read before it begins."""
    others = locked(build).count - len(LARGE[build])
    return f"downloading {', '.join(LARGE[build])} and {others} other packages, {OTHERS[build]}"


class _Installer:
    """One installation into one directory."""

    def __init__(self, directory: Path, build: Build, report: Report, log: TextIO) -> None:
        self._directory = directory
        self._build: Build = build
        self._report = report
        self._log = log
        self._python = python_in(directory)
        self._lock = LOCKS / f"{build}.txt"

    async def run(self) -> None:
        """Raises `EngineUnavailable` with the reason; leaves a stamp only when all is done."""
        stamp = self._directory / STAMP
        wanted = hashlib.sha256(self._lock.read_bytes()).hexdigest()
        if stamp.is_file() and stamp.read_text().strip() == wanted:
            return  # the one we waited for did it
        stamp.unlink(missing_ok=True)
        self._report(announcement(self._build), 0.0)
        await self._environment()
        await self._packages()
        await self._compile()
        stamp.write_text(wanted)

    async def _environment(self) -> None:
        """A virtual environment whose pip works: the one that is there, or a new one in its place."""
        if "pip" in await packages_of(self._python):
            return
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        self._report(f"making {self._directory}", 0.0)
        code = await self._call([sys.executable, "-m", "venv", str(self._directory)], lambda _: None)
        if code:
            raise EngineUnavailable(f"cannot make {self._directory}; the reason is at the end of {self._log.name}")

    async def _packages(self) -> None:
        pins, start = locked(self._build).count, 0.0
        if self._build == "cpu":
            start = 0.3
            await self._torch(start)
        progress = PipProgress(pins, self._report, start=start, end=0.9)
        arguments = ["--require-hashes", "-r", str(self._lock)]
        if await self._call([str(self._python), *PIP, *arguments], progress.add):
            raise self._failed(progress)

    async def _torch(self, end: float) -> None:
        """From pip's own configuration (a mirror, a directory of wheels), else from PyTorch's CPU index."""
        for source in ([], ["--extra-index-url", TORCH_INDEX]):
            progress = PipProgress(1, self._report, end=end)
            if await self._call([str(self._python), *PIP, *source, TORCH_CPU], progress.add) == 0:
                return
        raise self._failed(progress)

    async def _compile(self) -> None:
        """All 23,000 modules (300 MB), on every processor: pip would take one."""
        self._report("compiling", 0.9)
        packages = str(self._directory / "lib")
        command = [str(self._python), "-m", "compileall", "-q", "-j", "0", packages]
        await self._call(command, lambda _: None)  # some packages ship a module for another Python: it is left out

    def _failed(self, progress: PipProgress) -> EngineUnavailable:
        return EngineUnavailable(f"vLLM cannot be installed: {progress.reason}; then run: botcore engine install")

    async def _call(self, command: Sequence[str], on_line: Callable[[str], None]) -> int:
        """Run to the end, telling each line; cancelled, the child and its children end first."""
        self._log.write(f"$ {' '.join(command)}\n")
        pipe, null, also = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL, asyncio.subprocess.STDOUT
        child = await asyncio.create_subprocess_exec(
            *command, stdin=null, stdout=pipe, stderr=also, start_new_session=True, env=without_secrets(os.environ)
        )
        assert child.stdout is not None
        try:
            async for raw in child.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                self._log.write(line + "\n")
                on_line(line)
            return await child.wait()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await child.wait()


@asynccontextmanager
async def _alone(directory: Path, report: Report, clock: Clock) -> AsyncIterator[None]:
    """Waits until no other process installs into this directory."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as file:
        while not lock(file):
            report("another process installs the engine; waiting for it", None)
            await clock.sleep(1)
        yield


@contextmanager
def _log(data_dir: Path) -> Iterator[TextIO]:
    path = data_dir.resolve() / "logs" / "engine-install.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as file:
        yield file
