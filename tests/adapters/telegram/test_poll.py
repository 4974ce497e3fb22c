"""The way in: the offset follows the commit, whatever the network, the server or the store do."""

import asyncio
import logging
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from botcore import Control, Message, SettingsError
from botcore.testing import until
from botcore.testing.clock import settle
from botcore_telegram import Telegram
from botcore_telegram.channel import STANDING_BY
from botcore_telegram.hearing import Identity
from botcore_telegram.intake import Intake
from botcore_telegram.moves import Moves
from botcore_telegram.testing import FakeTelegram, Fault
from botcore_telegram.wire import ALLOWED_UPDATES, read
from tests.adapters.telegram.conftest import FakeInbox, HurriedClock, Running


async def test_a_message_is_confirmed_after_it_was_committed(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running():
        update = await server.chat(7).says("hi")
        await inbox.holds(1)
        await server.confirms(update["update_id"])
    assert inbox.texts == ["hi"]


async def test_what_is_said_in_a_supergroup_belongs_to_the_group_it_was(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running():
        team = await server.chat(-100, "group").becomes(-1002000)
        asked = await team.says("@botcore_bot hi")
        await team.rewrites(asked, "@botcore_bot ho")
        await server.chat(-1003000, "supergroup").says("@botcore_bot elsewhere")
        await inbox.holds(3)
    assert [record.conversation.chat for record in inbox.committed] == ["-100", "-100", "-1003000"]
    said, edit, _ = inbox.committed
    assert isinstance(said, Message)
    assert isinstance(edit, Control)
    assert said.platform_id == edit.target == "-1002000:2"  # the group had a message of that number, too


async def test_while_the_store_refuses_the_same_update_comes_again(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    inbox.refusals, clock = 3, HurriedClock()
    update = await server.chat(7).says("hi")
    async with running(clock) as channel:
        await inbox.holds(1)
        await server.confirms(update["update_id"])
        assert channel.health == "ok"
    assert inbox.texts == ["hi"]
    pauses = clock.slept[:3]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 0.5


async def test_nothing_is_confirmed_while_the_store_refuses(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    inbox.refusals = 1_000_000
    await server.chat(7).says("hi")
    async with running(HurriedClock()) as channel:
        await server.serves("getUpdates", 5)
        assert "disk is full" in channel.health
    assert server.updates.confirmed == []
    assert len(server.updates.waiting) == 1


async def test_a_restart_loses_nothing(server: FakeTelegram, inbox: FakeInbox, running: Running) -> None:
    ana = server.chat(7)
    await ana.says("one")
    async with running():
        await inbox.holds(1)
    await ana.says("two")
    async with running():
        await inbox.holds(2)
        update = await ana.says("three")
        await server.confirms(update["update_id"])
    events = dict.fromkeys(record.event_id for record in inbox.committed)
    texts = {record.event_id: record.text for record in inbox.committed if isinstance(record, Message)}
    assert [texts[event] for event in events] == ["one", "two", "three"]


async def test_a_process_that_leads_no_more_asks_no_more_and_begins_again_without_an_offset(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running() as channel:
        await server.confirms((await server.chat(7).says("one"))["update_id"])
        inbox.may_lead.clear()
        inbox.term.reschedule(0)
        await until(lambda: channel.health == STANDING_BY)
        await server.chat(7).says("two")
        await settle()
        assert inbox.texts == ["one"]
        asked = server.executed["getUpdates"]
        inbox.may_lead.set()
        await inbox.holds(2)
        assert channel.health == "ok"
    questions = [call.parameters.get("offset", 0) for call in server.calls if call.method == "getUpdates"]
    assert questions[asked] == 0
    assert inbox.texts == ["one", "two"]


async def test_updates_that_cannot_be_understood_become_dead_letters_and_hold_nobody_up(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    broken = server.updates.add("message", {"chat": {"id": 7}})
    last = await server.chat(7).says("hi")
    async with running():
        await server.confirms(last["update_id"])
    [(event, payload, reason)] = inbox.letters
    assert (event, inbox.texts) == (str(broken["update_id"]), ["hi"])
    assert '"chat"' in payload
    assert "type" in reason


async def test_an_update_nested_deeper_than_can_be_written_is_a_dead_letter_too(inbox: FakeInbox) -> None:
    text: list[Any] = []
    for _ in range(100_000):  # Python 3.13 writes down ten times as deep as 3.11
        text = [text]
    me = Identity(channel="telegram", user_id=1, username="x")
    intake = Intake(inbox, channel="telegram", moves=Moves(), read=read, tell=print, pressed=print)
    await intake.take([{"update_id": 1, "message": {"chat": {"type": "private"}, "from": {}, "text": text}}], me)
    assert [(event, payload) for event, payload, _ in inbox.letters] == [("1", "nested too deeply to be written down")]


async def test_a_webhook_that_cannot_be_removed_at_once_is_removed_later(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    server.updates.webhook = "https://old.example/hook"
    server.fail("deleteWebhook", Fault.broken(500), Fault.cut(executed=False))
    await server.chat(7).says("hi")
    async with running(HurriedClock()):
        await inbox.holds(1)
    assert server.updates.webhook == ""


async def test_one_poisonous_record_does_not_hold_up_the_others(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    inbox.poison = "bad"
    for text in ("one", "bad", "two"):
        last = await server.chat(7).says(text)
    async with running():
        await server.confirms(last["update_id"])
    assert inbox.texts == ["one", "two"]
    assert [reason for _, _, reason in inbox.letters] == ["ValueError: cannot be stored"]


async def test_the_poll_names_the_kinds_it_wants_and_never_drops_anything(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running():
        await server.confirms((await server.chat(7).says("hi"))["update_id"])
    polls = [call.parameters for call in server.calls if call.method == "getUpdates"]
    assert all(tuple(poll["allowed_updates"]) == ALLOWED_UPDATES for poll in polls)
    assert all(poll.get("offset", 1) > 0 for poll in polls)
    assert all("drop_pending_updates" not in call.parameters for call in server.calls)


@pytest.mark.parametrize(
    "fault", [Fault.cut(executed=False), Fault.cut(executed=True), Fault.broken(500), Fault.broken(502, html=True)]
)
async def test_the_poll_survives_the_network_and_the_server(
    server: FakeTelegram, inbox: FakeInbox, running: Running, fault: Fault
) -> None:
    server.fail("getUpdates", fault, fault)
    clock = HurriedClock()
    update = await server.chat(7).says("hi")
    async with running(clock):
        await server.confirms(update["update_id"])
    assert inbox.texts[0] == "hi"
    waits = [call.parameters["timeout"] for call in server.calls if call.method == "getUpdates"]
    assert 0 in waits, "after trouble it is asked at once whether it is over"
    assert [0.5 <= seconds <= 1.5 for seconds in clock.slept][:2] == [True, True]


async def test_pauses_grow_to_half_a_minute_and_no_further(server: FakeTelegram, running: Running) -> None:
    server.fail("getUpdates", *[Fault.broken(500)] * 12)
    clock = HurriedClock()
    async with running(clock) as channel:
        await server.confirms((await server.chat(7).says("hi"))["update_id"])
        assert channel.health == "ok"
    assert max(clock.slept) <= 30
    assert clock.slept[8] >= 20


async def test_a_flood_limit_on_polling_is_obeyed(server: FakeTelegram, inbox: FakeInbox, running: Running) -> None:
    server.flood(method="getUpdates", retry_after=17)
    clock = HurriedClock()
    await server.chat(7).says("hi")
    async with running(clock):
        await inbox.holds(1)
    assert 17 in clock.slept


async def test_a_second_poller_is_named_in_the_health(server: FakeTelegram, running: Running) -> None:
    async with running(HurriedClock()) as channel, aiohttp.ClientSession() as rival:
        while "another program" not in channel.health:
            async with rival.post(f"{server.base_url}/bot{server.token}/getUpdates", json={"timeout": 0}):
                pass


async def test_a_webhook_that_is_still_set_is_removed_once_and_keeps_what_waits(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    server.updates.webhook = "https://old.example/hook"
    await server.chat(7).says("hi")
    async with running(HurriedClock()):
        await inbox.holds(1)
        assert server.updates.webhook == ""
        server.updates.webhook = "https://old.example/hook"
        server.updates.wake()
        await server.until("the conflict")
        assert server.updates.webhook
    assert server.executed["deleteWebhook"] == 1


async def test_what_a_proxy_does_not_find_is_no_wrong_token(
    server: FakeTelegram, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("getMe", Fault(status=404, html=True))
    ana = server.chat(7)
    async with running(HurriedClock()):
        await ana.says("hi")
        await inbox.holds(1)
    assert [record.message for record in caplog.records if "base_url" in record.message] == [
        "telegram: HTTP 404: is base_url right, or is a proxy in the way?"
    ]


async def test_a_wrong_token_is_one_clear_line(server: FakeTelegram, inbox: FakeInbox) -> None:
    settings = server.settings().model_copy(update={"token": SecretStr("987654321:" + "x" * 35)})
    with pytest.raises(SettingsError) as caught:
        await Telegram(settings, HurriedClock()).run(inbox)
    assert "BOTCORE_CHANNELS__TELEGRAM__TOKEN" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "x" * 35 not in str(caught.value)


async def test_a_token_that_stops_holding_is_tried_once_a_minute(
    server: FakeTelegram, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("getUpdates", *[Fault(status=401, description="Unauthorized")] * 3)
    clock = HurriedClock()
    await server.chat(7).says("hi")
    async with running(clock):
        await inbox.holds(1)
    assert clock.slept.count(60) == 3
    assert len([record for record in caplog.records if "does not know this bot token" in record.message]) == 1


async def test_commands_fill_the_menu_and_a_failure_there_stops_nothing(
    server: FakeTelegram, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    server.fail("setMyCommands", Fault.broken(500))
    async with running():
        await server.chat(7).says("hi")
        await inbox.holds(1)
    assert "menu of commands" in caplog.text


async def test_who_is_turned_away_hears_what_the_core_says(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    inbox.notices += ["please wait", ""]
    ana = server.chat(7)
    async with running():
        for text in ("one", "two"):
            last = await ana.says(text)
        await ana.hears("please wait")
        await server.confirms(last["update_id"])
    assert len(ana.messages) == 1


async def test_nothing_is_asked_for_while_too_many_wait(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    inbox.full, ana = "more than 10 messages wait already", server.chat(7)
    async with running() as channel:
        await until(lambda: channel.health.startswith("more than 10"))
        assert channel.health == "more than 10 messages wait already; Telegram keeps the others"
        await ana.says("hi")
        assert not [call for call in server.calls if call.method == "getUpdates"]
        inbox.full = ""
        inbox.emptied.set()
        await inbox.holds(1)
        assert channel.health == "ok"


async def test_the_last_poll_ends_with_the_channel(server: FakeTelegram, running: Running) -> None:
    async with running():
        await server.serves("setMyCommands")
    assert [task.get_name() for task in asyncio.all_tasks() if "telegram" in task.get_name()] == []


async def test_no_secret_in_any_log_line_or_text(
    server: FakeTelegram, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("telegram", "telegram.Bot", "telegram.request", "aiohttp", "asyncio", "botcore_telegram"):
        caplog.set_level(logging.DEBUG, logger=name)
    server.fail("getUpdates", Fault.cut(executed=False), Fault.broken(502, html=True), Fault(status=401))
    server.fail("setMyCommands", Fault.cut(executed=False))
    async with running(HurriedClock()) as channel:
        await server.chat(7).says("hi")
        await inbox.holds(1)
        shown = [
            repr(channel),
            repr(channel._settings),
            str(channel._settings),
            repr(channel._link),
            channel.health,
        ]
    secret = server.token.partition(":")[2]
    assert caplog.records
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), caplog.handler.format(record)]
    assert [line for line in shown if secret in line or secret[:20] in line or secret[20:] in line] == []
