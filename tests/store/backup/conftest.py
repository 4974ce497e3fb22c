"""A backup and a restore with the house's usual arguments, and the stores to make them of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botcore.store.backup import Manifest, Restored, back_up, restore
from tests.store.conftest import clock, make_store, store, url

__all__ = ["BackUp", "Restore", "clock", "make_store", "store", "url"]

BackUp = Callable[..., Manifest]
Restore = Callable[..., Restored]


def silent(what: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "bot.tar.gz"


@pytest.fixture
def back_it_up(url: str, tmp_path: Path, archive: Path) -> BackUp:
    def run(url: str = url, **more: Any) -> Manifest:
        return back_up(url, tmp_path / "data", archive, **{"version": "1", "now": 0, "report": silent} | more)

    return run


@pytest.fixture
def restore_it(url: str, tmp_path: Path, archive: Path) -> Restore:
    def run(**more: Any) -> Restored:
        return restore(archive, url, tmp_path / "data", **{"version": "1", "now": 0, "report": silent} | more)

    return run
