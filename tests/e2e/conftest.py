"""A real vLLM behind a real bot; for tests that cut a reply off, with a model that never ends one by itself.

A vLLM takes a quarter of a minute to start, so that all files share three bots.
"""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from botcore import starter
from botcore.bot import Bot
from tests.e2e.here import ready, running
from tests.e2e.served import Served
from tests.e2e.town import Town
from tests.engine_python import MISSING, PYTHON


@pytest.fixture(scope="session")
def engine_python() -> Path:
    if not PYTHON.exists():
        pytest.skip(MISSING)
    return PYTHON


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bot(engine_python: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    """The default bot with the model in the box, which writes answers from documents itself."""
    tables = {
        "bot": {"data_dir": tmp_path_factory.mktemp("data")},
        "engine": {"python": str(engine_python)},
        "plugins.qa": {"sources": [], "answer": "model"},
    }
    async with running(tables) as bot:
        await ready(bot)
        yield bot


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(engine_python: Path, endless: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with Town.awake(tmp_path_factory.mktemp("town"), engine_python, endless) as town:
        yield town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(engine_python: Path, endless: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A bot as a process of its own, whose model never ends a reply by itself: each has 1,200 tokens."""
    served = Served(
        tmp_path_factory.mktemp("served"),
        BOTCORE_ENGINE__PYTHON=str(engine_python),
        BOTCORE_ENGINE__MODEL=str(endless),
        BOTCORE_PLUGINS__TEXTGEN__PRESETS__CHAT__MAX_TOKENS="1200",
    )
    try:
        await served.start()
        yield served
    finally:
        await served.stop()
    await served.nothing_left()
