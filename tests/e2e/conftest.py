"""A real vLLM behind a real bot; for tests that cut a reply off, with a model that never ends one by itself."""

import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from botcore import starter
from tests.e2e.served import Served

ROOT = Path(__file__).parents[2]
ENGINE = Path(os.environ.get("BOTCORE_TEST_ENGINE_PYTHON", ROOT / ".venv-engine" / "bin" / "python"))


@pytest.fixture(scope="session")
def engine_python() -> Path:
    if not ENGINE.exists():
        pytest.skip(f"no engine at {ENGINE}: botcore engine install, or name one in BOTCORE_TEST_ENGINE_PYTHON")
    return ENGINE


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with an end-of-text token it never says: every reply lasts until its last allowed token."""
    folder = tmp_path_factory.mktemp("model") / "endless"
    shutil.copytree(starter.PATH, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.md"))
    for name in ("config.json", "generation_config.json"):
        values = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(values | {"eos_token_id": values["pad_token_id"]}))
    values = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(values | {"eos_token": values["pad_token"]}))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(engine_python: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The default bot with the model in the box, ready."""
    served = Served(tmp_path_factory.mktemp("bot"), BOTCORE_ENGINE__PYTHON=str(engine_python))
    try:
        await served.start()
        yield served
    finally:
        status = await served.stop()
    assert status == 0
    await served.nothing_left()
