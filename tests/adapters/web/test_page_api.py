"""The chat page's protocol against the real port, with a core in memory whose every step the test decides."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from pydantic import ValidationError

from botcore import Conversation, EngineStatus, Message
from botcore.testing import ManualClock, until
from botcore_web import Web, wire
from botcore_web.live import TABS_S, News
from botcore_web.page_api import COMMENT_S, CONVERSATIONS_SHOWN, ENTRIES_SHOWN, POLL_S
from botcore_web.settings import WebSettings
from tests.adapters.web.core import CHAT, House, Visitor, feedback, open_page, serving

CONVERSATION = f"/api/conversations/{CHAT}"
OTHER = "d" * 22


# ------------------------------------------------------------------ messages


async def test_a_message_is_kept_once_however_often_it_is_sent(house: House, ana: Visitor) -> None:
    id = str(uuid4())
    first, again = await ana.says("hi", id=id), await ana.says("hi", id=id.upper())
    assert (first[0], first[1]["duplicate"]) == (202, False)
    assert again[:2] == (202, {"message": first[1]["message"], "duplicate": True})
    assert len(house.core.accepted) == 1


async def test_the_same_message_id_of_another_visitor_is_another_message(house: House, ana: Visitor) -> None:
    ben, id = await house.visitor(), str(uuid4())
    await ana.says("hi", id=id)
    assert (await ben.says("hi", id=id))[1]["duplicate"] is False


async def test_a_conversation_shows_what_was_said_and_what_waits(house: House, ana: Visitor) -> None:
    id = str(uuid4())
    await ana.says("first", id=id)
    await house.answers("One.", outcome="failed", reason="too long")
    await ana.says("second")
    status, body, _ = await ana.asks("GET", CONVERSATION)
    assert status == 200
    user, reply = body["entries"]
    assert (user["role"], user["text"], user["message"], user["reason"]) == ("user", "first", id, "")
    assert (reply["role"], reply["outcome"], reply["reason"]) == ("assistant", "failed", "too long")
    assert [waiting["text"] for waiting in body["pending"]] == ["second"]


async def test_a_new_conversation_is_empty(ana: Visitor) -> None:
    assert (await ana.asks("GET", CONVERSATION))[:2] == (200, {"entries": [], "pending": [], "earlier": False})


async def test_a_long_conversation_is_read_backwards_a_bounded_piece_at_a_time(house: House, ana: Visitor) -> None:
    for number in range(ENTRIES_SHOWN // 2 + 1):
        await ana.says(f"question {number}")
        await house.answers("Yes.")
    newest = (await ana.asks("GET", CONVERSATION))[1]
    assert (len(newest["entries"]), newest["earlier"]) == (ENTRIES_SHOWN, True)
    first = newest["entries"][0]
    await ana.says("and this waits")
    before = (await ana.asks("GET", f"{CONVERSATION}?before={first['id']}"))[1]
    assert [entry["text"] for entry in before["entries"]] == ["question 0", "Yes."]
    assert (before["earlier"], before["pending"], first["text"]) == (False, [], "question 1")
    assert (await (await house.visitor()).asks("GET", f"{CONVERSATION}?before={first['id']}"))[1]["entries"] == []


@pytest.mark.parametrize("before", ["", "x", "-1", "1e3", "9" * 30, "\x00"])
async def test_a_place_that_is_no_line_is_400(ana: Visitor, before: str) -> None:
    status, body, _ = await ana.asks("GET", CONVERSATION, params={"before": before})
    assert (status, body["error"]["message"]) == (400, "before: must be the id of a line of the conversation")


async def test_the_list_names_the_visitor_s_own_conversations_newest_first(house: House, ana: Visitor) -> None:
    ben = await house.visitor()
    await ana.says("older")
    await ana.says("newer\nline", chat=OTHER)
    await ben.says("secret")
    listed = (await ana.asks("GET", "/api/conversations"))[1]["conversations"]
    assert [(one["id"], one["title"]) for one in listed] == [(OTHER, "newer line"), (CHAT, "older")]


async def test_a_long_list_is_read_a_bounded_piece_at_a_time(house: House, ana: Visitor) -> None:
    for number in range(CONVERSATIONS_SHOWN + 1):
        await ana.says(f"topic {number}", chat=f"{number:022}")
    newest = (await ana.asks("GET", "/api/conversations"))[1]
    assert (len(newest["conversations"]), newest["older"]) == (CONVERSATIONS_SHOWN, True)
    last = newest["conversations"][-1]
    older = (await ana.asks("GET", f"/api/conversations?until={last['at']}"))[1]
    assert [one["title"] for one in older["conversations"]] == ["topic 1", "topic 0"]  # what is of one moment is whole
    assert older["older"] is False
    assert (await (await house.visitor()).asks("GET", f"/api/conversations?until={last['at']}"))[1] == {
        "conversations": [],
        "older": False,
    }


@pytest.mark.parametrize("until", ["", "x", "-1", "1e3", "nan", "9" * 30, "1.", "\x00"])
async def test_a_moment_that_is_none_is_400(ana: Visitor, until: str) -> None:
    status, body, _ = await ana.asks("GET", "/api/conversations", params={"until": until})
    assert (status, body["error"]["message"]) == (400, "until: must be a moment in Unix seconds")


async def test_a_deleted_conversation_is_stopped_and_gone(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    assert (await ana.asks("DELETE", CONVERSATION))[0] == 204
    assert (await house.core.control()).kind == "stop"
    assert (await ana.asks("GET", CONVERSATION))[1] == {"entries": [], "pending": [], "earlier": False}


async def test_stop_reaches_the_core(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    assert (await ana.asks("POST", f"{CONVERSATION}/stop", json={"id": str(uuid4())}))[0] == 202
    order = await house.core.control()
    assert (order.kind, order.conversation) == ("stop", (await house.core.message())[1].conversation)


async def test_a_reply_is_asked_for_again_in_its_own_conversation(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    await house.answers("One.")
    ben, body = await house.visitor(), {"id": str(uuid4()), "text": "/again", "about": "turn-1"}
    assert (await ben.asks("POST", f"{CONVERSATION}/messages", json=body))[0] == 404
    assert (await ana.asks("POST", f"/api/conversations/{OTHER}/messages", json=body))[0] == 404
    assert (await ana.asks("POST", f"{CONVERSATION}/messages", json=body))[0] == 202
    assert (await house.core.message(2))[1].about == "turn-1"
    assert (await ana.asks("GET", CONVERSATION))[1]["pending"][0]["about"] == "turn-1"


def judgement(**fields: Any) -> dict[str, Any]:
    usual = {"id": str(uuid4()), "conversation": CHAT, "reply": "turn-1", "value": -1, "reasons": ["wrong"]}
    return usual | {"comment": "no"} | fields


async def test_feedback_reaches_the_core(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    await house.answers("One.")
    assert (await ana.asks("POST", "/api/feedback", json=judgement()))[0] == 204
    kept = feedback(house.core)
    assert (kept.reply, kept.value, kept.reasons, kept.comment) == ("turn-1", -1, ("wrong",), "no")


async def test_status_names_engine_health_and_commands(ana: Visitor) -> None:
    status, body, _ = await ana.asks("GET", "/api/status")
    assert status == 200
    assert body == {
        "name": "botcore",
        "engine": {"stage": "ready", "detail": "", "progress": None, "model": "starter", "window": 2048, "lora": ""},
        "health": {"web": "ok", "qa": "no documents"},
        "commands": [{"name": "help", "help": "What I can do"}],
        "samples": list(WebSettings().samples),
        "limits": {
            "text": 32_000,
            "file": 20_000_000,
            "files": 10,
            "kinds": [".pdf", ".docx", ".html", ".htm", ".md", ".csv", ".txt"],
        },
    }


async def test_an_empty_chat_offers_the_operator_s_questions() -> None:
    async with serving(web=Web(WebSettings(samples=("When do you open?",)))) as house:
        body = (await (await house.visitor()).asks("GET", "/api/status"))[1]
        assert body["samples"] == ["When do you open?"]


@pytest.mark.parametrize("samples", [("",), ("x" * 201,), ("x",) * 7])
def test_the_questions_offered_are_few_and_short(samples: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        WebSettings(samples=samples)


# ------------------------------------------------------------------ strangers


async def test_another_s_conversation_looks_like_one_that_does_not_exist(house: House, ana: Visitor) -> None:
    ben = await house.visitor()
    await ana.says("hi")
    await house.answers("One.")
    id = str(uuid4())
    assert (await ben.asks("GET", CONVERSATION))[1] == {"entries": [], "pending": [], "earlier": False}
    assert (await ben.asks("DELETE", CONVERSATION))[0] == 404
    assert (await ben.asks("POST", f"{CONVERSATION}/stop", json={"id": id}))[0] == 404
    assert (await ben.asks("POST", "/api/feedback", json=judgement()))[0] == 404
    assert (await ana.asks("POST", "/api/feedback", json=judgement(conversation=OTHER)))[0] == 404
    assert len((await ana.asks("GET", CONVERSATION))[1]["entries"]) == 2
    assert len(house.core.accepted) == 1


@pytest.mark.parametrize("cookie", ["", "short", "x" * 5000, "ä" * 22, '"; drop table'])
async def test_without_a_visitor_s_cookie_nothing_is_told(ana: Visitor, cookie: str) -> None:
    ana.cookie = cookie
    status, body, _ = await ana.asks("GET", "/api/conversations")
    assert (status, body["error"]["code"]) == (403, "visitor")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{CONVERSATION}/messages"),
        ("POST", f"{CONVERSATION}/stop"),
        ("DELETE", CONVERSATION),
        ("POST", "/api/feedback"),
    ],
)
@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", "http://localhost:1"])
async def test_only_our_own_page_may_change_something(
    house: House, ana: Visitor, method: str, path: str, origin: str
) -> None:
    more = {} if method == "DELETE" else {"json": {"id": str(uuid4()), "text": "hi"}}
    status, body, _ = await ana.asks(method, path, headers={"Origin": origin}, **more)
    assert (status, body["error"]["code"]) == (403, "origin")
    assert house.core.accepted == []


async def test_with_a_key_the_page_is_shown_and_everything_else_locked() -> None:
    async with serving(key="a-long-enough-key") as house:
        ana = await house.visitor()
        for path in ("/api/status", "/api/conversations", CONVERSATION, f"{CONVERSATION}/events", "/v1/models"):
            status, body, _ = await ana.asks("GET", path)
            assert (status, body["error"]["code"]) == (401, "login"), path
        _, _, headers = await ana.asks("POST", "/api/login", json={"key": "a-long-enough-key"})
        session = headers["Set-Cookie"].partition(";")[0]
        cookies = {"Cookie": f"botcore_visitor={ana.cookie}; {session}"}
        assert (await ana.asks("GET", "/api/conversations", headers=cookies))[0] == 200


ID = b"00000000-0000-4000-8000-000000000001"
FORGED: list[tuple[str, str, bytes, Mapping[str, str], int]] = [
    ("POST", f"{CONVERSATION}/messages", b"{}", {}, 400),
    ("POST", f"{CONVERSATION}/messages", b"", {}, 400),
    ("POST", f"{CONVERSATION}/messages", b"\x00\xff", {}, 400),
    ("POST", f"{CONVERSATION}/messages", b"[" * 200_000, {}, 400),
    ("POST", f"{CONVERSATION}/messages", b'{"id": 1e999, "text": "x"}', {}, 400),
    ("POST", f"{CONVERSATION}/messages", b"id=1&text=hi", {"Content-Type": "text/plain"}, 415),
    ("POST", f"{CONVERSATION}/messages", b"x" * (1 << 20), {"Content-Type": ""}, 415),
    ("POST", "/api/conversations/short/messages", b'{"id":"%s","text":"x"}' % ID, {}, 404),
    ("POST", "/api/conversations/" + "x" * 65 + "/stop", b'{"id":"%s"}' % ID, {}, 404),
    ("POST", f"{CONVERSATION}/stop", b'{"id": "no"}', {}, 400),
    ("POST", f"{CONVERSATION}/stop", b'{"id":"%s"}' % ID, {}, 404),
    ("POST", "/api/feedback", b'{"value": 3}', {}, 400),
    ("GET", "/api/conversations/%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00", b"", {}, 404),
    ("GET", "/api/conversations/..%2f..%2fetc%2fpasswd%2f%2f%2f%2f%2f", b"", {}, 404),
    ("GET", "/api/conversations/" + "%F0%9F%99%82" * 22, b"", {}, 404),
    ("DELETE", CONVERSATION, b"", {}, 404),
    ("PATCH", CONVERSATION, b"", {}, 405),
    ("GET", "/api/nothing", b"", {}, 404),
    ("GET", "/static/../wire.py", b"", {}, 404),
    ("GET", "/static/%2e%2e%2fwire.py", b"", {}, 404),
    ("GET", "/static/..%2f..%2f..%2fpyproject.toml", b"", {}, 404),
    ("GET", "/static/%2fetc%2fpasswd", b"", {}, 404),
    ("GET", "/static/%00", b"", {}, 404),
    ("GET", "/static/" + "x" * 4000, b"", {}, 404),
    ("GET", "/static/lib", b"", {}, 404),
]


@pytest.mark.parametrize(("method", "path", "data", "headers", "status"), FORGED)
async def test_forged_requests_are_refused_in_one_line(
    ana: Visitor,
    method: str,
    path: str,
    data: bytes,
    headers: Mapping[str, str],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from yarl import URL

    caplog.set_level(logging.DEBUG)
    sent = {"Content-Type": "application/json", "Cookie": f"botcore_visitor={ana.cookie}", **ana.headers, **headers}
    url = URL(ana.address + path, encoded=True)
    async with ana.client.request(method, url, data=data or None, headers=sent) as response:
        error = (await response.json())["error"]
        assert (response.status, error.keys()) == (status, {"code", "message"})
    assert "\n" not in error["message"]
    assert "Traceback" not in str(error)
    assert ana.cookie not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_text_that_is_too_long_is_413(house: House, ana: Visitor) -> None:
    assert (await ana.says("🙂" * 32_000))[0] == 202
    status, body, _ = await ana.says("🙂" * 32_001)
    assert (status, body["error"]["code"]) == (413, "too_long")


# ------------------------------------------------------------------ when it cannot be taken


async def test_while_the_bot_starts_the_page_is_up_and_told_to_wait() -> None:
    async with serving(up=False) as house:
        ana = await house.visitor()
        for answer in (await ana.asks("GET", "/api/status"), await ana.says("hi")):
            assert (answer[0], answer[1]["error"]["code"], answer[2]["Retry-After"]) == (503, "starting", "1")


async def test_what_cannot_be_stored_is_503_and_may_be_sent_again(house: House, ana: Visitor) -> None:
    id = str(uuid4())
    house.core.down = True
    status, body, headers = await ana.says("hi", id=id)
    assert (status, body["error"]["message"]) == (503, "the disk is full")
    assert int(headers["Retry-After"]) >= 1
    house.core.down = False
    assert (await ana.says("hi", id=id))[1]["duplicate"] is False


async def test_too_many_waiting_messages_are_429(house: House, ana: Visitor) -> None:
    house.core.rejects = True
    status, _, headers = await ana.says("hi")
    assert (status, headers["Retry-After"]) == (429, "3")


# ------------------------------------------------------------------ the event stream


async def test_a_turn_as_an_open_page_sees_it(house: House, ana: Visitor) -> None:
    stream = await ana.follows()
    assert json.loads((await stream.next()).data)["stage"] == "ready"
    await ana.says("hi")
    assert json.loads((await stream.until("pending")).data)["text"] == "hi"
    number, _ = await house.core.message()
    await house.web.show(house.core.draft(number, "One "))
    assert json.loads((await stream.until("draft")).data) == {
        "message": number,
        "turn": f"turn-{number}",
        "offset": 0,
        "text": "One ",
        "phase": "writing",
        "note": "",
    }
    await house.web.show(house.core.draft(number, "One two"))
    assert json.loads((await stream.until("draft")).data)["offset"] == 4
    await house.web.show(house.core.end(number, "One two."))
    user, reply = await stream.until("entry"), await stream.until("entry")
    assert (user.id, json.loads(user.data)["role"]) == (str(2 * number), "user")
    assert (reply.id, json.loads(reply.data)["text"]) == (str(2 * number + 1), "One two.")


async def test_a_page_that_comes_back_is_told_what_it_missed_and_the_draft_so_far(house: House, ana: Visitor) -> None:
    await ana.says("first")
    await house.answers("One.")
    await ana.says("second")
    number, _ = await house.core.message(2)
    await house.web.show(house.core.draft(number, "Two so far"))
    stream = await ana.follows(last="2")
    assert (await stream.until("entry")).id == "3"
    assert json.loads((await stream.until("pending")).data)["text"] == "second"
    told = json.loads((await stream.until("draft")).data)
    assert (told["offset"], told["text"]) == (0, "Two so far")


async def test_a_page_that_missed_more_than_a_stream_catches_up_on_is_told_to_open_it_anew(
    house: House, ana: Visitor
) -> None:
    for number in range(ENTRIES_SHOWN // 2 + 1):
        await ana.says(f"question {number}")
        await house.answers("Yes.")
    long_away, back_soon = await ana.follows(last="2"), await ana.follows(last="3")
    assert [(await long_away.next()).event for _ in range(3)] == ["engine", "missed", "entry"]
    assert [(await back_soon.next()).event for _ in range(2)] == ["engine", "entry"]


async def test_another_tab_sees_the_message_at_once(ana: Visitor) -> None:
    one, two = await ana.follows(), await ana.follows()
    await ana.says("hi")
    for stream in (one, two):
        assert json.loads((await stream.until("pending")).data)["text"] == "hi"


async def test_a_visitor_does_not_see_another_s_stream(house: House, ana: Visitor) -> None:
    ben = await house.visitor()
    stream = await ben.follows()
    await stream.until("engine")
    await ana.says("secret")
    await house.answers("One.")
    await ben.says("mine")
    assert json.loads((await stream.until("pending")).data)["text"] == "mine"


async def test_a_change_of_the_engine_is_told(house: House, ana: Visitor) -> None:
    stream = await ana.follows()
    await stream.until("engine")
    house.core.engine_is(EngineStatus(stage="warmup", progress=0.5))
    assert json.loads((await stream.until("engine")).data)["progress"] == 0.5


async def test_a_turn_in_another_process_is_found_within_a_second() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house:
        ana = await house.visitor()
        stream = await ana.follows()
        await ana.says("hi")
        await stream.until("pending")
        number, _ = await house.core.message()
        house.core.end(number, "From elsewhere.")  # nobody shows it here
        reply = asyncio.create_task(stream.until("entry"))
        await clock.advance(POLL_S)
        assert json.loads((await reply).data)["role"] == "user"


@pytest.mark.parametrize("named", [True, False])
async def test_a_turn_another_process_tells_of_is_found_at_once(named: bool) -> None:
    async with serving(clock=ManualClock()) as house:
        ana = await house.visitor()
        await ana.says("hi")
        number, message = await house.core.message()
        stream = await ana.follows()
        await stream.until("pending")
        house.core.end(number, "From elsewhere.")  # nobody shows it here, and the clock stands still
        house.core.elsewhere.put_nowait(message.conversation.key if named else "")
        assert json.loads((await stream.until("entry")).data)["role"] == "user"


async def test_the_draft_of_a_turn_that_ended_elsewhere_is_forgotten(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    number, message = await house.core.message()
    await house.web.show(house.core.draft(number, "One"))
    house.core.end(number, "One.")
    await (await ana.follows()).until("entry")
    assert house.web._desk.live.draft(message.conversation.key) is None


async def test_the_draft_of_a_turn_that_was_forgotten_is_not_told(house: House, ana: Visitor) -> None:
    await ana.says("hi")
    number, message = await house.core.message()
    draft = house.core.draft(number, "One")
    house.core.forget_elsewhere(message.conversation)
    await house.web.show(draft)  # the turn has not heard of it yet
    stream = await ana.follows()
    await ana.says("and again")
    assert [(await stream.next()).event for _ in range(3)] == ["engine", "waiting", "pending"]


async def test_the_draft_of_a_message_another_process_took_is_told(house: House, ana: Visitor) -> None:
    stream = await ana.follows()
    await stream.until("waiting")
    where = wire.conversation("web", wire.person(ana.cookie), CHAT)
    said = Message(event_id="elsewhere", conversation=where, person=wire.person(ana.cookie), text="hi")
    [receipt] = await house.core.accept([said])
    await house.web.show(house.core.draft(receipt.id, "One"))
    assert [(await stream.next()).event for _ in range(2)] == ["pending", "draft"]


async def test_a_quiet_stream_says_every_fifteen_seconds_that_it_lives() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house:
        stream = await (await house.visitor()).follows()
        await stream.until("waiting")
        for _ in range(2):
            comment = asyncio.create_task(stream.next())
            await clock.advance(COMMENT_S)
            assert (await comment).event == ""


async def test_a_reader_who_takes_nothing_is_hung_up_on_and_costs_little() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house:
        ana = await house.visitor()
        await ana.says("hi")
        number, _ = await house.core.message()
        host, port = re.findall(r"//(.*):(\d+)", house.address)[0]
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(
            f"GET {CONVERSATION}/events HTTP/1.1\r\nHost: localhost\r\n"
            f"Cookie: botcore_visitor={ana.cookie}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: engine")
        for step in count():  # nothing is read: the kernel's buffers fill, then the server's
            await house.web.show(house.core.draft(number, f"{step} " + "x" * 500_000))
            await clock.advance(31)
            if not house.web._desk.live.count:
                break
        with suppress(ConnectionResetError):
            rest = await reader.read()
            assert not rest.endswith(b"0\r\n\r\n")  # cut off, not ended: the page knows that it must come back
        writer.close()


async def test_too_many_open_streams_are_503() -> None:
    async with serving(web=Web(WebSettings(connections=2))) as house:
        ana = await house.visitor()
        one, _two = await ana.follows(), await ana.follows()
        status, body, headers = await ana.asks("GET", f"{CONVERSATION}/events")
        assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "full", "5")
        one.close()
        where = wire.conversation("web", wire.person(ana.cookie), CHAT)
        await until(lambda: _noticed(house, where))
        assert (await ana.follows()).response.status == 200


async def test_a_visitor_with_too_many_tabs_is_told_so_and_others_come_in() -> None:
    async with serving(web=Web(WebSettings(streams=2))) as house:
        ana, ben = await house.visitor(), await house.visitor()
        one, _two = await ana.follows(), await ana.follows(OTHER)
        status, body, headers = await ana.asks("GET", f"{CONVERSATION}/events")
        assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "tabs", str(TABS_S))
        assert body["error"]["message"] == "2 tabs of this browser are open here already; close some of them"
        assert (await ben.follows()).response.status == 200
        one.close()
        await until(lambda: house.web._desk.live._tabs(wire.person(ana.cookie).id) == 1)
        assert (await ana.follows()).response.status == 200


def _noticed(house: House, where: Conversation) -> bool:
    """Whether the server knows by now that one of the streams is closed: it looks whenever there is news."""
    house.web._desk.live.tell(where.key, News.DRAFT)
    return house.web._desk.live.count == 1


async def test_a_closed_page_does_not_stop_its_turn(house: House, ana: Visitor) -> None:
    stream = await ana.follows()
    await ana.says("hi")
    await stream.until("pending")
    stream.close()
    await house.answers("One.")
    assert len((await ana.asks("GET", CONVERSATION))[1]["entries"]) == 2
    assert len(house.core.accepted) == 1


async def test_a_page_is_told_the_last_news_when_the_bot_stops() -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
        async with serving() as house:
            ana = await open_page(house.address, browser, [])
            stream = await ana.follows()
            await ana.says("hi")
            await stream.until("pending")
            await house.answers("just in time")
        told = (await stream.response.read()).decode()  # up to a clean end
        assert "just in time" in told
