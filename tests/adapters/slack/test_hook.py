"""The Events way in: forged, replayed, repeated and malformed posts, and a store that refuses."""

import json
import logging
from typing import Any

import pytest

from botcore.testing import ManualClock, until
from botcore_slack import Slack
from botcore_slack.testing import SIGNING_SECRET, FakeSlack
from tests.adapters.slack.conftest import Desk, FakeInbox, Running
from tests.adapters.slack.test_sockets import assert_no_secret

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def posted(slack: FakeSlack, body: bytes, kind: dict[str, str] = JSON, **proof: Any) -> tuple[int, bytes]:
    return await slack.events.post(body, {**kind, **slack.events.signed(body, **proof)})


async def test_a_post_is_answered_after_it_was_committed(poster: FakeSlack, inbox: FakeInbox, running: Running) -> None:
    async with running(poster):
        said = await poster.dm("U1").says("hi")
    assert (inbox.texts, said.deliveries[0].statuses) == (["hi"], [200])


async def test_what_cannot_be_stored_is_answered_503_and_its_repetition_is_taken(
    poster: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    inbox.refusals = 2
    async with running(poster) as channel:
        said = await poster.dm("U1").says("hi")
        assert "disk is full" in channel.health
        for _ in range(3):
            await poster.again(said.deliveries[0])
        assert channel.health == "ok"
    assert said.deliveries[0].statuses == [503, 503, 200, 200]
    assert {record.event_id for record in inbox.committed} == {inbox.committed[0].event_id}


async def test_the_address_is_confirmed_to_slack_alone(poster: FakeSlack, running: Running) -> None:
    question = b'{"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}'
    async with running(poster):
        status, answer = await posted(poster, question)
        assert (status, answer) == (200, b"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
        assert await poster.events.post(question, JSON) == (401, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "abc", "X-Slack-Signature": "v0=" + "0" * 64},
        {"X-Slack-Request-Timestamp": "9" * 5000, "X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": "1.5", "X-Slack-Signature": ""},
    ],
)
@pytest.mark.parametrize("body", [b"{}", b"", b"\xff", b"[" * 100_000])
async def test_a_stranger_gets_an_empty_401_and_nothing_is_read(
    poster: FakeSlack, inbox: FakeInbox, running: Running, headers: dict[str, str], body: bytes
) -> None:
    async with running(poster):
        assert await poster.events.post(body, {**JSON, **headers}) == (401, b"")
    assert (inbox.committed, inbox.letters) == ([], [])


async def test_forged_and_replayed_posts_are_refused(poster: FakeSlack, inbox: FakeInbox, running: Running) -> None:
    clock = ManualClock()
    poster.clock = clock
    async with running(poster, clock):
        said = await poster.dm("U1").says("hi")
        body = json.dumps(said.deliveries[0].payload).encode()
        old = poster.events.signed(body)
        assert (await posted(poster, body, secret="guess"))[0] == 401
        assert (await posted(poster, body, at=clock.now() + 301))[0] == 401
        assert (await poster.events.post(body + b" ", {**JSON, **old}))[0] == 401
        await clock.advance(301)
        assert (await poster.events.post(body, {**JSON, **old}))[0] == 401
        assert (await posted(poster, body))[0] == 200
    assert inbox.texts == ["hi", "hi"], "within the five minutes the inbox is what knows a repetition"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", JSON),
        (b"\xff", JSON),
        (b"[1]", JSON),
        (b"[" * 100_000, JSON),
        (b'{"type": "event_callback"}', JSON),
        (b'{"type": "event_callback", "event": {"type": "message"}}', JSON),
        (b'{"type": ["block_actions"]}', JSON),
        (b"payload=%7B", FORM),
        (b"command=%2Fstop", FORM),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D", FORM),
    ],
)
async def test_what_is_slacks_and_of_no_use_is_kept_and_answered_200(
    poster: FakeSlack, inbox: FakeInbox, running: Running, body: bytes, kind: dict[str, str]
) -> None:
    async with running(poster):
        assert await posted(poster, body, kind) == (200, b"")
        assert await posted(poster, body, kind) == (200, b"")
    assert inbox.committed == []
    assert len({event for event, _, _ in inbox.letters}) <= 1
    assert len(inbox.letters) in (0, 2)  # an object of a type that is not ours is no letter


async def test_slack_dropping_events_shows_in_health_until_it_is_over(poster: FakeSlack, running: Running) -> None:
    clock = ManualClock()
    poster.clock = clock
    async with running(poster, clock) as channel:
        limited = b'{"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1518467820}'
        assert (await posted(poster, limited))[0] == 200
        await poster.dm("U1").says("hi")
        assert "30,000" in channel.health
        await clock.advance(120)
        await poster.dm("U1").says("hi again")
        assert channel.health == "ok"


async def test_before_the_bot_knows_who_it_is_slack_is_asked_to_come_again(poster: FakeSlack) -> None:
    channel = Slack(poster.settings())
    async with Desk(channel).open() as url:
        poster.posts_to(url)
        assert (await poster.dm("U1").says("hi")).deliveries[0].statuses == [503]


async def test_over_sockets_nothing_listens_on_the_port(server: FakeSlack) -> None:
    async with Desk(Slack(server.settings())).open() as url:
        server.posts_to(url)
        assert (await server.events.post(b"{}", JSON))[0] == 404


async def test_presses_and_forms_come_to_the_same_address(
    poster: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    async with running(poster):
        await poster.brings_action({"type": "block_actions", "actions": [{"action_id": "somebody else's"}]})
        await poster.brings_action({"type": "shortcut", "callback_id": "x"})
    assert [delivery.statuses for delivery in poster.deliveries] == [[200], [200]]
    assert (inbox.committed, inbox.letters) == ([], [])


async def test_strangers_cost_one_line_a_minute_and_no_secret_is_logged(
    poster: FakeSlack, inbox: FakeInbox, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    inbox.refusals = 1
    async with running(poster) as channel:
        for _ in range(20):
            await posted(poster, b"{}", secret="guess")
        await poster.dm("U1").says("not stored")
        await posted(poster, b"{")
        await until(lambda: channel.health == "ok")
    lines = [record for record in caplog.records if "without Slack's signature" in record.message]
    assert len(lines) == 1
    assert SIGNING_SECRET
    assert "Traceback" not in caplog.text
    assert_no_secret(poster, caplog.text)
