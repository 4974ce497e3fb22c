"""Two bots on one PostgreSQL, as two processes would be. Their clocks stand still: nobody hears by looking again."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore import Control
from botcore.store import notices, schema
from botcore.testing import Chat, LoopbackChannel, ManualClock, chatting, until
from botcore_telegram.channel import STANDING_BY
from botcore_telegram.testing import FakeTelegram
from tests.conversations.test_turns import Talker
from tests.store.conftest import own_schema, postgres
from tests.store.test_migrations import newer
from tests.test_router import Slow

pytestmark = pytest.mark.postgres


@pytest.fixture
def url() -> Iterator[str]:
    with own_schema(postgres()) as url:
        yield url


@pytest.fixture
async def here(url: str, tmp_path: Path) -> AsyncIterator[Chat]:
    async with _bot(url, tmp_path / "here") as chat:
        yield chat


@pytest.fixture
async def there(url: str, tmp_path: Path) -> AsyncIterator[Chat]:
    async with _bot(url, tmp_path / "there") as chat:
        yield chat


def _bot(url: str, folder: Path, channel: LoopbackChannel | None = None, drain_s: float = 25) -> "chatting":
    settings = {"store": {"url": url}, "turn": {"drain_s": drain_s}}
    return chatting(folder, plugins={"talker": Talker()}, settings=settings, channel=channel, clock=ManualClock())


async def test_a_stop_told_to_another_process_ends_the_reply_at_once(here: Chat, there: Chat) -> None:
    here.engine.hold()
    await here.says("tell me everything")
    await until(lambda: here.engine.open)
    stop = Control(event_id="s1", conversation=here.conversation, person=here.person, kind="stop")
    await there.channel.inbox.accept([stop])
    await here.hears("Stopped.")


async def test_a_stop_told_before_the_other_process_listens_is_found_when_it_does(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, subscribe = threading.Event(), notices._subscribe

    def later(engine: sa.Engine) -> sa.Connection:
        assert go.wait(20)
        return subscribe(engine)

    monkeypatch.setattr(notices, "_subscribe", later)
    async with _bot(url, tmp_path / "here") as here, _bot(url, tmp_path / "there") as there:
        here.engine.hold()
        await here.says("tell me everything")
        await until(lambda: here.engine.open)
        await there.says("/stop", event_id="s1")
        go.set()
        await here.hears("Stopped.")


async def test_who_waits_in_another_process_hears_that_the_turn_has_ended(here: Chat, there: Chat) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_hears_of_a_turn(there))
        for number in count():  # what ends before the listening has begun is not heard
            if waiting.done():
                break
            ana = here.with_(f"ana {number}")  # the other process may go on with a conversation it knows
            await ana.says("hello")
            await ana.hears()


async def _hears_of_a_turn(chat: Chat) -> None:
    async with aclosing(chat.bot.changes()) as changes:
        while not await anext(changes):
            pass


async def test_what_waits_behind_a_reply_of_one_that_stops_is_answered_by_the_other_at_once(
    url: str, there: Chat, tmp_path: Path
) -> None:
    slow = Slow()
    async with _bot(url, tmp_path / "stops", slow) as stops:
        await stops.says("one")
        await until(lambda: slow.asked)
        stops.engine.hold()
        await stops.with_("ben").says("tell me everything")
        await until(lambda: stops.engine.open)
        await there.says("two", event_id="second")
        stops.bot.stop()
        slow.go.set()
        await stops.hears("You said: one")
        await there.hears("You said: two")  # while the first one still makes its last reply
        stops.engine.release()


async def test_what_one_that_stops_could_not_finish_is_answered_by_the_other_at_once(
    url: str, there: Chat, tmp_path: Path
) -> None:
    async with _bot(url, tmp_path / "stops", drain_s=0) as stops:
        stops.engine.hold()
        await stops.says("one")
        await until(lambda: stops.engine.open)
        stops.bot.stop()
        await there.hears("You said: one")


async def test_one_of_them_asks_telegram_and_when_it_stops_the_other_goes_on_at_once(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botcore.leader.TERM_S", 3600.0)  # it runs out by the database's clock, which goes on
    async with FakeTelegram() as telegram, _polling(url, tmp_path / "first", telegram) as first:
        ana = telegram.chat(7)
        await telegram.serves("getMe")  # it leads
        async with _polling(url, tmp_path / "second", telegram) as second:
            await ana.says("one")
            await ana.hears("You said: one")
            await until(lambda: _telegram(second) == STANDING_BY)
            assert _telegram(first) == "ok"
            first.bot.stop()
            await ana.says("two")
            await ana.hears("You said: two")
            await until(lambda: _telegram(second) == "ok")
        assert telegram.executed["sendMessage"] == 2


async def test_the_older_one_goes_on_answering_after_the_newer_one_has_migrated(
    url: str, here: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        await here.with_(f"eve {number}").says("before")
        await here.with_(f"eve {number}").hears("You said: before")
    monkeypatch.setattr(schema, "CORE", newer(tmp_path / "migrations", "0900"))
    async with _bot(url, tmp_path / "newer") as there:
        for number in range(8):  # the driver prepares a statement at its fifth run: some were before the migration
            await here.with_(f"ana {number}").says(f"older {number}")
            await here.with_(f"ana {number}").hears(f"You said: older {number}")
            await there.with_(f"ben {number}").says(f"newer {number}")
            await there.with_(f"ben {number}").hears(f"You said: newer {number}")
    monkeypatch.undo()
    async with _bot(url, tmp_path / "again") as again:
        await again.with_("zoe").says("afterwards")
        await again.with_("zoe").hears("You said: afterwards")


def _polling(url: str, folder: Path, telegram: FakeTelegram) -> "chatting":
    settings = {"store": {"url": url}, "channels.telegram": telegram.table()}
    return chatting(folder, plugins={"talker": Talker()}, settings=settings, clock=ManualClock())


def _telegram(chat: Chat) -> str:
    return chat.bot.health()["telegram"]
