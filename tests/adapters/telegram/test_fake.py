"""The fake keeps the real server's rules: a channel that passes against it was not tested against something kinder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from botcore.testing.clock import ManualClock
from botcore_telegram.testing import PUBLIC, SECRET, TOKEN, FakeTelegram, Fault, Limits

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


async def test_a_group_that_became_a_supergroup_is_refused_and_named(telegram: FakeTelegram, ask: Ask) -> None:
    moved = await telegram.chat(-100, "group").becomes(-1002000)
    status, body = await ask("sendMessage", chat_id=-100, text="x")
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": -1002000})
    assert (await ask("sendMessage", chat_id=moved.id, text="x"))[0] == 200
    told = [update["message"] for update in (await ask("getUpdates"))[1]]
    assert [(news["chat"]["id"], news["message_id"]) for news in told] == [(-100, 1), (-1002000, 1)]


async def test_drafts_are_for_private_chats(telegram: FakeTelegram, ask: Ask) -> None:
    telegram.chat(7), telegram.chat(-100, "group")
    assert [(await ask("sendMessageDraft", chat_id=chat, draft_id=1, text="x"))[0] for chat in (7, -100)] == [200, 400]


async def test_calls_go_wrong_by_chance_the_same_for_the_same_seed_and_are_counted(
    ask: Ask, telegram: FakeTelegram
) -> None:
    odds = ((0.3, Fault.broken()), (0.2, Fault.broken(502, executed=True)))
    runs = list[list[int]]()
    for _ in range(2):
        telegram.fail_often("getMe", *odds, seed=7)
        runs.append([(await ask("getMe"))[0] for _ in range(40)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500, 502}
    executed = [fault for method, fault in telegram.faults if method == "getMe" and fault.executed]
    assert len(executed) == 2 * runs[0].count(502)
    assert telegram.executed["getMe"] == 80 - 2 * runs[0].count(500)


async def test_twenty_messages_a_minute_in_a_group(telegram: FakeTelegram, ask: Ask, clock: ManualClock) -> None:
    telegram.chat(-100, "group")
    telegram.api.limits = Limits(clock)
    for _ in range(20):
        assert (await ask("sendMessage", chat_id=-100, text="x"))[0] == 200
        await clock.advance(1)
    status, body = await ask("sendMessage", chat_id=-100, text="x")
    assert (status, body["parameters"]) == (429, {"retry_after": 40})


# ------------------------------------------------------------------ the webhook


class Bot:
    """A bot that is called: keeps what it is sent, and answers what the test says."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.calls: list[tuple[float, str, str, int]] = []
        """(time, Host, secret, update id)."""

    async def hook(self, request: web.Request) -> web.Response:
        update = await request.json()
        secret = request.headers["X-Telegram-Bot-Api-Secret-Token"]
        self.calls.append((self.telegram._clock.now(), request.host, secret, update["update_id"]))
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        return web.Response(status=status, headers=headers)

    async def called(self, clock: ManualClock, seconds: float, calls: int) -> None:
        await clock.advance(seconds)
        while len(self.telegram.webhook.deliveries) < calls:
            await self.telegram.until(f"{calls} deliveries")
        await clock.advance(0)


@pytest.fixture
async def bot(telegram: FakeTelegram) -> AsyncIterator[Bot]:
    bot = Bot(telegram)
    app = web.Application()
    app.router.add_post("/hook", bot.hook)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    telegram.reach("http://{}:{}".format(*runner.addresses[0][:2]))
    yield bot
    await runner.cleanup()


@pytest.fixture
async def hooked(ask: Ask, bot: Bot) -> Bot:
    assert (await ask("setWebhook", url=f"{PUBLIC}/hook", secret_token=SECRET)) == (200, True)
    return bot


async def test_a_webhook_is_called_by_its_public_name_with_the_secret(telegram: FakeTelegram, hooked: Bot) -> None:
    update = await telegram.chat(7).says("hi")
    await telegram.confirms(update["update_id"])
    assert [call[1:] for call in hooked.calls] == [("bot.example.org", SECRET, update["update_id"])]


async def test_one_chat_waits_for_its_front_and_no_other_does(
    telegram: FakeTelegram, hooked: Bot, clock: ManualClock
) -> None:
    hooked.answers = [(500, {})]
    one, two = [await telegram.chat(7).says(text) for text in ("one", "two")]
    await hooked.called(clock, 0, 1)
    other = await telegram.chat(8).says("from another chat")
    press = await telegram.chat(7).sends_press(1, "x")
    await hooked.called(clock, 0, 3)
    await hooked.called(clock, 1, 5)
    ids = [delivery.update_id for delivery in telegram.webhook.deliveries]
    first, *others = [update["update_id"] for update in (one, other, press, one, two)]
    assert (ids[0], sorted(ids[1:3]), ids[3:]) == (first, sorted(others[:2]), others[2:])


async def test_what_is_not_taken_comes_again_after_growing_pauses_or_as_it_is_asked_to(
    telegram: FakeTelegram, hooked: Bot, clock: ManualClock
) -> None:
    hooked.answers = [(500, {}), (302, {"Location": "/"}), (503, {"Retry-After": "5"}), (204, {})]
    update = await telegram.chat(7).says("hi")
    for pause, calls in ((0, 1), (1, 2), (2, 3), (5, 4)):
        await hooked.called(clock, pause, calls)
    start = hooked.calls[0][0]
    assert [at - start for at, *_ in hooked.calls] == [0, 1, 3, 8]
    await telegram.confirms(update["update_id"])


async def test_the_last_error_stays_in_the_info_until_the_webhook_is_set_again(
    telegram: FakeTelegram, hooked: Bot, clock: ManualClock, ask: Ask
) -> None:
    hooked.answers = [(500, {})]
    update = await telegram.chat(7).says("hi")
    await hooked.called(clock, 0, 1)
    info = (await ask("getWebhookInfo"))[1]
    assert (info["url"], info["pending_update_count"]) == (f"{PUBLIC}/hook", 1)
    assert info["last_error_message"] == "Wrong response from the webhook: 500"
    await hooked.called(clock, 1, 2)
    await telegram.confirms(update["update_id"])
    assert "last_error_message" in (await ask("getWebhookInfo"))[1]
    await ask("setWebhook", url=f"{PUBLIC}/hook", secret_token=SECRET)
    assert "last_error_message" not in (await ask("getWebhookInfo"))[1]


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"url": "http://bot.example.org/hook"}, "HTTPS"),
        ({"url": f"{PUBLIC}/hook", "secret_token": "not allowed!"}, "unallowed characters"),
    ],
)
async def test_a_bad_webhook_is_refused(ask: Ask, asked: dict[str, str], complaint: str) -> None:
    status, body = await ask("setWebhook", **asked)
    assert (status, complaint in body["description"]) == (400, True)


async def test_kinds_the_bot_does_not_want_are_not_kept(telegram: FakeTelegram, ask: Ask) -> None:
    await ask("getUpdates", allowed_updates=["callback_query"])
    await telegram.chat(7).says("hi")
    press = await telegram.chat(7).sends_press(1, "x")
    assert ids(await ask("getUpdates")) == [press["update_id"]]


# ------------------------------------------------------------------ buttons and files


def keyboard(data: str, text: str = "x") -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": text, "callback_data": data}]]}


@pytest.mark.parametrize(
    ("markup", "complaint"), [(keyboard("d" * 65), "BUTTON_DATA_INVALID"), (keyboard("d", ""), "must be non-empty")]
)
async def test_bad_buttons_are_refused(
    telegram: FakeTelegram, ask: Ask, markup: dict[str, Any], complaint: str
) -> None:
    telegram.chat(7)
    status, body = await ask("sendMessage", chat_id=7, text="x", reply_markup=markup)
    assert (status, complaint in body["description"]) == (400, True)


async def test_an_edit_without_buttons_takes_them_away(telegram: FakeTelegram, ask: Ask) -> None:
    ana = telegram.chat(7)
    await ask("sendMessage", chat_id=7, text="x", reply_markup=keyboard("d"))
    assert (await ask("editMessageText", chat_id=7, message_id=1, text="x", reply_markup=keyboard("d")))[0] == 400
    assert (await ask("editMessageText", chat_id=7, message_id=1, text="x"))[0] == 200
    assert ana.messages[0].buttons == []


async def test_a_press_is_answered_once_and_within_150_seconds(
    telegram: FakeTelegram, ask: Ask, clock: ManualClock
) -> None:
    first, second = [(await telegram.chat(7).sends_press(1, "x"))["callback_query"]["id"] for _ in range(2)]
    answers = [await ask("answerCallbackQuery", callback_query_id=first, text="ok") for _ in range(2)]
    assert [status for status, _ in answers] == [200, 400]
    await clock.advance(150)
    assert (await ask("answerCallbackQuery", callback_query_id=second))[0] == 400
    assert telegram.chat(7).popups == ["ok"]


async def test_a_file_is_looked_up_and_then_downloaded(telegram: FakeTelegram, ask: Ask) -> None:
    document = (await telegram.chat(7).uploads("a.txt", b"hello"))["message"]["document"]
    status, file = await ask("getFile", file_id=document["file_id"])
    assert (status, file["file_size"]) == (200, 5)
    async with aiohttp.ClientSession() as session:
        for token, path, expected in ((TOKEN, file["file_path"], 200), (TOKEN, "other", 404), ("1:x", "a", 404)):
            async with session.get(f"{telegram.base_url}/file/bot{token}/{path}") as answer:
                assert answer.status == expected
                assert expected != 200 or await answer.read() == b"hello"
    large = (await telegram.chat(7).uploads("b.bin", b"", size=21 << 20))["message"]["document"]
    assert "too big" in (await ask("getFile", file_id=large["file_id"]))[1]["description"]
