"""The line on which PostgreSQL tells what others commit."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import make_url

from botcore.store import notices
from botcore.store.engines import make_engine
from botcore.store.notices import listen
from botcore.testing import ManualClock, until


async def test_a_connection_that_comes_after_nobody_waits_for_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, closed = make_engine(make_url("postgresql+psycopg://db.example/bot")), list[str]()
    begun, answered = threading.Event(), threading.Event()

    def subscribe(_: Any) -> Any:
        begun.set()
        answered.wait()
        ends = {"invalidate": lambda: closed.append("invalidate"), "close": lambda: closed.append("close")}
        return SimpleNamespace(engine=engine, **ends)

    monkeypatch.setattr(notices, "_subscribe", subscribe)
    listening = asyncio.ensure_future(anext(listen(engine, ManualClock())))
    await until(begun.is_set)
    listening.cancel()
    await asyncio.wait([listening])
    assert closed == []
    answered.set()
    await until(lambda: closed == ["invalidate", "close"])
