"""Slack's events as records: golden tables, without network."""

import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore import Attachment, Control, Conversation, Message, Person
from botcore_slack.hook import unpacked
from botcore_slack.text import harmless
from botcore_slack.wire import Heard, Identity, Unusable, channel_and_ts, platform_id, read_event

ME = Identity(channel="slack", team="T1", user_id="U0", bot_id="B0", name="helper")
TS, ROOT = "1700000000.000100", "1690000000.000200"


def event(text: str = "hi", **more: Any) -> dict[str, Any]:
    said = {
        "type": "message",
        "channel": "D1",
        "channel_type": "im",
        "user": "U1",
        "text": text,
        "ts": TS,
        "event_ts": TS,
        **more,
    }
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": said}


def channel(text: str = "hi", **more: Any) -> dict[str, Any]:
    return event(text, **{"channel": "C1", "channel_type": "channel", **more})


def heard(payload: dict[str, Any]) -> Heard:
    found = read_event(payload, ME)
    assert found
    return found


def text_of(payload: dict[str, Any], commands: tuple[str, ...] = ()) -> str | None:
    found = read_event(payload, ME, commands)
    assert found is None or isinstance(found.record, Message)
    return found.record.text if found else None


# ------------------------------------------------------------------ messages


def test_a_direct_message_becomes_a_record() -> None:
    found = heard(event("hi", client_msg_id="abc", user_profile={"display_name": "Ana"}))
    assert found == Heard(
        record=Message(
            event_id="T1:D1:abc",
            conversation=Conversation(channel="slack", account="U0", chat="D1", private=True),
            person=Person(id="U1", name="Ana"),
            text="hi",
            platform_id=f"D1:{TS}",
            sent_at=1700000000.0001,
        ),
        team="T1",
    )


def test_a_mention_is_read_from_its_message_alone() -> None:
    words = "<@U0> hi"
    assert read_event(channel(words, type="app_mention"), ME) is None
    assert heard(channel(words, client_msg_id="abc")).record.event_id == "T1:C1:abc"
    assert heard(channel(words)).record.event_id == f"T1:C1:{TS}"


def test_one_message_that_comes_again_with_another_time_is_one_record() -> None:
    first, phantom = (heard(event("hi", client_msg_id="abc", ts=ts)) for ts in (TS, "1700000000.000999"))
    assert first.record.event_id == phantom.record.event_id


def test_a_mention_opens_a_thread_of_its_own_and_answers_belong_to_it() -> None:
    opened = heard(channel("<@U0> hi")).record.conversation
    assert opened == Conversation(channel="slack", account="U0", chat="C1", thread=TS, private=False)
    later = heard(channel("and then?", thread_ts=TS, ts="1700000001.000100"))
    assert (later.record.conversation, later.overheard) == (opened, True)


FORWARDED = {"is_share": True, "is_msg_unfurl": True, "author_name": "ben", "text": "The pump has &lt;3 bar."}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (channel("hi all"), None),
        (channel("<@U0>"), "@helper"),
        (channel("<@U0>: hi"), "hi"),
        (channel("  <@U0|helper> , hi"), "hi"),
        (channel("hi <@U0>"), "hi"),
        (channel("ask <@U0> about it"), "ask about it"),
        (channel("<@U0> <@U0>, ask \t<@U0> <@U0> about  it"), ", ask about  it"),
        (channel("<@U2> hi"), None),
        (channel("<@U01> hi"), None),
        (channel("<@U0> /stop"), "/stop"),
        (channel("<@U0> !stop now"), "/stop now"),
        (event("!stop"), "/stop"),
        (event("!wow"), "!wow"),
        (event("a &amp; b &lt;i&gt; &amp;lt;"), "a & b <i> &lt;"),
        (event("<@U2> and <@U3|ben> in <#C1|general> and <#C2>"), "@U2 and @ben in #general and #C2"),
        (event("<!here> <!subteam^S1|@team> <!subteam^S1> <!date^1^{date}|today>"), "@here @team @subteam today"),
        (
            event("<https://a.b/c> <https://a.b|the page> <mailto:a@b.c|a@b.c>"),
            "https://a.b/c the page (https://a.b) a@b.c",
        ),
        (event("", attachments=[FORWARDED]), "The pump has <3 bar."),
        (event("Why?", attachments=[FORWARDED, FORWARDED]), "Why?\n\nThe pump has <3 bar.\n\nThe pump has <3 bar."),
        (event("Why?", attachments=[FORWARDED | {"is_share": False}, {"fallback": "a link"}]), "Why?"),
        (channel("<@U0>", attachments=[FORWARDED]), "@helper\n\nThe pump has <3 bar."),
        (channel("look", attachments=[FORWARDED | {"text": "<@U0> hi"}]), None),
        (event("hi", subtype="thread_broadcast"), "hi"),
        (event("hi", subtype="me_message"), "hi"),
    ],
)
def test_what_is_meant_for_the_bot_is_heard_in_plain_words(payload: dict[str, Any], expected: str | None) -> None:
    assert text_of(payload, ("stop",)) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B0"},
        {"bot_id": "B7", "user": "U7"},
        {"user": "U0"},
        {"subtype": "bot_message", "bot_id": "B7"},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "message_replied"},
        {"subtype": "something_new"},
        {"text": ""},
        {"type": "reaction_added"},
        {"type": "app_home_opened"},
    ],
)
def test_own_words_other_bots_and_everything_else_are_ignored(more: dict[str, Any]) -> None:
    assert read_event(event("hi <@U0>") | {"event": {**event("hi <@U0>")["event"], **more}}, ME) is None


def test_in_a_thread_on_the_bots_own_message_nobody_has_to_mention_it() -> None:
    said = heard(channel("yes", thread_ts=ROOT, parent_user_id="U0"))
    assert (said.overheard, said.record.conversation.thread) == (False, ROOT)


def test_a_thread_in_direct_messages_is_a_conversation_of_its_own() -> None:
    assert heard(event("yes", thread_ts=ROOT)).record.conversation.thread == ROOT
    assert heard(event("yes", thread_ts=TS)).record.conversation.thread == ""


def test_files_come_as_attachments_with_or_without_words() -> None:
    file = {"id": "F1", "name": "a.pdf", "mimetype": "application/pdf", "size": 12, "url_private": "https://f/1"}
    record = heard(event("", subtype="file_share", files=[file])).record
    assert isinstance(record, Message)
    assert record.attachments == (
        Attachment(name="a.pdf", media_type="application/pdf", size=12, reference="https://f/1"),
    )


def test_in_a_shared_channel_the_writers_workspace_is_known() -> None:
    assert heard(channel("<@U0> hi", user_team="T9")).team == "T9"


# ------------------------------------------------------------------ edits and deletions


def changed(text: str, before: str = "first", **more: Any) -> dict[str, Any]:
    message = {
        "type": "message",
        "user": "U1",
        "text": text,
        "ts": TS,
        "edited": {"user": "U1", "ts": "1700000005.000000"},
    }
    previous = {"user": "U1", "text": before, "ts": TS}
    return event("", subtype="message_changed", message=message | more, previous_message=previous)


def test_an_edit_is_a_control_about_the_message() -> None:
    assert heard(changed("second &amp; last")).record == Control(
        event_id=f"T1:D1:{TS}:edited:1700000005.000000",
        conversation=Conversation(channel="slack", account="U0", chat="D1"),
        person=Person(id="U1"),
        kind="edit",
        target=f"D1:{TS}",
        text="second & last",
    )


def test_a_forwarded_file_comes_along() -> None:
    file = {"id": "F1", "name": "plan.pdf", "mimetype": "application/pdf", "size": 3, "url_private": "https://slack/f"}
    said = heard(event("", attachments=[FORWARDED | {"text": "", "files": [file]}]))
    assert isinstance(said.record, Message)
    assert (said.record.text, [one.name for one in said.record.attachments]) == ("", ["plan.pdf"])


@pytest.mark.parametrize("text", ["!help me", "!Help me", "<@U0> !help me"])
def test_a_command_may_begin_with_a_capital_and_come_by_an_edit(text: str) -> None:
    said = read_event(event(text), ME, ["help"])
    edit = read_event(changed(text), ME, ["help"])
    assert said
    assert edit
    assert isinstance(said.record, Message)
    assert isinstance(edit.record, Control)
    assert said.record.text.lower() == edit.record.text.lower() == "/help me"


def test_a_link_preview_is_no_edit_and_neither_is_our_own() -> None:
    assert read_event(changed("first"), ME) is None
    assert read_event(changed("…and more", bot_id="B0", user="U0"), ME) is None
    assert read_event(changed("…and more", user="U0"), ME) is None


IN_A_THREAD = {"channel": "C1", "channel_type": "channel"}


def changed_there(text: str, before: str = "first", **more: Any) -> dict[str, Any]:
    payload = changed(text, before, thread_ts=ROOT, **more)
    payload["event"] |= IN_A_THREAD
    return payload


def test_a_mention_that_comes_by_an_edit_may_be_a_message_not_heard_before() -> None:
    payload = changed("<@U0> second", client_msg_id="abc", user_team="T9")
    payload["event"] |= IN_A_THREAD
    edit = heard(payload)
    said = edit.message
    assert isinstance(edit.record, Control)
    assert said
    assert (edit.record.target, edit.overheard, edit.team) == (said.platform_id, False, "T9")
    assert (said.text, said.conversation, said.conversation.thread) == ("second", edit.record.conversation, TS)
    assert (said.event_id, said.sent_at) == ("T1:C1:abc", 1700000005.0)


def deleted_there(text: str, **more: Any) -> dict[str, Any]:
    before = {"user": "U1", "ts": TS, "text": text, **more}
    return event("", subtype="message_deleted", deleted_ts=TS, previous_message=before, **IN_A_THREAD)


@pytest.mark.parametrize(
    ("payload", "overheard"),
    [
        (changed("second"), False),
        (changed_there("second"), True),
        (changed_there("<@U0> second", "<@U0> first"), False),
        (changed_there("second", "<@U0> first"), False),
        (changed_there("second", parent_user_id="U0"), False),
        (event("", subtype="message_deleted", deleted_ts=TS, previous_message={"user": "U1", "ts": TS}), False),
        (deleted_there("nobody's business"), True),
        (deleted_there("nobody's business", thread_ts=ROOT), True),
        (deleted_there("<@U0> hi"), False),
        (deleted_there("yes", thread_ts=ROOT, parent_user_id="U0"), False),
    ],
)
def test_what_strangers_edit_and_delete_is_only_overheard(payload: dict[str, Any], overheard: bool) -> None:
    assert heard(payload).overheard is overheard


def test_a_deletion_is_a_control_unless_it_was_the_bots_message() -> None:
    for gone in (
        event("", subtype="message_deleted", deleted_ts=TS, previous_message={"user": "U1", "ts": TS}),
        changed("This message was deleted.", subtype="tombstone"),
    ):
        record = heard(gone).record
        assert isinstance(record, Control)
        assert (record.kind, record.target, record.event_id) == ("delete", f"D1:{TS}", f"T1:D1:{TS}:deleted")
    ours = event("", subtype="message_deleted", deleted_ts=TS, previous_message={"user": "U0", "bot_id": "B0"})
    assert read_event(ours, ME) is None


# ------------------------------------------------------------------ what cannot be used


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"event": None},
        {"event": "message"},
        {"event": {}},
        {"event": {"type": "message"}},
        event(channel=7),
        event(ts="now"),
        event(ts=7),
        event(user=None),
        event(text=7),
        event(text=["a"]),
        event(thread_ts={"a": 1}),
        event(files=7),
        event(files=[7]),
        event(files=[{"size": "many"}]),
        event(subtype="message_changed"),
        event(subtype="message_deleted"),
        event(subtype=["a"]),
    ],
)
def test_what_claims_to_be_a_message_and_is_none_is_unusable(payload: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        read_event(payload, ME)


HOSTILE = 40_000
HOSTILE_UNITS = (
    " ",
    "\t",
    "\n",
    "\u3000",
    "<",
    ">",
    "<@",
    "<@U0",
    "<@U0|",
    "<@U0>",
    " <@U0>",
    "<@U0> ",
    "|",
    "&",
    "!",
    "a",
)
HOSTILE_UNITS += (",:", "&lt;", "<!", "<#C1|", "<a|b>", " \n", "!stop")


@pytest.mark.parametrize("unit", HOSTILE_UNITS)
def test_no_text_keeps_the_reader_busy(unit: str) -> None:
    text = (unit * HOSTILE)[:HOSTILE]
    began = time.process_time()
    for words in (text, f"{text}x", f"<@U0>{text}x", f"x{text}<@U0>", f"!{text}"):
        with suppress(Unusable):
            read_event(channel(words), ME, ("stop",))
            read_event(changed(words), ME)
            harmless(words)
    assert time.process_time() - began < 1


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = st.text("aU0B<@!#|>&;.\0\ud800", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "type",
    "subtype",
    "channel",
    "user",
    "text",
    "ts",
    "thread_ts",
    "files",
    "message",
    "previous_message",
    "edited",
)


@UNHURRIED
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_event_makes_the_reader_fail_in_another_way(fields: dict[str, Any]) -> None:
    payload = event()
    payload["event"] |= fields | {"type": "message"}
    with suppress(Unusable):
        read_event(payload, ME)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[1]", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"1" * 10_000, "application/json"),
        (b"payload=7", "application/x-www-form-urlencoded"),
        (b"command=/x&text=hi", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 100), "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_says_nothing_is_unusable(body: bytes, kind: str) -> None:
    with pytest.raises(Unusable):
        unpacked(body, kind)


def test_interactions_are_json_in_a_form() -> None:
    body = urlencode({"payload": json.dumps({"type": "block_actions"})}).encode()
    assert unpacked(body, "application/x-www-form-urlencoded") == {"type": "block_actions"}


def test_a_platform_id_names_channel_and_message() -> None:
    assert channel_and_ts(platform_id("C1", TS)) == ("C1", TS)
    for wrong in ("", "C1", "C1:", ":1.2", "C1:now"):
        with pytest.raises(ValueError, match="names no Slack message"):
            channel_and_ts(wrong)
