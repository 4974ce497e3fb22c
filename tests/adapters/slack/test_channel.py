"""The way out, against the fake server: what is sent, and what every failure is called."""

import asyncio
import logging
import subprocess
import sys
from contextlib import aclosing

import pytest

from botcore import Attachment, BotcoreError, Citation, Conversation, Rejected, Retry, SettingsError, Unknown
from botcore.clock import SystemClock
from botcore.sender import MAX_ATTEMPTS
from botcore.settings import validate
from botcore.testing import ManualClock, until
from botcore_slack import Slack, request
from botcore_slack.errors import in_our_words
from botcore_slack.files import address_of
from botcore_slack.request import NotSent
from botcore_slack.testing import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, TEAM, FakeSlack, Fault
from tests.adapters.slack.conftest import ANA, FakeInbox, Running, draft, part
from tests.adapters.slack.conftest import TEAM as THREAD
from tests.adapters.slack.test_sockets import assert_no_secret
from tests.proxies import NO_WAY, proxy

# ------------------------------------------------------------------ sending


async def test_a_part_is_one_message_and_its_id_names_channel_and_message(server: FakeSlack, running: Running) -> None:
    ana = server.dm("U1")
    async with running(server) as channel:
        sent = await channel.send(part("**hi** & <b>"))
    [message] = ana.messages
    assert sent == f"D1:{message.ts}"
    assert (message.text, message.notification, message.thread) == ("**hi** & <b>", "**hi** &amp; &lt;b&gt;", "")
    [call] = [call.parameters for call in server.calls if call.method == "chat.postMessage"]
    assert (call["unfurl_links"], call["unfurl_media"], call.get("parse"), call.get("link_names")) == (
        False,
        False,
        None,
        None,
    )
    assert call["metadata"]["event_payload"] == {"outbox_id": "t.0", "placeholder": False}


async def test_in_a_thread_every_message_stays_there(server: FakeSlack, running: Running) -> None:
    team = server.channel("C1")
    async with running(server) as channel:
        await channel.send(part("hi", THREAD))
    assert [message.thread for message in team.messages] == [THREAD.thread]


async def test_sources_and_buttons_stand_below_the_part_that_asks_for_them(server: FakeSlack, running: Running) -> None:
    ana = server.dm("U1")
    cited = Citation(number=1, title="The <Guide>", page=12, snippet="It is\n42 & more.", source="https://a.b/c")
    async with running(server) as channel:
        await channel.send(part("See [1]", citations=(cited, cited), ask_feedback=True))
        await channel.send(part("plain"))
    first, second = ana.messages
    assert first.sources == "*Sources*\n[1] <https://a.b/c|The &lt;Guide&gt;>, p. 12 — It is 42 &amp; more."
    assert (first.buttons, second.buttons) == (["botcore_thumbs", "botcore_again"], [])


@pytest.mark.parametrize("text", ["x" * 11_000, "😀" * 11_000, "<@U1>" * 2200, "&" * 11_000, "`" * 11_000])
async def test_the_longest_texts_the_core_sends_are_taken_and_call_nobody(
    server: FakeSlack, running: Running, text: str
) -> None:
    ana = server.dm("U1")
    many = tuple(Citation(number=n, title="t" * 200, snippet="s" * 900) for n in range(100))
    async with running(server) as channel:
        sent = await channel.send(part(text, citations=many, ask_feedback=True))
        await channel.edit(sent, part(text, citations=many, ask_feedback=True))
    assert len(ana.messages) == 1
    assert server.api.called == []


async def test_an_edit_replaces_the_message_and_takes_old_blocks_away(server: FakeSlack, running: Running) -> None:
    ana = server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        assert not ana.messages[0].finished
        await channel.edit(anchor, part("done", ask_feedback=True))
        await channel.edit(anchor, part("done"))
    [message] = ana.messages
    assert (message.text, message.buttons, message.finished) == ("done", [], True)


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_blocks_too_long"])
async def test_blocks_that_are_refused_are_left_out(
    server: FakeSlack, running: Running, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    ana = server.dm("U1")
    server.fail("chat.postMessage", Fault.refused(error))
    async with running(server) as channel:
        await channel.send(part("**hi** [1]", citations=(Citation(number=1, title="Guide"),), ask_feedback=True))
    assert (ana.texts, ana.messages[0].blocks) == (["**hi** [1]\n\n[1] Guide"], [])
    assert "refuses the formatting" in caplog.text


LONG = {
    "words": " ".join(f"word{number}" for number in range(1200)),
    "lines": "\n".join(f"line {number}" for number in range(1000)),
    "nothing but &": "&" * 10_000,
    "a line too much": "x" * 3990 + "\n" * 20,
    "no gap": "x" * 3000 + "<b>" * 2000,
}


@pytest.mark.parametrize("place", [ANA, THREAD])
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
async def test_a_long_reply_whose_blocks_are_refused_goes_on_in_further_messages(
    server: FakeSlack, running: Running, text: str, place: Conversation
) -> None:
    chat = server.dm("U1") if place is ANA else server.channel("C1")
    cited = tuple(Citation(number=n, title="t" * 80, snippet="s" * 160) for n in range(9))
    async with running(server) as channel:
        anchor = await channel.send(part("…", place))
        server.fail("chat.update", Fault.refused("invalid_blocks"))
        await channel.edit(anchor, part(text, place, citations=cited))
    said = [one.removesuffix("\n\n_… goes on below_") for one in chat.texts]
    assert [one.endswith("goes on below_") for one in chat.texts] == [True] * (len(said) - 1) + [False]
    assert "".join(said).startswith(text.rstrip())
    assert said[-1].count("sss") == 9 * 53
    assert {message.thread for message in chat.messages} == {place.thread}


@pytest.mark.parametrize("trouble", [Fault.flood(1), Fault.cut(executed=True), Fault.refused("internal_error")])
async def test_what_follows_an_edit_is_not_posted_again_when_the_edit_is_repeated(
    server: FakeSlack, running: Running, trouble: Fault
) -> None:
    clock, ana, long = ManualClock(), server.dm("U1"), part(LONG["words"])
    async with running(server, clock) as channel:
        anchor = await channel.send(part("…"))
        server.fail("chat.update", Fault.refused("invalid_blocks"), trouble, Fault.refused("invalid_blocks"))
        with pytest.raises((Retry, Unknown)):
            await channel.edit(anchor, long)
        await clock.advance(2)
        await channel.edit(anchor, long)
        assert await channel.find(long, 0) == anchor
    assert "".join(text.removesuffix("\n\n_… goes on below_") for text in ana.texts) == LONG["words"]


async def test_a_reply_that_cannot_go_on_has_not_arrived(server: FakeSlack, running: Running) -> None:
    ana, long = server.dm("U1"), part(LONG["words"])
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        server.fail("chat.update", *[Fault.refused("invalid_blocks")] * 2)
        server.fail("chat.postMessage", Fault.broken(500))
        with pytest.raises(Unknown):
            await channel.edit(anchor, long)
        assert (await channel.find(long, 1e12), ana.texts) == (None, ["…"])
        await channel.edit(anchor, long)
    assert ana.texts[-1].endswith("word1199")


async def test_two_chats_do_not_wait_for_each_other(server: FakeSlack, running: Running) -> None:
    ana, ben = server.dm("U1"), server.dm("U2")
    other = Conversation(channel="slack", account=ANA.account, chat="D2")
    async with running(server) as channel, asyncio.TaskGroup() as group, server.hold("chat.postMessage", "D1") as gate:
        group.create_task(channel.send(part("to ana")))
        await gate.reached()
        await channel.send(part("to ben", other))
        assert (ana.texts, ben.texts) == ([], ["to ben"])


# ------------------------------------------------------------------ what failures are called

FAILURES = [
    (Fault.flood(17), Retry),
    (Fault.refused("ratelimited"), Retry),
    (Fault.refused("request_timeout"), Retry),
    (Fault.refused("invalid_auth"), Retry),
    (Fault.refused("missing_scope"), Retry),
    (Fault(status=407), Retry),
    (Fault(status=404, html=True), Retry),
    (Fault.refused("channel_not_found"), Rejected),
    (Fault.refused("is_archived"), Rejected),
    (Fault.refused("msg_too_long"), Rejected),
    (Fault.refused("an_error_that_is_new"), Rejected),
    (Fault(status=413, html=True), Rejected),
    (Fault.refused("internal_error"), Unknown),
    (Fault.refused("fatal_error"), Unknown),
    (Fault.refused("service_unavailable"), Unknown),
    (Fault.broken(500), Unknown),
    (Fault.broken(502, html=True), Unknown),
    (Fault.broken(200, html=True), Unknown),
    (Fault(status=302, html=True), Unknown),
    (Fault.refused(""), Unknown),
    (Fault.cut(executed=False), Unknown),
    (Fault.cut(executed=True), Unknown),
]


@pytest.mark.parametrize("call", ["send", "edit"])
@pytest.mark.parametrize(("fault", "expected"), FAILURES)
async def test_every_failure_has_its_word(
    server: FakeSlack, running: Running, fault: Fault, expected: type[Exception], call: str
) -> None:
    server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        server.fail("chat.postMessage" if call == "send" else "chat.update", fault)
        with pytest.raises(expected) as caught:
            await (channel.send(part()) if call == "send" else channel.edit(anchor, part("new")))
    assert type(caught.value) is expected
    if isinstance(caught.value, Retry):
        assert caught.value.after == {429: 17, 200: caught.value.after}.get(fault.status, 60)
        assert caught.value.after >= 1
    # aiohttp's own error is kept out of every traceback.
    cause = caught.value.__cause__
    assert cause
    assert cause.__suppress_context__ or not cause.__context__
    assert_no_secret(server, f"{caught.value!r} {cause!r} {vars(cause)}")


async def test_a_method_that_slack_wants_no_more_of_waits_in_other_chats_too(
    server: FakeSlack, running: Running
) -> None:
    clock, ana, ben = ManualClock(), server.dm("U1"), server.dm("U2")
    other = Conversation(channel="slack", account=ANA.account, chat="D2")
    async with running(server, clock) as channel:
        there = await channel.send(part("…", other))
        server.flood(retry_after=30)
        with pytest.raises(Retry):
            await channel.send(part())
        before = len(server.received)
        with pytest.raises(Retry) as caught:
            await channel.send(part("hi", other))
        assert (caught.value.after, len(server.received)) == (30, before), "Slack is not asked"
        await channel.edit(there, part("another method goes on", other))
        await clock.advance(31)
        await channel.send(part("hi", other))
    assert (ana.texts, ben.texts) == ([], ["another method goes on", "hi"])


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "-5", ""])
async def test_a_strange_retry_after_is_a_second(server: FakeSlack, running: Running, header: str) -> None:
    server.dm("U1")
    server.fail("chat.postMessage", Fault(status=429, error="ratelimited", retry_after=header))
    async with running(server) as channel:
        with pytest.raises(Retry) as caught:
            await channel.send(part())
    assert caught.value.after == 1


async def test_a_redirect_takes_the_token_nowhere(server: FakeSlack, running: Running) -> None:
    server.dm("U1")
    async with running(server) as channel, FakeSlack() as elsewhere:
        server.fail("chat.postMessage", Fault.redirected(f"{elsewhere.base_url}chat.postMessage"))
        with pytest.raises(Unknown):
            await channel.send(part())
        assert elsewhere.received == []


async def test_an_edit_of_a_message_that_is_gone_is_rejected(server: FakeSlack, running: Running) -> None:
    server.dm("U1")
    async with running(server) as channel:
        for platform_id in ("D1:1700000000.999999", "elsewhere", ""):
            with pytest.raises(Rejected):
                await channel.edit(platform_id, part())


async def test_silence_after_the_request_was_written_is_unknown(server: FakeSlack, running: Running) -> None:
    server.dm("U1")
    async with running(server, call_timeout_s=0.05) as channel, server.hold("chat.postMessage"):
        with pytest.raises(Unknown):
            await channel.send(part())


async def test_without_a_connection_nothing_was_sent_and_the_pause_grows(server: FakeSlack) -> None:
    clock = ManualClock()
    channel = Slack(server.settings(), clock)
    async with channel.lifespan(None):  # type: ignore[arg-type]
        await server.__aexit__()
        pauses = []
        for passed in (0, 3, 60, 3600):
            await clock.advance(passed)
            with pytest.raises(Retry) as caught:
                await channel.send(part())
            pauses.append(caught.value.after)
    assert pauses == [1, 3, 63, 300]


@pytest.mark.parametrize(("answer", "why"), [(NO_WAY, "the proxy answers 503"), (b"", "ConnectionTimeoutError")])
async def test_a_proxy_that_leads_nowhere_has_sent_nothing(
    server: FakeSlack, monkeypatch: pytest.MonkeyPatch, answer: bytes, why: str
) -> None:
    monkeypatch.setattr(request, "CONNECTED_S", 0.05)
    file = Attachment(name="a.txt", media_type="text/plain", size=1, reference="https://files.slack.com/a.txt")
    async with proxy(answer) as address:
        monkeypatch.setenv("https_proxy", address)
        channel = Slack(server.settings(base_url="https://slack.example/api/"), ManualClock())
        async with channel.lifespan(None):  # type: ignore[arg-type]
            with pytest.raises(Retry, match=why):
                await channel.send(part())
            async with aclosing(channel.fetch(file)) as pieces:
                with pytest.raises(Retry):
                    await anext(pieces)


def test_a_day_without_network_costs_no_reply() -> None:
    gone_for = 0.0
    for _ in range(MAX_ATTEMPTS):
        asked = in_our_words(NotSent("no connection"), gone_for=gone_for)
        assert isinstance(asked, Retry)
        gone_for += asked.after
    assert gone_for >= 24 * 3600


async def test_a_channel_that_is_not_connected_asks_to_wait(server: FakeSlack) -> None:
    with pytest.raises(Retry):
        await Slack(server.settings()).send(part())


# ------------------------------------------------------------------ asking what was sent


async def test_what_was_sent_is_found_wherever_it_went(server: FakeSlack, running: Running) -> None:
    server.dm("U1"), server.channel("C1")
    async with running(server) as channel:
        for number, place in enumerate((ANA, THREAD)):
            said = part("hi", place, id=f"t{number}.0")
            sent = await channel.send(said)
            assert await channel.find(said, 0) == sent


async def test_a_placeholder_is_not_taken_for_the_reply(server: FakeSlack, running: Running) -> None:
    server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        done = part("done", platform_id=anchor)
        assert await channel.find(part("…"), 0) == anchor
        server.fail("chat.update", Fault.cut(executed=False))
        with pytest.raises(Unknown):
            await channel.edit(anchor, done)
        assert await channel.find(done, 1e12) is None
        await channel.edit(anchor, done)
        assert await channel.find(done, 1e12) == anchor


async def test_many_pages_are_looked_through_and_too_many_are_not(server: FakeSlack, running: Running) -> None:
    server.dm("U1")
    async with running(server) as channel:
        for number in range(450):
            server.api.history.append({"channel": "D1", "user": "U1", "ts": f"{1_600_000_000 + number}.000001"})
        sent = await channel.send(part())
        assert await channel.find(part(), 0) == sent
        for number in range(2000):
            server.api.history.append({"channel": "D1", "user": "U1", "ts": f"{1_500_000_000 + number}.000001"})
        with pytest.raises(Unknown):
            await channel.find(part(), 0)


@pytest.mark.parametrize(
    "fault", [Fault.refused("missing_scope"), Fault.refused("not_in_channel"), Fault.broken(500), Fault.flood(1)]
)
async def test_where_slack_does_not_say_nobody_can_tell(server: FakeSlack, running: Running, fault: Fault) -> None:
    server.dm("U1")
    clock = ManualClock()
    async with running(server, clock) as channel:
        await channel.send(part())
        server.fail("conversations.history", *[fault] * 3)
        asking = asyncio.create_task(channel.find(part(), 0))
        while not asking.done():
            await clock.advance(60)
            await asyncio.sleep(0.005)
        with pytest.raises(Unknown):
            asking.result()


async def test_a_placeholder_that_an_earlier_process_posted_is_found(server: FakeSlack, running: Running) -> None:
    server.channel("C1")
    async with running(server) as channel:
        anchor = await channel.send(part("…", THREAD))
    async with running(server) as channel:
        assert await channel.find(part("…", THREAD), 0) == anchor
        assert await channel.find(part("…", THREAD, id="another.0"), 1e12) is None


# ------------------------------------------------------------------ streams and previews


async def test_a_stream_shows_only_what_is_new_and_ends_with_the_rest(
    server: FakeSlack, inbox: FakeInbox, running: Running
) -> None:
    ben = server.channel("C1").person("U2")
    async with running(server) as channel:
        said = await ben.says("@botcore hi")
        await inbox.holds(1)
        place = inbox.committed[0].conversation
        anchor = await channel.send(part("…", place, reply_to=f"C1:{said.ts}"))
        for text in ("One", "One ", "One two <!here>", "One two <!here>"):
            await channel.show(draft(text, place, platform_id=anchor))
        [message] = ben.messages
        assert (message.text, message.streaming) == ("One two <\u200b!here>", True)
        await channel.edit(anchor, part("One two <!here> three.", place, ask_feedback=True))
        await channel.edit(anchor, part("One two <!here> three.", place, ask_feedback=True))
    start, *appends = [call.parameters for call in server.calls if "Stream" in call.method]
    assert (start["recipient_user_id"], start["recipient_team_id"], start["thread_ts"]) == ("U2", TEAM, said.ts)
    assert [one["markdown_text"] for one in appends] == ["One", " two <\u200b!here>", " three."]
    assert (message.text, message.streaming, len(message.buttons)) == ("One two <\u200b!here> three.", False, 2)


@pytest.mark.parametrize("final", ["Quite another text.", "One " + "x" * 10_990])
async def test_a_reply_that_is_no_extension_is_written_over_the_stream(
    server: FakeSlack, running: Running, final: str
) -> None:
    private = Conversation(channel="slack", account=ANA.account, chat="D1", thread=THREAD.thread)
    ana = server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…", private))
        await channel.show(draft("One two", private, platform_id=anchor))
        await channel.edit(anchor, part(final, private))
    assert ana.texts == [final]
    assert not ana.messages[0].streaming


async def test_a_stream_of_an_earlier_process_is_ended_and_written_over(server: FakeSlack, running: Running) -> None:
    private = Conversation(channel="slack", account=ANA.account, chat="D1", thread=THREAD.thread)
    ana = server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…", private))
        await channel.show(draft("One", private, platform_id=anchor))
    async with running(server) as channel:
        await channel.edit(anchor, part("One two.", private))
    assert (ana.texts, ana.messages[0].streaming) == (["One two."], False)


async def test_in_a_channel_where_nobody_is_known_to_have_asked_a_placeholder_is_posted(
    server: FakeSlack, running: Running
) -> None:
    team = server.channel("C1")
    async with running(server) as channel:
        await channel.send(part("…", THREAD, reply_to="C1:1700000000.000009"))
    assert [message.streamed for message in team.messages] == [False]


@pytest.mark.parametrize("error", ["channel_type_not_supported", "missing_scope"])
async def test_a_workspace_that_does_not_stream_is_not_asked_each_time(
    server: FakeSlack, running: Running, error: str
) -> None:
    private = Conversation(channel="slack", account=ANA.account, chat="D1", thread=THREAD.thread)
    server.dm("U1")
    server.fail("chat.startStream", *[Fault.refused(error)] * 2)
    async with running(server) as channel:
        for number in range(3):
            await channel.send(part("…", private, id=f"t{number}.0"))
    assert [method for method, _ in server.received].count("chat.startStream") == 1


async def test_a_chat_that_cannot_stream_takes_it_from_no_other(server: FakeSlack, running: Running) -> None:
    ben, ana = server.dm("U2"), server.dm("U1")
    server.fail("chat.startStream", Fault.refused("channel_type_not_supported"))
    async with running(server) as channel:
        for chat in ("D2", "D1", "D2"):
            place = Conversation(channel="slack", account=ANA.account, chat=chat, thread=THREAD.thread)
            await channel.send(part("…", place, id=f"t{chat}.0"))
    assert [message.streamed for message in (*ana.messages, *ben.messages)] == [True, False, False]


async def test_too_many_streams_delay_no_reply(server: FakeSlack, running: Running) -> None:
    clock = ManualClock()
    private = Conversation(channel="slack", account=ANA.account, chat="D1", thread=THREAD.thread)
    ana = server.dm("U1")
    async with running(server, clock) as channel:
        first = await channel.send(part("…", private, id="t0.0"))
        server.flood(method="chat.appendStream", retry_after=30)
        for text in ("One", "One two"):
            await channel.show(draft(text, private, platform_id=first))
        assert ana.texts == [""]
        await channel.edit(first, part("One two three.", private, id="t0.0"))
        server.flood(method="chat.startStream", retry_after=30)
        for number in (1, 2):
            await channel.send(part("…", private, id=f"t{number}.0"))
        await clock.advance(31)
        last = await channel.send(part("…", private, id="t3.0"))
        await channel.show(draft("Four", private, platform_id=last))
    assert ana.texts == ["One two three.", "…", "…", "Four"]
    assert [message.streamed for message in ana.messages] == [True, False, False, True]


async def test_a_stream_whose_answer_was_lost_is_found_and_another_bots_message_is_not(
    server: FakeSlack, running: Running
) -> None:
    private = Conversation(channel="slack", account=ANA.account, chat="D1", thread=THREAD.thread)
    ana = server.dm("U1")
    async with running(server) as channel:
        other = {"channel": "D1", "user": "U7", "bot_id": "B7", "ts": server.stamps.next(), "thread_ts": private.thread}
        server.api.history.append(other)
        server.fail("chat.startStream", Fault.cut(executed=True))
        with pytest.raises(Unknown):
            await channel.send(part("…", private))
        found = await channel.find(part("…", private), 0)
        assert found == f"D1:{ana.messages[0].ts}"
        await channel.edit(found, part("done", private))
    assert (ana.texts, len(ana.messages)) == (["done"], 1)


async def test_a_preview_shows_the_end_of_a_long_text(server: FakeSlack, running: Running) -> None:
    ana = server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        await channel.show(draft("", phase="waiting", note="The engine is loading.", platform_id=anchor))
        assert ana.texts == ["_The engine is loading._"]
        await channel.show(draft("x" * 20_000 + "the end", platform_id=anchor))
        await channel.show(draft("ignored", phase="final", platform_id=anchor))
    assert ana.texts[0].startswith("…x")
    assert ana.texts[0].endswith("the end")


async def test_in_a_thread_what_is_waited_for_stands_below_it(server: FakeSlack, running: Running) -> None:
    server.channel("C1")
    async with running(server) as channel:
        anchor = await channel.send(part("…", THREAD))
        await channel.show(draft("", THREAD, phase="waiting", note="Reading.", platform_id=anchor))
        server.fail("assistant.threads.setStatus", Fault.refused("missing_scope"))
        await channel.show(draft("", THREAD, phase="waiting", note="Reading.", platform_id=anchor))
    assert server.api.statuses == [("C1", THREAD.thread, "Reading.")]


@pytest.mark.parametrize("written", [True, False])
async def test_what_was_waited_for_is_taken_back_once_there_is_text(
    server: FakeSlack, running: Running, written: bool
) -> None:
    server.channel("C1")
    async with running(server) as channel:
        anchor = await channel.send(part("…", THREAD))
        await channel.show(draft("", THREAD, phase="waiting", note="Reading.", platform_id=anchor))
        if written:
            await channel.show(draft("It", THREAD, platform_id=anchor))
        await channel.edit(anchor, part("It says", THREAD))
    assert [status for _, _, status in server.api.statuses] == ["Reading.", ""]


@pytest.mark.parametrize("fault", [Fault.refused("message_not_found"), Fault.broken(500), Fault.cut(executed=False)])
async def test_progress_that_cannot_be_shown_disturbs_nobody(server: FakeSlack, running: Running, fault: Fault) -> None:
    server.dm("U1")
    async with running(server) as channel:
        anchor = await channel.send(part("…"))
        server.fail("chat.update", fault)
        await channel.show(draft("so far", platform_id=anchor))
        server.flood(method="chat.update", retry_after=5)
        await channel.show(draft("so far", platform_id=anchor))
    await channel.show(draft("not connected", platform_id=anchor))


async def test_previews_leave_half_of_the_edits_to_finished_texts(server: FakeSlack, running: Running) -> None:
    clock, people = ManualClock(), [server.dm(f"U{number}") for number in (1, 2, 3)]
    places = [Conversation(channel="slack", account=ANA.account, chat=f"D{number}") for number in (1, 2, 3)]
    async with running(server, clock) as channel:
        anchors = [await channel.send(part("…", place)) for place in places]
        for second in range(0, 60, 2):
            for place, anchor in zip(places, anchors, strict=True):
                await channel.show(draft(f"at {second}", place, platform_id=anchor))
            await clock.advance(2)
        assert 25 <= server.executed["chat.update"] <= 30
        assert all(person.texts[0].startswith("at ") for person in people), "nobody is left out"
        for place, anchor in zip(places, anchors, strict=True):
            await channel.edit(anchor, part("done", place))
    assert [person.texts for person in people] == [["done"]] * 3


async def test_where_slack_wants_no_more_edits_previews_are_left_out(server: FakeSlack, running: Running) -> None:
    clock, ana = ManualClock(), server.dm("U1")
    async with running(server, clock) as channel:
        anchor = await channel.send(part("…"))
        server.flood(method="chat.update", retry_after=30)
        for text in ("one", "one two"):
            await channel.show(draft(text, platform_id=anchor))
        with pytest.raises(Retry) as caught:
            await channel.edit(anchor, part("done"))
        assert caught.value.after == 30
        assert [method for method, _ in server.received].count("chat.update") == 1, "Slack is not asked again"
        await clock.advance(31)
        await channel.show(draft("one two three", platform_id=anchor))
    assert ana.texts == ["one two three"]


# ------------------------------------------------------------------ files


async def fetched(channel: Slack, attachment: Attachment) -> bytes:
    async with aclosing(channel.fetch(attachment)) as pieces:
        return b"".join([piece async for piece in pieces])


def attached(server: FakeSlack, content: bytes = b"x" * 200_000) -> Attachment:
    file = server.keeps("F1", "a.pdf", content, "application/pdf")
    return Attachment(name="a.pdf", media_type="application/pdf", size=len(content), reference=file["url_private"])


async def test_a_file_is_fetched_with_the_bots_token(server: FakeSlack, running: Running) -> None:
    async with running(server) as channel:
        assert await fetched(channel, attached(server)) == b"x" * 200_000


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.flood(5), Retry),
        (Fault.broken(503), Unknown),
        (Fault(status=404), Rejected),
        (Fault(status=403), Rejected),
        (Fault.redirected("https://evil.example/"), Rejected),
    ],
)
async def test_a_file_that_is_not_handed_out_has_its_word(
    server: FakeSlack, running: Running, fault: Fault, expected: type[Exception]
) -> None:
    server.fail("files", fault)
    async with running(server) as channel:
        with pytest.raises(expected):
            await fetched(channel, attached(server))


async def test_a_file_is_counted_while_it_is_read(server: FakeSlack, running: Running) -> None:
    async with running(server, file_limit_bytes=100_000) as channel:
        with pytest.raises(Rejected, match="more than 100000 bytes"):
            await fetched(channel, attached(server))


async def test_the_login_page_is_not_the_file(server: FakeSlack, running: Running) -> None:
    channel = Slack(server.settings(bot_token="xoxb-another-token-0000"), SystemClock())
    async with channel.lifespan(None):  # type: ignore[arg-type]
        with pytest.raises(Rejected, match="files:read"):
            await fetched(channel, attached(server))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.pdf", True),
        ("https://example.slack.com:443/a", True),
        ("https://slack-files.com/a", True),
        ("http://files.slack.com/a", False),
        ("https://files.slack.com.evil.example/a", False),
        ("https://evilslack.com/a", False),
        ("https://files.slack.com@evil.example/a", False),
        ("https://evil@files.slack.com/a", False),
        ("https://files.slack.com:8443/a", False),
        ("https://files.slack.com:x/a", False),
        ("https://[bad/a", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_the_token_goes_to_slacks_hosts_only(address: str, allowed: bool) -> None:
    attachment = Attachment(name="a", media_type="", size=0, reference=address)
    if allowed:
        assert address_of(attachment, "https://slack.com/api/") == address
    else:
        with pytest.raises(Rejected):
            address_of(attachment, "https://slack.com/api/")


# ------------------------------------------------------------------ lifetime, settings, secrets


async def test_the_last_replies_go_out_after_run_has_ended(server: FakeSlack, inbox: FakeInbox) -> None:
    ana, channel = server.dm("U1"), Slack(server.settings(), SystemClock())
    async with channel.lifespan(None):  # type: ignore[arg-type]
        task = asyncio.create_task(channel.run(inbox))
        await server.connected()
        task.cancel()
        await asyncio.wait([task])
        await channel.send(part("goodbye"))
    assert ana.texts == ["goodbye"]
    await until(lambda: not server.sockets.open)


async def test_errors_of_a_send_name_no_secret_at_debug(
    server: FakeSlack, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.dm("U1")
    faults = [fault for fault, _ in FAILURES]
    server.fail("chat.postMessage", *faults)
    async with running(server) as channel:
        for _ in faults:
            try:
                await channel.send(part())
            except (Retry, Rejected, Unknown):
                logging.getLogger("test").exception("as the core would log it")
        with pytest.raises(Rejected):
            await fetched(channel, Attachment(name="a", media_type="", size=0, reference="https://evil.example/"))
    assert "chat.postMessage" in caplog.text
    assert_no_secret(server, caplog.text)


async def test_doctor_is_told_whose_the_token_is(server: FakeSlack) -> None:
    assert await Slack(server.settings()).check(SystemClock()) == "@botcore in https://example.slack.com/, mode socket"
    server.fail("auth.test", Fault.refused("invalid_auth"), Fault(status=404, html=True), Fault.cut(executed=False))
    for said in (r"invalid_auth .*bot_token right", r"HTTP 404 .*base_url right"):
        with pytest.raises(BotcoreError, match=said):
            await Slack(server.settings()).check(SystemClock())
    with pytest.raises(BotcoreError, match="does not answer"):
        await Slack(server.settings()).check(SystemClock())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "bot_token is missing"),
        ({"bot_token": "abc"}, "xoxb-"),
        ({"bot_token": APP_TOKEN}, "xoxb-"),
        ({"bot_token": BOT_TOKEN}, 'app_token: mode "socket" needs it'),
        ({"bot_token": BOT_TOKEN, "app_token": BOT_TOKEN}, "xapp-"),
        ({"bot_token": BOT_TOKEN, "mode": "events"}, 'signing_secret: mode "events" needs it'),
        ({"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "base_url": "slack.com"}, "https://slack.com/api/"),
        ({"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "sockets": 11}, "sockets"),
        ({"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "thread_mod": "joined"}, "thread_mode"),
    ],
)
def test_a_wrong_table_is_one_clear_line_that_shows_no_secret(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        validate(Slack.Settings, given, "channels.slack", {})
    told = str(caught.value)
    assert said in told
    assert len(told.splitlines()) == 1
    assert BOT_TOKEN not in told
    assert APP_TOKEN not in told


def test_the_repr_of_channel_and_settings_shows_no_secret() -> None:
    settings = Slack.Settings(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, mode="events")  # type: ignore[arg-type]
    assert BOT_TOKEN not in f"{settings!r}{Slack(settings)!r}"
    assert SIGNING_SECRET not in f"{settings!r}"


def test_importing_the_channel_loads_no_sdk() -> None:
    heavy = "slack_sdk", "aiohttp", "typer"
    code = f"import sys, botcore_slack; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
