"""The page's JSON, without a network: what is taken, what is refused and how."""

import json
from typing import Any

import pytest

from botcore import Attachment, Citation, Conversation, Entry, Message
from botcore_web import wire
from botcore_web.problem import Problem

ANA = wire.person("a" * 22)
BEN = wire.person("b" * 22)
CHAT = "c" * 22
WHERE = wire.conversation("web", ANA, CHAT)
UUID = "0B5E7A50-3B1C-4C55-9E2A-111111111111"


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_visitor_s_id_does_not_tell_their_cookie() -> None:
    assert "a" * 22 not in ANA.id
    assert ANA.id != BEN.id
    assert wire.person("a" * 22) == ANA


def test_the_same_chat_id_is_another_conversation_for_another_visitor() -> None:
    assert wire.conversation("web", BEN, CHAT).key != WHERE.key
    assert wire.chat_id(WHERE.chat) == CHAT


@pytest.mark.parametrize("chat", ["", "short", "x" * 65, "c" * 21 + "/", "c" * 21 + ".", "é" * 22, "c" * 22 + "\n"])
def test_no_conversation_has_such_a_name(chat: str) -> None:
    with pytest.raises(Problem) as refused:
        wire.conversation("web", ANA, chat)
    assert refused.value.status == 404


@pytest.mark.parametrize("cookie", ["", "a" * 21, "a" * 23, "a" * 21 + "=", "a" * 21 + "\n", "ä" * 22])
def test_a_cookie_that_is_none_of_ours(cookie: str) -> None:
    assert wire.visitor(cookie) == ""


@pytest.mark.parametrize(
    ("header", "last"), [("", 0), ("17", 17), ("-1", 0), ("1e3", 0), ("9" * 19, 0), ("٣", 0), ("1\n", 0), ("x", 0)]
)
def test_last_event_id_is_a_stranger_s_word(header: str, last: int) -> None:
    assert wire.last_event_id(header) == last


def said(sent: bytes, *, now: float = 0) -> tuple[Message, tuple[str, ...]]:
    return wire.message(sent, WHERE, ANA, limit=10, files_limit=2, now=now)


def test_a_message() -> None:
    taken, files = said(body(id=UUID, text="hi"), now=5.0)
    assert files == ()
    assert taken == Message(
        event_id=f"{WHERE.chat}.{UUID.lower()}",
        conversation=WHERE,
        person=ANA,
        text="hi",
        platform_id=UUID.lower(),
        sent_at=5.0,
    )


def test_the_limit_counts_characters() -> None:
    assert said(body(id=UUID, text="🙂" * 10))[0].text == "🙂" * 10


def test_files_may_come_without_a_text_and_each_comes_once() -> None:
    taken, files = said(body(id=UUID, text="", files=[UUID, UUID.lower()]))
    assert (taken.text, files) == ("", (UUID.lower(),))


def test_a_message_names_the_reply_that_is_to_be_written_again() -> None:
    assert said(body(id=UUID, text="/again", about="t1"))[0].about == "t1"


@pytest.mark.parametrize(
    ("sent", "status", "named"),
    [
        (body(id=UUID, text="x" * 11), 413, "at most 10"),
        (body(id=UUID, text=" \n"), 400, "text"),
        (body(id=UUID), 400, "text"),
        (body(id=UUID, text=7), 400, "text"),
        (body(id=UUID, text=None), 400, "text"),
        (body(text="hi"), 400, "id"),
        (body(id="1", text="hi"), 400, "id"),
        (body(id=7, text="hi"), 400, "id"),
        (body(id=f"{{{UUID}}}", text="hi"), 400, "id"),
        (body(id=UUID, text="hi", role="system"), 400, "role"),
        (body(id=UUID, text="hi", files="x"), 400, "files"),
        (body(id=UUID, text="hi", files=["../x"]), 400, "id"),
        (body(id=UUID, text="hi", files=[7]), 400, "id"),
        (body(id=UUID, text="hi", files=[UUID] * 3), 413, "at most 2"),
        (body(id=UUID, text="", files=[]), 400, "text"),
        (body(id=UUID, text="hi", about=7), 400, "about"),
        (body(id=UUID, text="hi", about="x" * 201), 413, "about"),
        (b"", 400, "JSON"),
        (b"{", 400, "JSON"),
        (b"\xff\xfe", 400, "JSON"),
        (b"[]", 400, "object"),
        (b"null", 400, "object"),
        (b"[" * 100_000, 400, "JSON"),
        (b'{"id": NaN}', 400, "JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", 400, "JSON"),
    ],
)
def test_a_message_that_is_none(sent: bytes, status: int, named: str) -> None:
    with pytest.raises(Problem) as refused:
        said(sent)
    assert refused.value.status == status
    assert named in refused.value.message
    assert len(refused.value.message) < 200


def judgement(**fields: Any) -> bytes:
    usual = {"id": UUID, "conversation": CHAT, "reply": "t1", "value": 1, "reasons": ["wrong"], "comment": "no"}
    return json.dumps(usual | {"correction": "yes"} | fields).encode()


def test_feedback() -> None:
    taken = wire.feedback(judgement(), "web", ANA)
    assert (taken.reply, taken.value, taken.reasons, taken.comment) == ("t1", 1, ("wrong",), "no")
    assert taken.correction == "yes"
    assert taken.conversation == WHERE


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"value": 2}, 400),
        ({"value": True}, 400),
        ({"value": 1.0}, 400),
        ({"value": "1"}, 400),
        ({"reasons": "wrong"}, 400),
        ({"reasons": [1]}, 400),
        ({"reasons": ["x" * 65]}, 400),
        ({"reasons": ["x"] * 17}, 400),
        ({"comment": "x" * 4001}, 413),
        ({"comment": 1}, 400),
        ({"correction": "x" * 8001}, 413),
        ({"correction": ["yes"]}, 400),
        ({"reply": None}, 400),
        ({"reply": "x" * 201}, 413),
        ({"conversation": "short"}, 404),
        ({"conversation": 1}, 400),
        ({"more": 1}, 400),
    ],
)
def test_feedback_that_is_none(fields: dict[str, Any], status: int) -> None:
    with pytest.raises(Problem) as refused:
        wire.feedback(judgement(**fields), "web", ANA)
    assert refused.value.status == status


def test_an_entry_as_the_page_reads_it() -> None:
    source = Citation(number=1, title="Guide", snippet="One class.", source="guide.pdf", page=12)
    answered = Entry(id=3, role="assistant", text="Yes [1].", at=2.0, reply="t1", citations=(source,), platform_id="m")
    assert wire.entry_json(answered, reason="") == {
        "id": 3,
        "role": "assistant",
        "text": "Yes [1].",
        "at": 2.0,
        "reply": "t1",
        "outcome": "answered",
        "reason": "",
        "model": "",
        "plugin": "",
        "citations": [{"number": 1, "title": "Guide", "snippet": "One class.", "source": "guide.pdf", "page": 12}],
        "feedback": 0,
        "message": "",
        "again": "",
        "judgeable": True,
        "files": [],
    }
    file = Attachment(name="a.pdf", media_type="application/pdf", size=7, reference=f"{WHERE.chat}/{UUID.lower()}")
    asked = wire.entry_json(
        Entry(id=2, role="user", text="?", at=1.0, platform_id="m", again="t0", attachments=(file,))
    )
    assert (asked["message"], asked["again"], asked["judgeable"]) == ("m", "t0", False)
    assert asked["files"] == [{"file": UUID.lower(), "name": "a.pdf", "size": 7}]


def test_a_title_is_one_short_line() -> None:
    assert wire.title("hello\n  there") == "hello there"
    assert len(wire.title("x" * 500)) == 80


def test_an_order_to_stop() -> None:
    order = wire.stop(body(id=UUID), WHERE, ANA)
    assert (order.kind, order.conversation) == ("stop", Conversation(channel="web", chat=WHERE.chat))
