"""Telegram's updates as records: golden tables, without network."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore import Attachment, Control, Conversation, Feedback, Message, Person
from botcore_telegram.hearing import Identity, Unusable
from botcore_telegram.wire import chat_and_message, moved, platform_id, read

ME = Identity(channel="telegram", user_id=42, username="helper_bot")
ANA = {"id": 7, "is_bot": False, "first_name": "Ana", "last_name": "Lima"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ana"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}


def message(text: str | None = "hi", chat: dict[str, Any] = PRIVATE, **more: Any) -> dict[str, Any]:
    said = {"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": ANA, "text": text, **more}
    return {"update_id": 1000, "message": {key: value for key, value in said.items() if value is not None}}


def heard(update: dict[str, Any], group_mode: Any = "addressed") -> str | None:
    record = read(update, ME, group_mode, ("stop", "bad"))
    assert record is None or isinstance(record, Message)
    return record.text if record else None


def test_either_half_of_a_move_says_which_group_became_which() -> None:
    before, after = {"id": -100, "type": "group"}, {"id": -1002000, "type": "supergroup"}
    assert moved(message(None, before, migrate_to_chat_id=-1002000)) == (-100, -1002000)
    assert moved(message(None, after, migrate_from_chat_id=-100)) == (-100, -1002000)
    assert [moved(update) for update in (message("hi"), {"update_id": 1}, {"message": None})] == [None] * 3
    with pytest.raises(Unusable):
        moved(message(None, before, migrate_to_chat_id="x"))


def test_a_private_message_becomes_a_record() -> None:
    assert read(message("hi"), ME) == Message(
        event_id="1000",
        conversation=Conversation(channel="telegram", account="42", chat="7", private=True),
        person=Person(id="7", name="Ana Lima"),
        text="hi",
        platform_id="7:5",
        sent_at=1_700_000_000.0,
    )


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("hi all", {}, None),
        ("@helper_bot hi", {}, "hi"),
        ("@HELPER_bot: hi", {}, "hi"),
        ("  @helper_bot , hi", {}, "hi"),
        ("hi @helper_bot", {}, "hi @helper_bot"),
        ("@helper_bot", {}, "@helper_bot"),
        ("@helper_bot_2 hi", {}, None),
        ("mail me@helper_bot", {}, None),
        ("@other_bot hi", {}, None),
        ("/stop", {}, "/stop"),
        ("/stop@helper_bot", {}, "/stop"),
        ("/stop@Helper_Bot now", {}, "/stop now"),
        ("/stop@other_bot", {}, None),
        ("/Stop", {}, "/Stop"),
        ("/weather", {}, None),
        ("/weather@helper_bot", {}, "/weather"),
        ("/weather", {"reply_to_message": {"message_id": 4, "from": {"id": 42}}}, "/weather"),
        ("@helper_bot /stop", {}, "/stop"),
        ("/path/to/file", {}, None),
        ("yes", {"reply_to_message": {"message_id": 4, "from": {"id": 42}}}, "yes"),
        ("yes", {"reply_to_message": {"message_id": 4, "from": {"id": 8}}}, None),
        ("yes", {"reply_to_message": {"message_id": 4, "from": {"id": 42}, "forum_topic_created": {}}}, None),
        (
            "you there",
            {"entities": [{"type": "text_mention", "offset": 0, "length": 3, "user": {"id": 42}}]},
            "you there",
        ),
        ("you there", {"entities": [{"type": "text_mention", "offset": 0, "length": 3, "user": {"id": 8}}]}, None),
    ],
)
def test_in_a_group_only_what_is_meant_for_the_bot_is_heard(
    text: str, more: dict[str, Any], expected: str | None
) -> None:
    assert heard(message(text, GROUP, **more)) == expected


BENS = {"message_id": 4, "from": {"id": 8}, "text": "The pump has 3 bar."}
OURS = {"message_id": 4, "from": {"id": 42}, "text": "It has 3 bar, which is fine."}
FILE = {"file_id": "f", "file_name": "a.pdf", "file_size": 3}


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (message("@helper_bot is it so?", GROUP, reply_to_message=BENS), "is it so?\n\nThe pump has 3 bar."),
        (message("@helper_bot", GROUP, reply_to_message=BENS), "@helper_bot\n\nThe pump has 3 bar."),
        (message("is it so?", GROUP, reply_to_message=BENS), None),
        (message("is it so?", GROUP, reply_to_message=OURS), "is it so?"),
        (message("why?", GROUP, reply_to_message=OURS, quote={"text": "which is fine"}), "why?\n\nwhich is fine"),
        (message("why?", reply_to_message=OURS, quote={"text": "which is fine"}), "why?\n\nwhich is fine"),
        (message("why?", reply_to_message={**BENS, "from": ANA}), "why?"),
        (message("/bad why", GROUP, reply_to_message=OURS, quote={"text": "which is fine"}), "/bad why"),
    ],
)
def test_what_people_said_among_themselves_is_read_below_what_is_asked_about_it(
    update: dict[str, Any], expected: str | None
) -> None:
    assert heard(update) == expected
    edited = read({"update_id": 1001, "edited_message": update["message"]}, ME, commands=("bad",))
    assert edited is None if expected is None else isinstance(edited, Control) and edited.text == expected


LINKS = [
    {"type": "text_link", "offset": 3, "length": 3, "url": "https://a.example"},
    {"type": "bold", "offset": 3, "length": 3},
    {"type": "text_link", "offset": 11, "length": 5, "url": "https://b.example"},
]


@pytest.mark.parametrize(
    "update",
    [
        message("😀 one and two🙃?", entities=LINKS),
        message(None, caption="😀 one and two🙃?", caption_entities=LINKS, photo=[{"file_id": "p"}]),
    ],
)
def test_the_address_behind_a_link_stands_beside_it(update: dict[str, Any]) -> None:
    assert heard(update) == "😀 one (https://a.example) and two🙃 (https://b.example)?"


def test_a_file_somebody_else_has_sent_comes_along_where_the_bot_is_asked_about_it() -> None:
    asked = message("@helper_bot what is in it?", GROUP, reply_to_message={**BENS, "text": "", "document": FILE})
    known = message("what is in it?", reply_to_message={"message_id": 4, "from": ANA, "document": FILE})
    for update, expected in ((asked, ["f"]), (known, [])):
        record = read(update, ME)
        assert isinstance(record, Message)
        assert [file.reference for file in record.attachments] == expected


def test_group_mode_all_hears_everything_but_other_bots_commands_and_nothing_twice() -> None:
    assert heard(message("hi all", GROUP), "all") == "hi all"
    assert heard(message("/weather", GROUP), "all") == "/weather"
    assert heard(message("is it so?", GROUP, reply_to_message=BENS), "all") == "is it so?"
    assert heard(message("/go@other_bot", GROUP), "all") is None


@pytest.mark.parametrize(
    ("text", "expected"), [("/stop@helper_bot", "/stop"), ("/stop", "/stop"), ("/x@other_bot", None), ("1/2", "1/2")]
)
def test_commands_in_a_private_chat(text: str, expected: str | None) -> None:
    assert heard(message(text)) == expected


@pytest.mark.parametrize(
    ("more", "thread"),
    [
        ({"message_thread_id": 9, "is_topic_message": True}, "9"),
        ({"message_thread_id": 9}, ""),
        ({"message_thread_id": 1, "is_topic_message": True}, ""),
        ({}, ""),
    ],
)
def test_a_topic_is_a_conversation_of_its_own_and_general_is_not(more: dict[str, Any], thread: str) -> None:
    record = read(message("@helper_bot hi", GROUP, **more), ME)
    assert isinstance(record, Message)
    assert (record.conversation.thread, record.conversation.private) == (thread, False)


def test_what_a_message_answers_is_named() -> None:
    record = read(message(reply_to_message={"message_id": 4, "from": ANA}), ME)
    assert isinstance(record, Message)
    assert record.reply_to == "7:4"


def test_an_anonymous_administrator_is_the_group_and_other_bots_are_nobody() -> None:
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    record = read(message("@helper_bot hi", GROUP, **{"from": anonymous, "sender_chat": GROUP}), ME)
    assert isinstance(record, Message)
    assert record.person == Person(id="-100", name="Team")
    assert read(message("@helper_bot hi", GROUP, **{"from": anonymous}), ME) is None


def test_an_edit_is_an_order_about_the_message_and_has_it_as_it_is_now() -> None:
    edited = {"update_id": 1001, "edited_message": {**message("new")["message"], "edit_date": 1_700_000_050}}
    place, ana = Conversation(channel="telegram", account="42", chat="7"), Person(id="7", name="Ana Lima")
    now = Message(
        event_id="1001:edit",
        conversation=place,
        person=ana,
        text="new",
        platform_id="7:5",
        sent_at=1_700_000_050.0,
    )
    assert read(edited, ME) == Control(
        event_id="1001", conversation=place, person=ana, kind="edit", target="7:5", text="new", message=now
    )


def test_an_edit_in_a_group_that_is_not_for_the_bot_is_ignored() -> None:
    assert read({"update_id": 1, "edited_message": message("new", GROUP)["message"]}, ME) is None


@pytest.mark.parametrize(
    ("data", "value", "reasons"),
    [("feedback:1", 1, ()), ("feedback:-1", -1, ()), ("feedback:0", 0, ()), ("feedback:-1:style", -1, ("style",))],
)
def test_a_button_below_a_reply_is_feedback(data: str, value: int, reasons: tuple[str, ...]) -> None:
    shown = {"message_id": 6, "date": 0, "chat": PRIVATE}
    update = {"update_id": 1002, "callback_query": {"id": "1", "from": ANA, "message": shown, "data": data}}
    record = read(update, ME)
    assert isinstance(record, Feedback)
    assert (record.platform_id, record.value, record.reasons, record.person.id) == ("7:6", value, reasons, "7")


def test_the_button_for_another_answer_is_a_message_about_the_reply() -> None:
    shown = {"message_id": 6, "date": 0, "chat": GROUP, "message_thread_id": 9, "is_topic_message": True}
    update = {"update_id": 1002, "callback_query": {"id": "1", "from": ANA, "message": shown, "data": "again"}}
    assert read(update, ME) == Message(
        event_id="1002",
        conversation=Conversation(channel="telegram", account="42", chat="-100", thread="9", private=False),
        person=Person(id="7", name="Ana Lima"),
        text="/again",
        reply_to="-100:6",
    )


@pytest.mark.parametrize(
    "query",
    [
        {"id": "1", "from": ANA, "data": "other", "message": {"message_id": 6, "chat": PRIVATE}},
        {"id": "1", "from": ANA, "data": "feedback:2", "message": {"message_id": 6, "chat": PRIVATE}},
        {"id": "1", "from": ANA, "data": "feedback:1", "inline_message_id": "x"},
        {"id": "1", "from": ANA, "game_short_name": "g"},
    ],
)
def test_other_buttons_are_ignored(query: dict[str, Any]) -> None:
    assert read({"update_id": 1, "callback_query": query}, ME) is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"photo": [{"file_id": "small", "file_size": 1}, {"file_id": "big", "file_size": 9}]},
            Attachment(name="photo.jpg", media_type="image/jpeg", size=9, reference="big"),
        ),
        (
            {"document": {"file_id": "d", "file_name": "a.pdf", "mime_type": "application/pdf", "file_size": 3}},
            Attachment(name="a.pdf", media_type="application/pdf", size=3, reference="d"),
        ),
        (
            {"animation": {"file_id": "a"}, "document": {"file_id": "a", "file_name": "x"}},
            Attachment(name="animation.mp4", media_type="video/mp4", size=0, reference="a"),
        ),
        ({"voice": {"file_id": "v"}}, Attachment(name="voice.ogg", media_type="audio/ogg", size=0, reference="v")),
    ],
)
def test_files_travel_with_their_caption(more: dict[str, Any], expected: Attachment) -> None:
    record = read(message(None, caption="look", **more), ME)
    assert isinstance(record, Message)
    assert (record.text, record.attachments) == ("look", (expected,))


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "channel_post": message("hi")["message"]},
        {"update_id": 1, "my_chat_member": {}},
        {"update_id": 1, "something_new": {"x": 1}},
        message(None, GROUP, new_chat_members=[ANA]),
        message(None, location={"latitude": 1, "longitude": 2}),
        message("hi", {"id": -5, "type": "channel", "title": "news"}),
        message("@helper_bot hi", {**GROUP, "is_direct_messages": True}),
        message("@helper_bot hi", GROUP, is_automatic_forward=True),
    ],
)
def test_what_is_not_for_a_bot_is_ignored_in_silence(update: dict[str, Any]) -> None:
    assert read(update, ME) is None


@pytest.mark.parametrize(
    "update",
    [
        {"update_id": 1, "message": {}},
        {"update_id": 1, "message": None},
        {"update_id": 1, "message": "hi"},
        message("hi", {"id": "seven", "type": "private"}),
        message("hi", message_id=None),
        message("hi", message_id=True),
        message("hi", message_id=1 << 80),
        message("hi", date=10**400),
        message("hi", photo=[7]),
        message("hi", document={"file_id": "d", "file_size": "big"}),
        message("hi", document={"file_id": "d", "file_size": float("inf")}),
        {"update_id": 1, "callback_query": {"data": "again", "from": ANA, "message": {"chat": PRIVATE}}},
        {"update_id": 1, "callback_query": []},
        message(["hi"]),  # type: ignore[arg-type]
        message("hi", **{"from": None}),
        {"update_id": 1, "edited_message": {"chat": PRIVATE, "from": ANA, "text": "x"}},
    ],
)
def test_a_message_that_cannot_be_understood_says_so(update: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        read(update, ME)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "message_id",
    "date",
    "chat",
    "from",
    "text",
    "caption",
    "entities",
    "photo",
    "document",
    "reply_to_message",
    "quote",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["message", "edited_message", "callback_query"]), st.data())
def test_whatever_stands_in_an_update_it_is_a_record_or_unusable(kind: str, data: st.DataObject) -> None:
    content = {**message()["message"], "data": "feedback:1", "message": message()["message"], "chat": GROUP}
    for field in data.draw(st.lists(st.sampled_from([*FIELDS, "data", "message", "sender_chat"]), max_size=3)):
        content[field] = data.draw(JUNK)
    with suppress(Unusable):
        update = {"update_id": data.draw(st.integers() | JUNK), kind: content}
        moved(update)
        read(update, ME)


def test_a_message_is_named_by_chat_and_number() -> None:
    assert chat_and_message(platform_id(-100123, 5)) == (-100123, 5)
    with pytest.raises(ValueError, match="invalid literal"):
        chat_and_message("elsewhere")
