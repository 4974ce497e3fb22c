"""The fake keeps the real server's rules: a channel that passes against it was not tested against something kinder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from botcore.testing.clock import ManualClock
from botcore_telegram.testing import TOKEN, FakeTelegram, Limits

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def telegram(clock: ManualClock) -> AsyncIterator[FakeTelegram]:
    async with FakeTelegram(clock=clock, penalties=True) as server:
        yield server


@pytest.fixture
async def ask(telegram: FakeTelegram) -> AsyncIterator[Ask]:
    """A bare call, without our channel."""
    async with aiohttp.ClientSession() as session:

        async def call(method: str, *, token: str = TOKEN, **parameters: Any) -> tuple[int, Any]:
            async with session.post(f"{telegram.base_url}/bot{token}/{method}", json=parameters) as response:
                body = await response.json()
                return response.status, body["result"] if body["ok"] else body

        yield call


def ids(result: tuple[int, Any]) -> list[int]:
    status, updates = result
    assert status == 200
    return [update["update_id"] for update in updates]


async def test_an_offset_confirms_everything_below_it(telegram: FakeTelegram, ask: Ask) -> None:
    ana = telegram.chat(7)
    one, two = [(await ana.says(text))["update_id"] for text in ("one", "two")]
    assert ids(await ask("getUpdates")) == [one, two]
    assert ids(await ask("getUpdates", offset=two)) == [two]
    assert telegram.updates.confirmed == [one]
    assert ids(await ask("getUpdates", limit=5)) == [two]


async def test_a_negative_offset_deletes_the_older_ones(telegram: FakeTelegram, ask: Ask) -> None:
    one, two, three = [(await telegram.chat(7).says(text))["update_id"] for text in "123"]
    assert ids(await ask("getUpdates", offset=-1)) == [three]
    assert telegram.updates.confirmed == [one, two]


async def test_a_long_poll_waits_for_a_message_or_its_end(telegram: FakeTelegram, ask: Ask, clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(ask("getUpdates", timeout=30))  # type: ignore[arg-type]
        await telegram.polled()
        update = await telegram.chat(7).says("hi")
        assert ids(await poll) == [update["update_id"]]
        poll = group.create_task(ask("getUpdates", timeout=30, offset=update["update_id"] + 1))  # type: ignore[arg-type]
        await telegram.confirms(update["update_id"])
        await clock.advance(30)
        assert ids(await poll) == []


async def test_of_two_polls_the_older_one_ends_with_409(telegram: FakeTelegram, ask: Ask, clock: ManualClock) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(ask("getUpdates", timeout=30))  # type: ignore[arg-type]
        await telegram.polled()
        second = group.create_task(ask("getUpdates", timeout=30, offset=5))  # type: ignore[arg-type]
        status, body = await first
        assert (status, "other getUpdates" in body["description"]) == (409, True)
        await telegram.chat(7).says("hi")
        assert len(ids(await second)) == 1


async def test_polling_conflicts_with_a_webhook(telegram: FakeTelegram, ask: Ask) -> None:
    await ask("setWebhook", url="https://bot.example/hook")
    assert (await ask("getUpdates"))[0] == 409
    await ask("deleteWebhook")
    assert (await ask("getUpdates"))[0] == 200


async def test_repeats_within_half_a_second_give_one_update(
    telegram: FakeTelegram, ask: Ask, clock: ManualClock
) -> None:
    for text in "123":
        await telegram.chat(7).says(text)
    assert [len(ids(await ask("getUpdates", offset=1))) for _ in range(2)] == [3, 1]
    await clock.advance(0.5)
    assert len(ids(await ask("getUpdates", offset=1))) == 3


async def test_the_token_is_checked(ask: Ask) -> None:
    assert [(await ask("getMe", token=token))[0] for token in (TOKEN, TOKEN[:-1] + "X", "nonsense")] == [200, 401, 404]


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "😀" * 2049}, "too long"),
        ({"text": "😀", "entities": [{"type": "bold", "offset": 1, "length": 1}]}, "can't parse entities"),
        ({"text": "a", "entities": [{"type": "bold", "offset": 0, "length": 2}]}, "can't parse entities"),
        ({"text": "a", "chat_id": 99}, "chat not found"),
    ],
)
async def test_bad_messages_are_refused(
    telegram: FakeTelegram, ask: Ask, parameters: dict[str, Any], complaint: str
) -> None:
    telegram.chat(7)
    status, body = await ask("sendMessage", **{"chat_id": 7, **parameters})
    assert (status, complaint in body["description"]) == (400, True)
    assert telegram.executed["sendMessage"] == 0


async def test_drafts_are_for_private_chats(telegram: FakeTelegram, ask: Ask) -> None:
    telegram.chat(7), telegram.chat(-100, "group")
    assert [(await ask("sendMessageDraft", chat_id=chat, draft_id=1, text="x"))[0] for chat in (7, -100)] == [200, 400]


async def test_twenty_messages_a_minute_in_a_group(telegram: FakeTelegram, ask: Ask, clock: ManualClock) -> None:
    telegram.chat(-100, "group")
    telegram.api.limits = Limits(clock)
    for _ in range(20):
        assert (await ask("sendMessage", chat_id=-100, text="x"))[0] == 200
        await clock.advance(1)
    status, body = await ask("sendMessage", chat_id=-100, text="x")
    assert (status, body["parameters"]) == (429, {"retry_after": 40})
