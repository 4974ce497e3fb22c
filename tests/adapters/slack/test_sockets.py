"""Socket Mode: the acknowledgement follows the commit, whatever the network, Slack or the store do."""

import asyncio
import json
import logging

import pytest

from botcore import Control, Message, SettingsError
from botcore.clock import SystemClock
from botcore.testing import ManualClock, until
from botcore_slack import Slack
from botcore_slack.sockets import LINGER_S, PING_EVERY_S, RENEW_S, SILENT_S
from botcore_slack.testing import FakeSlack, Fault
from tests.adapters.slack.conftest import FakeInbox, HurriedClock, Running, part


async def test_an_envelope_is_acknowledged_after_it_was_committed(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    async with running(server):
        async with inbox.stored:  # nothing can be committed meanwhile
            said = await server.dm("U1").says("hi")
            await asyncio.sleep(0.05)
            assert not said.received
        await server.receives(*said.deliveries)
    assert inbox.texts == ["hi"]


async def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    inbox.refusals = 1
    async with running(server) as channel:
        said = await server.dm("U1").says("hi")
        await until(lambda: "disk is full" in channel.health)
        assert not said.received
        await server.again(said.deliveries[0])
        await server.receives(*said.deliveries)
        assert channel.health == "ok"
    assert inbox.texts == ["hi"]


async def test_two_sockets_are_kept_open(server: FakeSlack, running: Running) -> None:
    async with running(server):
        await server.connected(2)
    assert server.sockets.opened == 2


async def test_a_socket_that_is_to_close_has_a_successor_first_and_is_read_to_its_end(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    async with running(server, sockets=1):
        old = await server.sockets.dismiss("refresh_requested")
        await server.connected(2)
        last = '{"envelope_id": "last", "type": "events_api", "payload": %s}'
        event = (await server.dm("U1").says("over the new one")).deliveries[0].payload
        event = json.loads(json.dumps(event).replace("over the new one", "over the old one"))
        event["event"] |= {"ts": "1700000009.000001", "client_msg_id": ""}
        await server.sockets.send(last % json.dumps(event), old)
        await until(lambda: "last" in server.sockets.acknowledged)
        await server.sockets.close(old)
        await until(lambda: old not in server.sockets.open)
        await inbox.holds(2)
    assert sorted(inbox.texts) == ["over the new one", "over the old one"]
    assert server.sockets.opened == 2


async def test_a_socket_that_broke_is_replaced_and_its_envelopes_come_again(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    inbox.refusals = 1
    async with running(server, sockets=1) as channel:
        said = await server.dm("U1").says("hi")
        await until(lambda: channel.health != "ok")
        await server.sockets.close()
        await server.receives(*said.deliveries)
    assert (inbox.texts, said.deliveries[0].attempts) == (["hi"], 2)


async def test_a_silently_dead_socket_is_replaced_within_a_minute(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    clock = ManualClock()
    async with running(server, clock):
        await server.connected(2)
        server.sockets.silence()
        said = await server.dm("U1").says("hi")
        passed = 0.0
        while server.sockets.opened < 4 and passed < 60:
            await clock.advance(5)
            passed += 5
            await asyncio.sleep(0.01)
        await server.receives(*said.deliveries)
        assert passed <= SILENT_S + 5
    assert inbox.texts == ["hi"]


async def test_a_socket_that_answers_pings_lives_on(server: FakeSlack, running: Running) -> None:
    clock = ManualClock()
    async with running(server, clock) as channel:
        await server.connected(2)
        for _ in range(12):
            await clock.advance(PING_EVERY_S)
            await asyncio.sleep(0.01)
        assert channel.health == "ok"
    assert server.sockets.opened == 2


async def test_no_socket_grows_old(server: FakeSlack, running: Running) -> None:
    clock = ManualClock()
    async with running(server, clock, sockets=1):
        for _ in range(int(RENEW_S / PING_EVERY_S) + 3):
            await clock.advance(PING_EVERY_S)
            await asyncio.sleep(0.001)
        await until(lambda: server.sockets.opened == 2)
        for _ in range(int(LINGER_S / PING_EVERY_S) + 2):
            await clock.advance(PING_EVERY_S)
            await asyncio.sleep(0.01)
        await until(lambda: len(server.sockets.open) == 1)


@pytest.mark.parametrize(
    ("reason", "words"), [("link_disabled", "switched off"), ("too_many_websockets", "more than ten sockets")]
)
async def test_what_an_operator_must_mend_is_said_in_words_and_asked_again_slowly(
    server: FakeSlack, running: Running, reason: str, words: str
) -> None:
    clock = ManualClock()
    async with running(server, clock, sockets=1) as channel:
        await server.sockets.dismiss(reason)
        await until(lambda: words in channel.health)
        await clock.advance(30)
        assert server.sockets.opened == 1
        await clock.advance(31)
        await until(lambda: channel.health == "ok")
    assert server.sockets.opened == 2


async def test_a_server_that_ends_every_socket_is_not_pestered(server: FakeSlack, running: Running) -> None:
    clock = HurriedClock()
    async with running(server, clock, sockets=1):
        for number in range(1, 8):
            await until(lambda number=number: server.sockets.opened == number and server.sockets.open)
            await server.sockets.close()
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] >= 8


@pytest.mark.parametrize(
    "fault",
    [
        Fault.cut(executed=False),
        Fault.cut(executed=True),
        Fault.broken(500),
        Fault.broken(502, html=True),
        Fault.flood(7),
        Fault.refused("internal_error"),
    ],
)
@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
async def test_the_start_survives_the_network_and_slack(
    server: FakeSlack, inbox: FakeInbox, running: Running, fault: Fault, method: str
) -> None:
    server.fail(method, fault, fault)
    clock = HurriedClock()
    async with running(server, clock):
        await server.receives(*(await server.dm("U1").says("hi")).deliveries)
    assert inbox.texts == ["hi"]
    assert all(0.5 <= seconds <= 60 for seconds in clock.slept)
    assert fault.status != 429 or min(clock.slept) >= 7


@pytest.mark.parametrize(("method", "token"), [("auth.test", "BOT_TOKEN"), ("apps.connections.open", "APP_TOKEN")])
@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "not_allowed_token_type"])
async def test_a_wrong_token_at_the_start_is_one_clear_line(
    server: FakeSlack, inbox: FakeInbox, method: str, token: str, error: str
) -> None:
    server.fail(method, Fault.refused(error))
    channel = Slack(server.settings(), SystemClock())
    with pytest.raises(SettingsError, match=f"{error}.*BOTCORE_CHANNELS__SLACK__{token}"):
        await channel.run(inbox)
    assert error in channel.health


async def test_a_token_that_stops_to_hold_later_is_said_and_asked_again(server: FakeSlack, running: Running) -> None:
    clock = HurriedClock()
    async with running(server, clock, sockets=1) as channel:
        server.fail("apps.connections.open", Fault.refused("token_revoked"))
        await server.sockets.close()
        await until(lambda: 60.0 in clock.slept)
        await until(lambda: channel.health == "ok")


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable", "ratelimited"])
async def test_a_moment_of_slacks_own_trouble_makes_nobody_deaf_for_a_minute(
    server: FakeSlack, running: Running, error: str
) -> None:
    clock = HurriedClock()
    async with running(server, clock, sockets=1):
        server.fail("apps.connections.open", Fault.refused(error))
        await server.sockets.close()
        await server.serves("apps.connections.open", 2)
    assert max(clock.slept) < 2


async def test_what_cannot_be_understood_is_kept_and_holds_nobody_up(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    async with running(server):
        broken = await server.brings({"type": "message", "channel": "D1", "text": "no time, no author"})
        for frame in (
            "{",
            "[1]",
            '"x"',
            "{}",
            '{"type": 7}',
            '{"type": "events_api"}',
            '{"type": [], "envelope_id": "e8", "payload": {}}',
            "[" * 10_000,
        ):
            await server.sockets.send(frame)
        unknown = '{"envelope_id": "e9", "type": "slash_commands", "payload": {"command": "/x"}}'
        await server.sockets.send(unknown)
        await server.receives(broken, *(await server.dm("U1").says("hi")).deliveries)
        await until(lambda: "e9" in server.sockets.acknowledged)
    [(event, payload, _)] = inbox.letters
    assert (event, inbox.texts) == (broken.payload["event_id"], ["hi"])
    assert "no time" in payload
    assert "verification-token" not in payload


async def test_one_poisonous_record_becomes_a_dead_letter(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    inbox.poison = "bad"
    ana = server.dm("U1")
    async with running(server):
        for text in ("one", "bad", "two"):
            await server.receives(*(await ana.says(text)).deliveries)
    assert inbox.texts == ["one", "two"]
    assert [reason for _, _, reason in inbox.letters] == ["ValueError: cannot be stored"]


async def test_what_is_said_in_a_thread_waits_for_a_store_that_cannot_be_read(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    class Broken:
        async def history(self, *_: object, **__: object) -> list[object]:
            raise RuntimeError("the disk is gone")

    ben = server.channel("C1").person("U2")
    async with running(server) as channel:
        channel._bot = Broken()  # type: ignore[assignment]
        said = await ben.says("and then?", thread=(await ben.says("lunch?")).ts)
        await until(lambda: "RuntimeError" in channel.health)
        assert not said.received
        channel._bot = None
        await server.again(said.deliveries[0])
        await server.receives(*said.deliveries)
    assert inbox.committed == []


async def test_a_form_opens_only_for_a_thumb_that_is_kept(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    ana = server.dm("U1")
    async with running(server) as channel:
        await channel.send(part("a reply", ask_feedback=True))
        inbox.refusals = 1
        pressed = await ana.thumbs_down(ana.messages[0])
        await until(lambda: channel.health != "ok")
        assert (pressed.received, "views.open" in dict(server.received)) == (False, False)
        await server.again(pressed)
        await ana.form()
        assert pressed.received
    assert len(inbox.committed) == 1


async def test_a_dead_letter_that_cannot_be_kept_comes_again(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    async with running(server):
        inbox.refusals = 1
        broken = await server.brings({"type": "message", "channel": "D1"})
        await until(lambda: inbox.refusals == 0)
        await server.again(broken)
        await server.receives(broken)
    assert len(inbox.letters) == 1


async def test_edits_and_deletions_arrive_whatever_the_order(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    ana = server.dm("U1")
    async with running(server):
        said = await ana.says("first")
        await server.receives(await ana.deletes(said), await ana.rewrites(said, "second"))
        await inbox.holds(3)
    assert {record.kind for record in inbox.committed if isinstance(record, Control)} == {"edit", "delete"}


async def test_who_is_turned_away_hears_what_the_core_says(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    inbox.notices += ["please wait", ""]
    ana = server.dm("U1")
    async with running(server):
        for text in ("one", "two"):
            await server.receives(*(await ana.says(text)).deliveries)
        await until(lambda: ana.messages)
    assert ana.texts == ["please wait"]


async def test_one_mention_is_one_event_id(server: FakeSlack, inbox: FakeInbox, running: Running) -> None:
    async with running(server):
        said = await server.channel("C1").person("U2").says("@botcore hi")
        await server.receives(*said.deliveries)
    assert len(said.deliveries) == 2
    assert len({record.event_id for record in inbox.committed if isinstance(record, Message)}) == 1


async def test_a_socket_without_a_hello_is_not_waited_for(server: FakeSlack, inbox: FakeInbox) -> None:
    clock, server.sockets.hello = ManualClock(), False
    channel = Slack(server.settings(sockets=1), clock)
    task = asyncio.create_task(channel.run(inbox))
    await server.connected(1)
    assert channel.health != "ok"
    server.sockets.hello = True
    while server.sockets.opened < 2:
        await clock.advance(PING_EVERY_S)
        await asyncio.sleep(0.01)
    await until(lambda: channel.health == "ok")
    task.cancel()
    await asyncio.wait([task])


async def test_no_secret_and_no_traceback_in_the_log_at_debug(
    server: FakeSlack, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for method in ("auth.test", "apps.connections.open"):
        server.fail(method, Fault.cut(executed=False), Fault.broken(502, html=True), Fault.flood(1))
    inbox.refusals = 1
    async with running(server, HurriedClock()):
        ana = server.dm("U1")
        await ana.says("one")
        await server.brings({"type": "message", "channel": "D1"})
        await server.receives(*(await ana.says("two")).deliveries)
        await server.sockets.close()
        await until(lambda: server.sockets.opened > 2)
    assert "socket" in caplog.text
    assert "Traceback" not in caplog.text
    assert_no_secret(server, caplog.text)


def assert_no_secret(server: FakeSlack, text: str) -> None:
    settings = server.settings()
    for secret in (settings.bot_token, settings.app_token, settings.signing_secret):
        value = secret.get_secret_value()
        for piece in (value, value[: len(value) // 2], value[len(value) // 2 :]):
            assert not piece or piece not in text
    assert "ticket-" not in text
