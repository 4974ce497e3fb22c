"""Who imports whom, and what an import costs: contracts hold, a breach is noticed, and the front doors are light."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import PACKAGES, ROOT, SHELF_PACKAGES

HEAVY = {"aiohttp", "alembic", "numpy", "openai", "psycopg", "slack_sdk", "sqlalchemy", "telegram", "torch", "vllm"}
LINT = Path(sys.executable).with_name("lint-imports")

PLANTS = {
    "botcore/messages.py": ("import botcore.turn", "one direction"),
    "botcore/ports/bot.py": (
        "import typing\nif typing.TYPE_CHECKING:\n    from botcore.bot import Bot",
        "one direction",
    ),
    "botcore/router.py": ("import botcore_qa", "no plugin and no channel"),
    "botcore/prompt.py": ("import torch", "No torch"),
    "plugins/botcore_qa/__init__.py": ("import botcore_textgen", "do not know each other"),
    "adapters/botcore_web/__init__.py": ("import botcore.store", "front door"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, to be spoilt."""
    for shelf in ("botcore", "plugins", "adapters"):
        ignored = shutil.ignore_patterns("__pycache__", "static", "*.safetensors")
        shutil.copytree(ROOT / shelf, tmp_path / shelf, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> tuple[int, str]:
    paths = os.pathsep.join(str(tree / shelf) for shelf in ("", "plugins", "adapters"))
    environ = os.environ | {"PYTHONPATH": paths, "COLUMNS": "200"}
    done = subprocess.run([LINT, "--no-logo", "--no-cache"], cwd=tree, env=environ, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_import_contracts_hold(copy: Path) -> None:
    status, said = lint(copy)
    assert status == 0, said


@pytest.mark.parametrize("file", PLANTS)
def test_a_planted_violation_is_caught(copy: Path, file: str) -> None:
    line, contract = PLANTS[file]
    with (copy / file).open("a") as module:
        module.write(f"\n{line}\n")
    status, said = lint(copy)
    broken = [name for name in said.splitlines() if "BROKEN" in name]
    assert status == 1
    assert any(contract in name for name in broken), said


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    assert loaded(f"import {package}") & HEAVY == set()


def test_the_pytest_plugin_loads_nothing_until_it_is_used() -> None:
    assert loaded("import pytest, botcore.testing.plugin") & (HEAVY | {"pydantic", "typer", "hypothesis"}) == set()


def test_help_loads_nothing_heavy() -> None:
    help_text = "import runpy, sys; sys.argv = ['botcore', '--help']; runpy.run_module('botcore', run_name='__main__')"
    assert loaded(f"try:\n    {help_text}\nexcept SystemExit as end:\n    assert not end.code") & HEAVY == set()


def test_the_shelves_hold_packages_only() -> None:
    for shelf in ("plugins", "adapters"):
        others = {entry.name for entry in (ROOT / shelf).iterdir() if not entry.is_dir()}
        assert others <= {"README.md"}
    assert SHELF_PACKAGES


def loaded(code: str) -> set[str]:
    """The top-level modules in memory after running the code in a fresh Python."""
    tell = "import sys; sys.stderr.write('\\nMODULES ' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("MODULES ")[2].split())
