"""What a person who installs the wheel gets: our packages, every file of them, nothing else, and a bot that starts."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.house.tree import PACKAGES, ROOT, tracked

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the wheel, and this environment's libraries, but not the checkout."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
    # A .pth file names one more folder, and .pth files found there are not followed: the checkout stays out.
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    Path(packages.strip(), "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_top_level_lists_only_our_packages(names: set[str]) -> None:
    top = {PurePosixPath(name).parts[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


def test_every_file_of_a_package_ships(names: set[str]) -> None:
    shelves = ("plugins", "adapters")
    expected = {"/".join(path.parts[path.parts[0] in shelves :]) for path in tracked("botcore", *shelves)}
    expected |= {f"botcore/{path}" for path in tracked("config")}
    missing = expected - names - {"README.md"}
    assert missing == set()


def test_nothing_else_ships(names: set[str]) -> None:
    kinds = {PurePosixPath(name).suffix for name in names}
    assert ".pyc" not in kinds
    assert not [name for name in names if "local.toml" in name or name.endswith(".env")]


def test_the_installed_command_answers(installed: Path, tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("BOTCORE_", "PYTHON"))}
    run = {"cwd": tmp_path, "env": environ, "capture_output": True, "text": True}
    where = subprocess.run([installed, "-c", "import botcore; print(botcore.__file__)"], **run)  # type: ignore[call-overload]
    assert str(installed.parents[1]) in where.stdout
    for arguments in (["--help"], ["version"], ["config", "show"]):
        done = subprocess.run([installed.with_name("botcore"), *arguments], **run)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr
