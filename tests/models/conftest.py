"""A hub with one model, and a shelf to fetch it to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore.models import Shelf
from tests.models.fake_hub import FakeHub, Repo
from tests.models.made import model_files


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with FakeHub() as hub:
        hub.repos["owner/tiny"] = Repo(model_files())
        yield hub


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "data")
