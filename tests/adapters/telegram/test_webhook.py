"""The way in by being called: who is believed, what each delivery is answered, and that nothing is lost."""

import asyncio
import json
import logging
from contextlib import suppress
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError

from botcore import Feedback, Message, SettingsError
from botcore.clock import SystemClock
from botcore.testing import ManualClock, until
from botcore_telegram import Telegram
from botcore_telegram.testing import PUBLIC, SECRET, FakeTelegram, Fault
from botcore_telegram.webhook import CHECK_EVERY_S
from botcore_telegram.wire import ALLOWED_UPDATES
from tests.adapters.telegram.conftest import FakeInbox, HurriedClock, Running, listening

HEADER = "X-Telegram-Bot-Api-Secret-Token"


def update(number: int = 5, text: str = "hi", **message: Any) -> bytes:
    said = {"message_id": number, "date": 1_700_000_000, "text": text, "chat": {"id": 7, "type": "private"}}
    sender = {"id": 7, "is_bot": False, "first_name": "Ana"}
    return json.dumps({"update_id": number, "message": {**said, "from": sender, **message}}).encode()


# ------------------------------------------------------------------ registration


async def test_telegram_is_told_where_to_call_with_which_secret_and_for_what(
    server: FakeTelegram, hooked: Running
) -> None:
    async with hooked():
        [call] = [call.parameters for call in server.calls if call.method == "setWebhook"]
    assert call["url"] == f"{PUBLIC}/hooks/telegram"
    assert call["secret_token"] == SECRET
    assert tuple(call["allowed_updates"]) == ALLOWED_UPDATES
    assert (call["max_connections"], "drop_pending_updates" in call) == (40, False)


async def test_a_second_account_has_an_address_of_its_own() -> None:
    settings = Telegram.Settings(
        token="123456789:" + "a" * 35,  # type: ignore[arg-type]
        mode="webhook",
        webhook_url="https://bot.example.org/bots/",
        webhook_secret="s",  # type: ignore[arg-type]
    )
    assert settings.address("support") == "https://bot.example.org/bots/hooks/support"
    whole = settings.model_copy(update={"webhook_url": "https://bot.example.org/hooks/support"})
    assert whole.address("support") == "https://bot.example.org/hooks/support"


async def test_registration_is_tried_again_until_it_holds(server: FakeTelegram, hooked: Running) -> None:
    server.fail("setWebhook", Fault.broken(500), Fault.cut(executed=False), Fault.flood(7))
    clock = HurriedClock()
    async with hooked(clock) as channel:
        await server.serves("setWebhook")
        await server.serves("getWebhookInfo", 5)
        await until(lambda: channel.health == "ok")
    assert 0.5 <= clock.slept[0] < clock.slept[1] <= 30
    assert clock.slept[2] == 7


async def test_what_waited_for_a_registration_arrives(server: FakeTelegram, inbox: FakeInbox, hooked: Running) -> None:
    await server.chat(7).says("said while the bot was away")
    async with hooked():
        await inbox.holds(1)
    assert inbox.texts == ["said while the bot was away"]


async def test_a_webhook_somebody_else_changed_is_set_back_and_said(server: FakeTelegram, hooked: Running) -> None:
    clock = ManualClock()
    async with hooked(clock) as channel:
        await server.serves("setMyCommands")
        server.updates.webhook = "https://elsewhere.example/hook"
        await clock.advance(CHECK_EVERY_S)
        await server.serves("setWebhook", 2)
        await server.serves("getWebhookInfo", 4)
        assert "another program" in channel.health
        await clock.advance(CHECK_EVERY_S)
        await server.serves("getWebhookInfo", 5)
        assert (channel.health, server.updates.webhook) == ("ok", f"{PUBLIC}/hooks/telegram")


async def test_health_says_why_telegram_cannot_deliver_and_when_it_can_again(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    clock = ManualClock(start=server._clock.now() - 600)
    async with hooked(clock) as channel:
        await server.serves("setMyCommands")
        reachable = server.webhook.public[PUBLIC]
        server.reach("http://127.0.0.1:9")
        await server.chat(7).says("hi")
        while not server.webhook.deliveries:
            await server.until("a delivery that fails")
        await clock.advance(CHECK_EVERY_S)
        await server.serves("getWebhookInfo", 3)
        assert "cannot deliver" in channel.health
        assert "Connection refused" in channel.health
        server.reach(reachable)
        await inbox.holds(1)
        await clock.advance(CHECK_EVERY_S)
        await server.serves("getWebhookInfo", 4)
        assert channel.health == "ok"


async def test_a_wrong_token_is_one_clear_line(server: FakeTelegram, inbox: FakeInbox) -> None:
    settings = server.settings(**server.table("webhook"))
    wrong = settings.model_copy(update={"token": SecretStr("987654321:" + "x" * 35)})
    with pytest.raises(SettingsError, match="BOTCORE_CHANNELS__TELEGRAM__TOKEN"):
        await Telegram(wrong, HurriedClock()).run(inbox)


async def test_polling_again_takes_over_from_the_webhook(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running, running: Running
) -> None:
    ana = server.chat(7)
    async with hooked():
        await ana.says("by webhook")
        await inbox.holds(1)
    await ana.says("in between")
    async with running(HurriedClock()):
        await inbox.holds(2)
    assert (inbox.texts, server.updates.webhook) == (["by webhook", "in between"], "")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({}, "webhook_url"),
        ({"webhook_secret": "s"}, "webhook_url"),
        ({"webhook_url": "https://bot.example.org"}, "openssl rand -hex 32"),
        ({"webhook_url": "https://bot.example.org", "webhook_secret": "not allowed!"}, "openssl rand -hex 32"),
        ({"webhook_url": "https://bot.example.org", "webhook_secret": "x" * 257}, "openssl rand -hex 32"),
        ({"webhook_url": "http://bot.example.org", "webhook_secret": "s"}, "https://"),
        ({"webhook_url": "bot.example.org", "webhook_secret": "s"}, "https://"),
        ({"webhook_url": "https://user:pass@bot.example.org", "webhook_secret": "s"}, "https://"),
    ],
)
def test_webhook_mode_starts_with_an_address_and_a_secret_or_not_at_all(more: dict[str, str], named: str) -> None:
    token = "123456789:" + "a" * 35
    with pytest.raises(ValidationError) as caught:
        Telegram.Settings(token=token, mode="webhook", **more)  # type: ignore[arg-type]
    assert named in str(caught.value)
    secret = more.get("webhook_secret", "")
    assert token not in str(caught.value)
    assert len(secret) < 2 or secret not in str(caught.value)


async def test_there_is_no_door_in_polling_mode(server: FakeTelegram) -> None:
    async with (
        listening(Telegram(server.settings(), SystemClock())) as address,
        aiohttp.ClientSession() as session,
        session.post(f"{address}/hooks/telegram", data=update(), headers={HEADER: ""}) as answer,
    ):
        assert answer.status == 404


# ------------------------------------------------------------------ deliveries


async def test_a_message_is_taken_after_it_was_committed(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    async with hooked():
        said = await server.chat(7).says("hi")
        await server.confirms(said["update_id"])
    assert inbox.texts == ["hi"]
    assert [delivery.status for delivery in server.webhook.deliveries] == [200]


@pytest.mark.parametrize("guess", ["", "wrong", SECRET[:-1], f"{SECRET}x", SECRET.upper(), "\xff\xfe", "ß" * 300])
async def test_whoever_lacks_the_secret_is_turned_away_before_anything_is_read(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running, guess: str
) -> None:
    async with hooked(), aiohttp.ClientSession() as session:
        address = f"{server.webhook.public[PUBLIC]}/hooks/telegram"
        headers = {HEADER: guess} if guess else {}
        for body in (update(), b"{", b"x" * (3 << 20)):
            try:
                async with session.post(address, data=BytesIO(body), headers=headers) as answer:
                    assert (answer.status, await answer.read()) == (401, b"")
            except aiohttp.ClientOSError:
                assert len(body) > 1 << 20, "hung up on a body nobody would read"
    assert (inbox.committed, inbox.letters) == ([], [])


async def test_a_header_of_raw_bytes_is_answered_as_any_other_guess(server: FakeTelegram, hooked: Running) -> None:
    async with hooked():
        host, _, port = server.webhook.public[PUBLIC].removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /hooks/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{HEADER}: ".encode()
        writer.write(head + b"\x80\xff\xc3(" + b"\r\n\r\n")
        assert (await reader.readline()).split()[1] in (b"401", b"400")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"hi"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"update_id": 1e999, "message": {}}',
        b'{"update_id": "1", "message": {"text": "hi"}}',
        b'{"update_id": 1, "message": null}',
        b'{"update_id": 1, "callback_query": []}',
        b'{"update_id": 1, "callback_query": {"data": "again", "message": 5, "from": {}}}',
        b'{"message": {"chat": {"id": 7, "type": "private"}, "text": "hi"}}',
        update(10**400),
        update(5, date=10**400),
        update(5, "\ud800 half a character")[:-1],
        update(5, photo=[7]),
    ],
)
async def test_what_is_genuine_but_useless_is_kept_and_holds_nobody_up(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    async with hooked():
        assert (await server.webhook.call(body))[0] == 200
        assert (await server.webhook.call(update(6)))[0] == 200
    assert (len(inbox.letters), inbox.texts) == (1, ["hi"])
    assert "Traceback" not in caplog.text


async def test_the_same_useless_bytes_are_one_letter(server: FakeTelegram, inbox: FakeInbox, hooked: Running) -> None:
    async with hooked():
        for _ in range(2):
            await server.webhook.call(b"{")
        await server.webhook.call(b"[")
    first, again, other = [event for event, _, _ in inbox.letters]
    assert first == again != other


async def test_a_body_longer_than_any_update_is_refused(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    async with hooked():
        assert (await server.webhook.call(update(5, "x" * ((1 << 20) - 500))))[0] == 200
        with suppress(aiohttp.ClientOSError):  # hung up on what nobody would read
            assert (await server.webhook.call(b" " * ((1 << 20) + 1)))[0] == 413
    assert len(inbox.committed) == 1


async def test_a_body_that_never_ends_is_given_up(server: FakeTelegram, inbox: FakeInbox) -> None:
    clock = ManualClock()
    channel = Telegram(server.settings(**server.table("webhook")), clock)
    async with listening(channel) as address:
        running = asyncio.create_task(channel.run(inbox))
        await server.serves("getWebhookInfo", 2)
        host, _, port = address.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /hooks/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n{HEADER}: {SECRET}\r\n\r\n"
        writer.write(head.encode() + b"{")
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            await clock.advance(10)
        assert (await answer).split()[1] == b"408"
        writer.close()
        await writer.wait_closed()
        running.cancel()
        await asyncio.wait([running])


async def test_while_the_store_refuses_telegram_keeps_the_message(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    inbox.refusals, ana, ben = 1, server.chat(7), server.chat(8)
    async with hooked() as channel:
        said = await ana.says("one")
        await ana.says("two")
        while not server.webhook.deliveries:
            await server.until("a delivery")
        assert (server.webhook.deliveries[0].status, server.webhook.deliveries[0].retry_after) == (503, "5")
        assert "disk is full" in channel.health
        await ben.says("from another chat")
        await inbox.holds(1)
        assert channel.health == "ok"
        server.webhook.hurry()
        await server.confirms(said["update_id"])
        await inbox.holds(3)
    assert inbox.texts == ["from another chat", "one", "two"]


async def test_a_dead_letter_that_cannot_be_kept_comes_again_too(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    inbox.refusals, bodies = 2, (b"{", b'{"update_id": 1, "message": 1}')
    async with hooked():
        for expected in (503, 200):
            assert [(await server.webhook.call(body))[0] for body in bodies] == [expected, expected]
    assert len(inbox.letters) == 2


async def test_before_the_bot_knows_who_it_is_and_after_it_stopped_telegram_is_asked_to_wait(
    server: FakeTelegram, inbox: FakeInbox
) -> None:
    channel = Telegram(server.settings(**server.table("webhook")), SystemClock())
    async with listening(channel) as address:
        server.reach(address)
        server.webhook.register(f"{PUBLIC}/hooks/telegram", SECRET)
        assert (await server.webhook.call(update()))[0] == 503
        async with server.hold("getMe") as gate:
            running = asyncio.create_task(channel.run(inbox))
            await gate.reached()
            assert (await server.webhook.call(update()))[0] == 503
        await server.serves("setWebhook")
        assert (await server.webhook.call(update()))[0] == 200
        running.cancel()
        await asyncio.wait([running])
        status, headers = await server.webhook.call(update())
        assert (status, headers["Retry-After"]) == (503, "5")
    assert inbox.texts == ["hi"]


async def test_who_is_turned_away_is_told_and_the_delivery_is_taken(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    inbox.notices += ["please wait", ""]
    ana = server.chat(7)
    async with hooked():
        for text in ("one", "two"):
            await server.confirms((await ana.says(text))["update_id"])
        await ana.hears("please wait")
    assert len(ana.messages) == 1


async def test_a_press_is_answered_after_its_commit_only(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    inbox.refusals, ana = 1, server.chat(7)
    async with hooked():
        await ana.sends_press(1, "feedback:1")
        while not server.webhook.deliveries:
            await server.until("a delivery")
        assert (server.webhook.deliveries[0].status, ana.popups) == (503, [])
        server.webhook.hurry()
        assert await ana.pops_up() == ["Thank you."]
    [record] = inbox.committed
    assert isinstance(record, Feedback)


async def test_a_call_through_a_proxy_passes_and_the_rest_of_the_port_stays_guarded(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    public = {"Host": "bot.example.org", "X-Forwarded-Proto": "https"}
    async with hooked(), aiohttp.ClientSession() as session:
        address = server.webhook.public[PUBLIC]
        assert (await server.webhook.call(update(), public))[0] == 200
        async with session.get(f"{address}/healthz", headers=public) as answer:
            assert answer.status == 403
        async with session.post(f"{address}/hooks/other", headers=public) as answer:
            assert answer.status == 403
        async with session.get(f"{address}/hooks/telegram") as answer:
            assert answer.status == 405
    assert len(inbox.committed) == 1


async def test_no_secret_nor_half_of_one_in_any_log_line_or_text(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("telegram", "telegram.Bot", "telegram.request", "aiohttp", "asyncio", "botcore_telegram", "botcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    server.fail("setWebhook", Fault.cut(executed=False), Fault(status=400, description="Bad Request: bad webhook"))
    server.fail("getWebhookInfo", Fault.broken(502, html=True))
    inbox.refusals = 1
    async with hooked(HurriedClock()) as channel, aiohttp.ClientSession() as session:
        await server.serves("setWebhook")
        address = f"{server.webhook.public[PUBLIC]}/hooks/telegram"
        for guess in (SECRET[:-1], SECRET + "x"):
            async with session.post(address, data=update(), headers={HEADER: guess}):
                pass
        for body in (update(), update(), b"{", update(7, "")):
            await server.webhook.call(body)
        shown = [repr(channel), repr(channel._settings), repr(channel._link), repr(channel._webhook), channel.health]
    assert caplog.records
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), caplog.handler.format(record)]
    for secret in (server.token.partition(":")[2], SECRET):
        half = len(secret) // 2
        assert [line for line in shown if secret[:half] in line or secret[half:] in line] == []


async def test_messages_of_one_chat_arrive_in_order_and_chats_do_not_wait_for_each_other(
    server: FakeTelegram, inbox: FakeInbox, hooked: Running
) -> None:
    async with hooked():
        for text in ("one", "two", "three"):
            await server.chat(7).says(text)
            await server.chat(8).says(f"{text} elsewhere")
        await inbox.holds(6)
    said = [record for record in inbox.committed if isinstance(record, Message)]
    for chat, ending in (("7", ""), ("8", " elsewhere")):
        texts = [record.text for record in said if record.conversation.chat == chat]
        assert texts == [f"{text}{ending}" for text in ("one", "two", "three")]
