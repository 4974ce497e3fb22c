"""In the short form bots are forked from a process that has imported everything; `python -m tests.chaos` does not."""

import pytest

from tests.chaos.bot import Bot, forked


@pytest.fixture(autouse=True)
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bot, "launch", staticmethod(forked))
