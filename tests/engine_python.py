"""The engine's Python, which has vLLM, torch and TRL, and the mark of the tests that start it."""

import os
from pathlib import Path

import pytest

from botcore.engine.environment import PROJECT

__all__ = ["MISSING", "PYTHON", "needs_engine"]

PYTHON: Path = Path(os.environ.get("BOTCORE_TEST_ENGINE_PYTHON") or PROJECT / ".venv-engine" / "bin" / "python")
MISSING: str = f"no engine at {PYTHON}: botcore engine install, or name one in BOTCORE_TEST_ENGINE_PYTHON"

needs_engine: pytest.MarkDecorator = pytest.mark.skipif(not PYTHON.exists(), reason=MISSING)
