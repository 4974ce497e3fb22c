"""The bundled plugins in a whole bot, and a store with the index in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import botcore_qa
from botcore.store import Store
from botcore.testing import ManualClock

HANDBOOK = Path(__file__).with_name("handbook")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with the tables of the qa plugin."""
    path = tmp_path / "store"
    async with Store(f"sqlite:///{path}/botcore.db", clock=ManualClock(), data_dir=path) as opened:
        await opened.migrate("qa", botcore_qa.MIGRATIONS)
        yield opened
