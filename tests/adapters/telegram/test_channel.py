"""The way out, against the fake server: what is sent, and what every failure is called."""

import asyncio
import logging
import subprocess
import sys

import pytest
from pydantic import ValidationError

from botcore import Citation, Conversation, Draft, Part, Rejected, Retry, Unknown
from botcore.clock import SystemClock
from botcore.sender import MAX_ATTEMPTS
from botcore.testing.clock import ManualClock
from botcore_telegram import Telegram, request
from botcore_telegram.api import in_our_words
from botcore_telegram.drafts import LIFE_S, ROUND_S
from botcore_telegram.request import NotSent
from botcore_telegram.testing import FakeTelegram, Fault, Limits
from tests.adapters.telegram.conftest import FakeInbox, HurriedClock, Running
from tests.proxies import NO_WAY, proxy

ANA = Conversation(channel="telegram", account="123456789", chat="7")
TEAM = Conversation(channel="telegram", account="123456789", chat="-100", private=False)


def part(text: str = "hello", conversation: Conversation = ANA, **more: object) -> Part:
    return Part(id="t.0", turn="t", number=0, conversation=conversation, text=text, **more)  # type: ignore[arg-type]


def draft(text: str = "", conversation: Conversation = ANA, **more: object) -> Draft:
    return Draft(conversation=conversation, turn="t", message=31, text=text, **more)  # type: ignore[arg-type]


# ------------------------------------------------------------------ sending


async def test_a_part_is_one_message_and_its_id_names_chat_and_message(server: FakeTelegram, running: Running) -> None:
    ana = server.chat(7)
    async with running() as channel:
        assert await channel.send(part("**hi**", reply_to="7:5")) == "7:1"
    [message] = ana.messages
    assert (message.text, message.reply_to, message.thread) == ("hi", None, None)
    assert message.entities == [{"type": "bold", "offset": 0, "length": 2}]
    [call] = [call for call in server.calls if call.method == "sendMessage"]
    assert call.parameters["link_preview_options"] == {"is_disabled": True}


async def test_in_a_group_the_message_is_quoted_and_the_topic_kept(server: FakeTelegram, running: Running) -> None:
    team = server.chat(-100, "supergroup")
    topic = Conversation(channel="telegram", account="123456789", chat="-100", thread="9", private=False)
    async with running() as channel:
        await channel.send(part("hi", topic, reply_to="-100:5"))
        await channel.send(part("hi", TEAM, reply_to="-200:5"))
    assert [(message.reply_to, message.thread) for message in team.messages] == [(5, 9), (None, None)]
    sent = next(call for call in server.calls if call.method == "sendMessage")
    assert sent.parameters["reply_parameters"]["allow_sending_without_reply"] is True


async def test_in_a_topic_that_is_hidden_from_bots_the_quoted_message_says_where(
    server: FakeTelegram, running: Running
) -> None:
    team = server.chat(-100, "supergroup")
    topic = Conversation(channel="telegram", account="123456789", chat="-100", thread="9", private=False)
    server.api.hidden.add((-100, 9))
    async with running() as channel:
        await channel.send(part("hi", topic, reply_to="-100:5"))
        with pytest.raises(Rejected, match="thread not found"):  # nothing says where, and General is elsewhere
            await channel.send(part("ho", topic))
    [message] = team.messages
    assert (message.text, message.reply_to) == ("hi", 5)
    sent = next(call for call in server.calls if call.method == "sendMessage")
    assert sent.parameters["reply_parameters"]["allow_sending_without_reply"] is False


async def test_sources_come_with_the_part_that_carries_them(server: FakeTelegram, running: Running) -> None:
    ana = server.chat(7)
    async with running() as channel:
        await channel.send(part("See [1]", citations=(Citation(number=1, title="Guide"),)))
    assert ana.texts == ["See [1]\n\nSources\n[1] Guide"]


@pytest.mark.parametrize("text", ["😀" * 1900, "x" * 4096, "**" + "y" * 3700 + "**", "`" * 3800, "# " * 1900])
async def test_the_longest_texts_the_core_sends_are_taken(server: FakeTelegram, running: Running, text: str) -> None:
    ana = server.chat(7)
    async with running() as channel:
        assert await channel.send(part(text)) == "7:1"
    assert len(ana.texts) == 1


async def test_an_edit_replaces_the_text_and_the_same_text_again_is_fine(
    server: FakeTelegram, running: Running
) -> None:
    team = server.chat(-100, "supergroup")
    async with running() as channel:
        anchor = await channel.send(part("…", TEAM))
        for _ in range(2):
            await channel.edit(anchor, part("**done**", TEAM, platform_id=anchor))
    assert (team.texts, len(team.edits)) == (["done"], 1)


async def test_formatting_that_is_refused_is_left_out(
    server: FakeTelegram, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    ana = server.chat(7)
    server.fail("sendMessage", Fault(status=400, description="Bad Request: can't parse entities: what is this"))
    async with running() as channel:
        await channel.send(part("**hi**"))
    assert (ana.texts, ana.messages[0].entities) == (["**hi**"], [])
    assert "refuses the formatting" in caplog.text


async def test_a_group_that_moved_is_followed_and_asked_for_but_once(server: FakeTelegram, running: Running) -> None:
    moved = await server.chat(-100, "group").becomes(-200, told=False)
    async with running() as channel:
        assert await channel.send(part("hi", TEAM, reply_to="-100:5")) == "-200:2"
        assert await channel.send(part("ho", TEAM)) == "-200:3"
        await channel.show(draft(conversation=TEAM))
    assert (moved.texts, moved.actions) == (["hi", "ho"], ["typing"])
    assert moved.messages[0].reply_to is None  # a number of the old group's names another message here
    assert [method for method, _ in server.received].count("sendMessage") == 3


async def test_what_was_said_in_the_group_is_not_edited_in_the_supergroup(
    server: FakeTelegram, running: Running
) -> None:
    team = server.chat(-100, "group")
    async with running() as channel:
        await channel.send(part("…", TEAM))
        anchor = await channel.send(part("…", TEAM))
        moved = await team.becomes(-200)
        other = await channel.send(part("something else", TEAM))
        with pytest.raises(Rejected, match="upgraded"):
            await channel.edit(anchor, part("done", TEAM, platform_id=anchor))
    assert (anchor, other, moved.texts) == ("-100:2", "-200:2", ["something else"])


async def test_two_chats_do_not_wait_for_each_other(server: FakeTelegram, running: Running) -> None:
    ana, ben = server.chat(7), server.chat(8)
    other = Conversation(channel="telegram", account="123456789", chat="8")
    async with running() as channel, asyncio.TaskGroup() as group, server.hold("sendMessage", ana) as gate:
        group.create_task(channel.send(part("to ana")))
        await gate.reached()
        await channel.send(part("to ben", other))
        assert (ana.texts, ben.texts) == ([], ["to ben"])


# ------------------------------------------------------------------ what failures are called


@pytest.mark.parametrize("call", ["send", "edit"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.flood(17), Retry),
        (Fault(status=401, description="Unauthorized"), Retry),
        (Fault(status=407), Retry),
        (Fault.kicked(), Rejected),
        (Fault(status=400, description="Bad Request: chat not found"), Rejected),
        (Fault(status=413, description="Request Entity Too Large"), Rejected),
        (Fault.broken(500), Unknown),
        (Fault.broken(502, html=True), Unknown),
        (Fault(status=302), Unknown),
        (Fault.broken(200, html=True), Unknown),
        (Fault.broken(200), Unknown),  # JSON, but not what was asked for
        (Fault.cut(executed=False), Unknown),
        (Fault.cut(executed=True), Unknown),
    ],
)
async def test_every_failure_has_its_word(
    server: FakeTelegram, running: Running, fault: Fault, expected: type[Exception], call: str
) -> None:
    server.chat(7)
    async with running() as channel:
        anchor = await channel.send(part("…"))
        server.fail("sendMessage" if call == "send" else "editMessageText", fault)
        with pytest.raises(expected) as caught:
            await (channel.send(part()) if call == "send" else channel.edit(anchor, part("new")))
    if fault.status == 429:
        assert isinstance(caught.value, Retry)
        assert caught.value.after == 17
    # aiohttp's own error, which may hold the address, is kept out of every traceback.
    cause = caught.value.__cause__
    assert cause
    assert cause.__suppress_context__ or not cause.__context__
    assert (
        server.token.partition(":")[2]
        not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    )


async def test_a_flood_answer_of_a_proxy_counts_by_its_header(server: FakeTelegram, running: Running) -> None:
    server.chat(7)
    server.fail("sendMessage", Fault(status=429, html=True, parameters={"retry_after": 9}))
    async with running() as channel:
        with pytest.raises(Retry) as caught:
            await channel.send(part())
    assert caught.value.after == 9


async def test_a_redirect_takes_the_token_nowhere(server: FakeTelegram, running: Running) -> None:
    server.chat(7)
    async with running() as channel, FakeTelegram() as elsewhere:
        server.fail("sendMessage", Fault.redirected(f"{elsewhere.base_url}/bot{elsewhere.token}/sendMessage"))
        with pytest.raises(Unknown):
            await channel.send(part())
    assert elsewhere.received == []


async def test_an_edit_of_a_message_that_is_gone_is_rejected(server: FakeTelegram, running: Running) -> None:
    server.chat(7)
    async with running() as channel:
        for platform_id in ("7:99", "elsewhere"):
            with pytest.raises(Rejected):
                await channel.edit(platform_id, part())


async def test_silence_after_the_request_was_written_is_unknown(server: FakeTelegram, running: Running) -> None:
    ana = server.chat(7)
    async with running(call_timeout_s=0.05) as channel, server.hold("sendMessage", ana):
        with pytest.raises(Unknown):
            await channel.send(part())


async def test_without_a_connection_nothing_was_sent_and_the_pause_grows(
    server: FakeTelegram, running: Running, inbox: FakeInbox
) -> None:
    clock = ManualClock()
    async with running(clock) as channel:
        await server.__aexit__()
        pauses = []
        for passed in (0, 3, 60, 3600):
            await clock.advance(passed)
            with pytest.raises(Retry) as caught:
                await channel.send(part())
            pauses.append(caught.value.after)
            assert caught.value.__cause__
            assert caught.value.__cause__.__cause__ is None
            assert caught.value.__cause__.__suppress_context__
    assert pauses == [1, 3, 63, 300]


@pytest.mark.parametrize(("answer", "why"), [(NO_WAY, "the proxy answers 503"), (b"", "ConnectionTimeoutError")])
async def test_a_proxy_that_leads_nowhere_has_sent_nothing(
    server: FakeTelegram, monkeypatch: pytest.MonkeyPatch, answer: bytes, why: str
) -> None:
    monkeypatch.setattr(request, "CONNECTED_S", 0.05)
    request._patience.cache_clear()
    async with proxy(answer) as address:
        monkeypatch.setenv("https_proxy", address)
        channel = Telegram(server.settings(base_url="https://api.telegram.example"), ManualClock())
        async with channel.lifespan(None):  # type: ignore[arg-type]
            with pytest.raises(Retry, match=why):
                await channel.send(part())
    request._patience.cache_clear()


def test_a_day_without_network_costs_no_reply() -> None:
    gone_for = 0.0
    for _ in range(MAX_ATTEMPTS):
        asked = in_our_words(NotSent("no connection"), gone_for=gone_for)
        assert isinstance(asked, Retry)
        gone_for += asked.after
    assert gone_for >= 24 * 3600


async def test_a_channel_that_is_not_connected_asks_to_wait(server: FakeTelegram) -> None:
    with pytest.raises(Retry):
        await Telegram(server.settings()).send(part())


async def test_telegram_cannot_be_asked_what_was_sent(server: FakeTelegram) -> None:
    channel = Telegram(server.settings())
    assert not channel.capabilities(ANA).can_find
    with pytest.raises(Unknown):
        await channel.find("t.0", 0)


async def test_the_fake_has_flood_limits_as_the_real_one(server: FakeTelegram, running: Running) -> None:
    clock, ana = ManualClock(), server.chat(7)
    server.api.limits = Limits(clock)
    async with running() as channel:
        for _ in range(3):
            await channel.send(part())
        with pytest.raises(Retry) as caught:
            await channel.send(part())
        await clock.advance(caught.value.after)
        await channel.send(part())
    assert len(ana.messages) == 4


# ------------------------------------------------------------------ progress


async def test_private_chats_get_drafts_and_groups_an_anchor_at_telegrams_pace(server: FakeTelegram) -> None:
    channel = Telegram(server.settings())
    private, group = channel.capabilities(ANA), channel.capabilities(TEAM)
    assert (private.progress, private.progress_every, private.text_unit) == ("draft", 1.0, "utf16")
    assert (group.progress, group.progress_every) == ("anchor", 4.0)
    assert (private.progress_counts, group.progress_counts) == (False, True)
    assert group.sends_per_second_per_chat == pytest.approx(20 / 60)


async def test_previews_in_a_group_leave_room_for_the_finished_reply(server: FakeTelegram, running: Running) -> None:
    clock, team = ManualClock(), server.chat(-100, "supergroup")
    server.api.limits = Limits(clock)
    async with running() as channel:
        there = await channel.send(part("…", TEAM))
        for number in range(20):
            await clock.advance(channel.capabilities(TEAM).progress_every)
            await channel.show(draft(f"{number} words", TEAM, platform_id=there))
        await channel.edit(there, part("the whole", TEAM))
        for text in ("of a", "long", "reply"):
            await clock.advance(3)
            await channel.send(part(text, TEAM))
    assert team.texts == ["the whole", "of a", "long", "reply"]


async def test_a_draft_shows_the_end_of_a_long_text_under_one_id(server: FakeTelegram, running: Running) -> None:
    ana = server.chat(7)
    async with running() as channel:
        await channel.show(draft(phase="waiting", note="The engine is loading."))
        await channel.show(draft("x" * 5000 + "the end"))
    [(first, note), (second, text)] = ana.drafts
    assert (first, second, note) == (31, 31, "The engine is loading.")
    assert (len(text), text[0], text[-7:]) == (4096, "…", "the end")


async def test_a_draft_is_renewed_until_its_message_is_sent(server: FakeTelegram, running: Running) -> None:
    clock, ana = ManualClock(), server.chat(7)
    assert LIFE_S + ROUND_S < 30
    async with running(clock) as channel:
        await server.serves("setMyCommands")
        await channel.show(draft("so far"))
        for _ in range(int(LIFE_S / ROUND_S)):
            await clock.advance(ROUND_S)
        await server.serves("sendMessageDraft", 2)
        await channel.send(part("done"))
        await clock.advance(10 * LIFE_S)
    assert ana.drafts == [(31, "so far")] * 2


async def test_in_a_group_the_anchor_shows_the_text_so_far(server: FakeTelegram, running: Running) -> None:
    team = server.chat(-100, "supergroup")
    async with running() as channel:
        await channel.show(draft("", TEAM))
        anchor = await channel.send(part("…", TEAM))
        await channel.show(draft("", TEAM, platform_id=anchor))
        for text in ("so **far", "so **far"):
            await channel.show(draft(text, TEAM, platform_id=anchor))
        await channel.show(draft("", TEAM, platform_id=anchor, phase="final"))
    assert team.actions == ["typing", "typing"]
    assert team.edits == [(1, "so **far")]
    assert team.drafts == []


NO_DRAFTS = Fault(status=404, description="Not Found: method not found")
"""A Bot API server of one's own that is older than drafts."""


@pytest.mark.parametrize("fault", [NO_DRAFTS, Fault.kicked(), Fault.broken(500), Fault.cut(executed=False)])
async def test_progress_that_cannot_be_shown_disturbs_nobody(
    server: FakeTelegram, running: Running, fault: Fault
) -> None:
    server.chat(7)
    async with running() as channel:
        server.fail("sendMessageDraft", fault)
        await channel.show(draft("so far"))
        server.flood(method="sendMessageDraft", retry_after=5)
        with pytest.raises(Retry):
            await channel.show(draft("so far"))


async def test_progress_without_a_connection_does_not_make_the_reply_wait(server: FakeTelegram) -> None:
    channel = Telegram(server.settings(base_url="http://127.0.0.1:1"), SystemClock())
    async with channel.lifespan(None):  # type: ignore[arg-type]
        await channel.show(draft("so far"))


# ------------------------------------------------------------------ lifetime and secrets


async def test_the_last_replies_go_out_after_run_has_ended(server: FakeTelegram, inbox: FakeInbox) -> None:
    ana, channel = server.chat(7), Telegram(server.settings(), SystemClock())
    async with channel.lifespan(None):  # type: ignore[arg-type]
        task = asyncio.create_task(channel.run(inbox))
        await server.serves("getMe")
        task.cancel()
        await asyncio.wait([task])
        await channel.send(part("goodbye"))
    assert ana.texts == ["goodbye"]


async def test_errors_of_a_send_name_no_secret_at_debug(
    server: FakeTelegram, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.chat(7)
    faults = [
        Fault.cut(executed=False),
        Fault.broken(502, html=True),
        Fault(status=404),
        Fault.flood(1),
        Fault.kicked(),
    ]
    server.fail("sendMessage", *faults)
    async with running(HurriedClock()) as channel:
        for _ in faults:
            try:
                await channel.send(part())
            except (Retry, Rejected, Unknown):
                logging.getLogger("test").exception("as the core would log it")
    secret = server.token.partition(":")[2]
    assert "sendMessage" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize("token", ["", "abc", "123:short", "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA extra"])
def test_a_wrong_looking_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Telegram.Settings(token=token)  # type: ignore[arg-type]
    assert "BotFather" in str(caught.value)
    assert len(token) < 4 or token not in str(caught.value)


def test_importing_the_channel_loads_no_sdk() -> None:
    heavy = "telegram", "aiohttp", "telegramify_markdown", "httpx"
    code = f"import sys, botcore_telegram; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
