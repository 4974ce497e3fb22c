"""`scripts/setup.py`: quick when done, taken up again when interrupted, and one clear line when it cannot be done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

NO_SUCH_PACKAGE = "botcore-no-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with one package that does not exist in its lock, and a virtual environment that broke half way."""
    for name in ("scripts", "requirements", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup.py", tmp_path / "scripts")
    for lock in ("core", "dev"):
        (tmp_path / "requirements" / f"{lock}.txt").write_text(NO_SUCH_PACKAGE)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / ".venv" / "bin" / "python").touch()
    return tmp_path


def set_up(tree: Path, *before: str, kind: str = "core") -> subprocess.CompletedProcess[str]:
    """Runs the script after a few lines of preparation in the same process."""
    run = "\n".join(["import runpy, sys", *before, "runpy.run_path(sys.argv[0], run_name='__main__')"])
    code = f"import sys; sys.argv = {[str(tree / 'scripts' / 'setup.py'), kind]}\n{run}"
    environ = os.environ | {"PIP_NO_INDEX": "1", "PATH": "/nowhere"}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)


def stamp(tree: Path, kind: str) -> None:
    """What a finished set-up leaves."""
    code = "import setup, sys; open(setup.stamp_path(sys.argv[1]), 'w').write(setup.fingerprint(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, kind], cwd=tree / "scripts", check=True)


@pytest.mark.parametrize(("done", "asked"), [("core", "core"), ("dev", "dev"), ("dev", "core")])
def test_what_is_done_is_not_done_again(tree: Path, done: str, asked: str) -> None:
    stamp(tree, done)
    result = set_up(tree, kind=asked)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("change", ["requirements/core.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_again(tree: Path, change: str) -> None:
    stamp(tree, "core")
    with (tree / change).open("a") as file:
        file.write("# changed\n")
    assert "ensurepip" in set_up(tree, "sys.modules['ensurepip'] = None").stderr


@pytest.mark.slow
def test_a_half_made_environment_is_made_anew_and_a_failure_leaves_no_stamp(tree: Path) -> None:
    result = set_up(tree)
    assert result.returncode == 1
    assert (tree / ".venv" / "pyvenv.cfg").exists()
    assert not list(tree.glob(".venv/.setup-*"))
    assert "botcore-no-such-package" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tree / "data" / "logs" / "setup.log").read_text()


def test_an_old_python_is_named_with_the_next_step(tree: Path) -> None:
    result = set_up(tree, "sys.version_info = (3, 9, 2, 'final', 0)")
    assert result.returncode == 1
    assert "needs Python 3.11 to 3.13" in result.stderr
    assert "PYTHON=" in result.stderr


def test_a_missing_ensurepip_is_named_with_the_one_apt_line(tree: Path) -> None:
    result = set_up(tree, "sys.modules['ensurepip'] = None")
    assert result.returncode == 1
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_unknown_set_up_is_refused(tree: Path) -> None:
    assert "say core or dev" in set_up(tree, kind="everything").stderr
