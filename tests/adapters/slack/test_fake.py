"""The fake keeps Slack's rules, seen through the real SDK: a test against it means something."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from botcore_slack.testing import APP_TOKEN, BOT_TOKEN, TEAM, FakeSlack, Fault

ROOT = "1690000000.000200"


def client(slack: FakeSlack, token: str = BOT_TOKEN) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=slack.base_url, retry_handlers=[])


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_token_must_be_the_right_one_of_the_right_kind(server: FakeSlack) -> None:
    assert (await client(server).auth_test())["team_id"] == TEAM
    assert await refusal(client(server, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert await refusal(client(server).apps_connections_open(app_token=BOT_TOKEN)) == "invalid_auth"
    assert (await client(server).apps_connections_open(app_token=APP_TOKEN))["url"].startswith("ws://127.0.0.1")


async def test_a_sockets_ticket_is_good_once(server: FakeSlack) -> None:
    url = str((await client(server).apps_connections_open(app_token=APP_TOKEN))["url"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_the_eleventh_socket_is_one_too_many(server: FakeSlack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            url = str((await client(server).apps_connections_open(app_token=APP_TOKEN))["url"])
            sockets.append(await session.ws_connect(url))
            assert (await sockets[-1].receive_json())["type"] == "hello"
        last = await sockets[-1].receive_json()
        for socket in sockets:
            await socket.close()
    assert (last["type"], last["reason"]) == ("disconnect", "too_many_websockets")


async def test_limits_of_text_and_blocks(server: FakeSlack) -> None:
    server.dm("U1")
    post = client(server).chat_postMessage
    markdown: dict[str, Any] = {"type": "markdown", "text": "x" * 12_001}
    assert await refusal(post(channel="D1", text="x", blocks=[markdown])) == "invalid_blocks"
    two = [{"type": "markdown", "text": "x" * 7000}] * 2
    assert await refusal(post(channel="D1", text="x", blocks=two)) == "msg_blocks_too_long"
    assert await refusal(post(channel="D1", text="x", blocks=[{"type": "divider"}] * 51)) == "invalid_blocks"
    assert await refusal(client(server).api_call("chat.postMessage", json={"channel": "D1"})) == "no_text"
    assert await refusal(post(channel="D9", text="x")) == "channel_not_found"
    odd = {"type": "context_actions", "elements": [{"type": "button"}]}
    assert await refusal(post(channel="D1", text="x", blocks=[odd])) == "invalid_blocks"


async def test_a_stream_needs_a_thread_and_in_channels_a_reader(server: FakeSlack) -> None:
    server.dm("U1"), server.channel("C1")
    slack = client(server)
    assert await refusal(slack.chat_startStream(channel="D1", thread_ts="")) == "missing_thread_ts"
    assert await refusal(slack.chat_startStream(channel="C1", thread_ts=ROOT)) == "missing_recipient_user_id"
    assert (
        await refusal(slack.chat_startStream(channel="C1", thread_ts=ROOT, recipient_user_id="U1"))
        == "missing_recipient_team_id"
    )


async def test_a_stream_grows_until_it_is_stopped_and_is_edited_only_afterwards(server: FakeSlack) -> None:
    ana, slack = server.dm("U1"), client(server)
    ts = str((await slack.chat_startStream(channel="D1", thread_ts=ROOT))["ts"])
    await slack.chat_appendStream(channel="D1", ts=ts, markdown_text="one ")
    assert await refusal(slack.chat_appendStream(channel="D1", ts=ts, markdown_text="x" * 12_001)) == "msg_too_long"
    assert await refusal(slack.chat_update(channel="D1", ts=ts, text="x")) == "streaming_state_conflict"
    await slack.chat_stopStream(channel="D1", ts=ts, markdown_text="two")
    for call in (slack.chat_appendStream, slack.chat_stopStream):
        assert await refusal(call(channel="D1", ts=ts, markdown_text="x")) == "message_not_in_streaming_state"
    assert ana.texts == ["one two"]
    await slack.chat_update(channel="D1", ts=ts, text="three")
    assert ana.texts == ["three"]


async def test_a_ticket_opens_one_form(server: FakeSlack) -> None:
    assert await refusal(client(server).views_open(trigger_id="made up", view={})) == "expired_trigger_id"


async def test_metadata_is_shown_to_who_asks_for_it(server: FakeSlack) -> None:
    server.dm("U1")
    slack = client(server)
    metadata = {"event_type": "t", "event_payload": {"a": 1}}
    await slack.chat_postMessage(channel="D1", text="hi", metadata=metadata)
    for asked, shown in ((True, metadata), (False, None)):
        [message] = (await slack.conversations_history(channel="D1", include_all_metadata=asked))["messages"]
        assert message.get("metadata") == shown


@pytest.mark.parametrize(("executed", "count"), [(True, 1), (False, 0)])
async def test_a_fault_is_before_or_after_the_call(server: FakeSlack, executed: bool, count: int) -> None:
    ana = server.dm("U1")
    server.fail("chat.postMessage", Fault.cut(executed=executed))
    with pytest.raises(aiohttp.ClientError):
        await client(server).chat_postMessage(channel="D1", text="hi")
    assert len(ana.messages) == count


async def test_calls_and_links_of_people_are_noticed(server: FakeSlack) -> None:
    server.dm("U1")
    await client(server).chat_postMessage(channel="D1", text="<!channel> <@U1>")
    await client(server).chat_postMessage(channel="D1", text="x", blocks=[{"type": "markdown", "text": "<!here>"}])
    assert server.api.called == ["<!channel>", "<@U1>", "<!here>"]


async def test_a_mention_in_a_channel_is_two_events_with_one_time(server: FakeSlack) -> None:
    said = await server.channel("C1").person("U2").uploads("a.pdf", b"%PDF", "@botcore hi & bye")
    events = [delivery.payload["event"] for delivery in said.deliveries]
    assert [(event["type"], "files" in event) for event in events] == [("message", True), ("app_mention", False)]
    assert server.deliveries == [said.deliveries[1], said.deliveries[0]]
    assert {(event["ts"], event["text"]) for event in events} == {(said.ts, "<@U0BOT> hi &amp; bye")}
    assert len({delivery.payload["event_id"] for delivery in said.deliveries}) == 2
    assert not said.received
