"""Two bots on one PostgreSQL, as two processes would be. Their clocks stand still: nobody hears by looking again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from botcore import Control
from botcore.store import schema
from botcore.testing import Chat, ManualClock, chatting, until
from botcore_telegram.channel import STANDING_BY
from botcore_telegram.testing import FakeTelegram
from tests.conversations.test_turns import Talker
from tests.store.conftest import own_schema, postgres
from tests.store.test_migrations import newer

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


def _bot(url: str, folder: Path) -> "chatting":
    return chatting(folder, plugins={"talker": Talker()}, settings={"store": {"url": url}}, clock=ManualClock())


async def test_a_stop_told_to_another_process_ends_the_reply_at_once(here: Chat, there: Chat) -> None:
    here.engine.hold()
    await here.says("tell me everything")
    await until(lambda: here.engine.open)
    stop = Control(event_id="s1", conversation=here.conversation, person=here.person, kind="stop")
    await there.channel.inbox.accept([stop])
    await here.hears("Stopped.")


async def test_who_waits_in_another_process_hears_that_the_turn_has_ended(here: Chat, there: Chat) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_heard(there, here.conversation.key))
        while not waiting.done():  # what ends before the listening has begun is not heard
            await here.says("hello")
            await here.hears()


async def _heard(chat: Chat, key: str) -> None:
    async with aclosing(chat.bot.changes()) as changes:
        while await anext(changes) != key:
            pass


async def test_one_of_them_asks_telegram_and_when_it_stops_the_other_goes_on_at_once(url: str, tmp_path: Path) -> None:
    async with FakeTelegram() as telegram, _polling(url, tmp_path / "first", telegram) as first:
        ana = telegram.chat(7)
        async with _polling(url, tmp_path / "second", telegram) as second:
            await ana.says("one")
            await ana.hears("You said: one")
            assert [_telegram(chat) for chat in (first, second)] == ["ok", STANDING_BY]
            first.bot.stop()
            await ana.says("two")
            await ana.hears("You said: two")
            assert _telegram(second) == "ok"
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
