"""Presses and forms as records, and what a reply and the form look like. Without network."""

import json
from typing import Any

import pytest

from botcore import REASONS, Citation, Conversation, Feedback, Message, Person
from botcore_slack.actions import keep, read_action
from botcore_slack.blocks import SOURCES_LIMIT, body, form, plain
from botcore_slack.text import harmless
from botcore_slack.wire import Identity, Unusable
from tests.adapters.slack.conftest import part

ME = Identity(channel="slack", team="T1", user_id="U0")
TS, ROOT = "1700000000.000100", "1690000000.000200"
CHANNEL = Conversation(channel="slack", account="U0", chat="C1", thread=ROOT, private=False)
ANA = Person(id="U1", name="ana")


def pressed(action_id: str, value: str, channel: str = "C1", thread: str = ROOT, **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1", "name": "ana"},
        "trigger_id": "13345.abc",
        "channel": {"id": channel},
        "message": {"ts": TS, **({"thread_ts": thread} if thread else {})},
        "actions": [{"action_id": action_id, "value": value, "action_ts": "1700000001.5"}],
        **more,
    }


@pytest.mark.parametrize(("value", "judged", "trigger"), [("good", 1, ""), ("bad", -1, "13345.abc")])
def test_a_thumb_is_a_judgement_and_a_thumb_down_may_ask_why(value: str, judged: Any, trigger: str) -> None:
    heard = read_action(pressed("botcore_thumbs", value), ME)
    assert heard
    assert heard.trigger == trigger
    assert heard.record == Feedback(
        event_id=f"T1:C1:{TS}:botcore_thumbs:1700000001.5",
        conversation=CHANNEL,
        person=ANA,
        platform_id=f"C1:{TS}",
        value=judged,
    )


def test_again_is_a_message_about_the_one_it_stands_below() -> None:
    heard = read_action(pressed("botcore_again", "again"), ME)
    assert heard
    assert heard.record == Message(
        event_id=f"T1:C1:{TS}:botcore_again:1700000001.5",
        conversation=CHANNEL,
        person=ANA,
        text="/again",
        reply_to=f"C1:{TS}",
    )


@pytest.mark.parametrize("thread", ["", TS])
def test_below_a_direct_message_it_is_the_chat_even_where_a_thread_was_begun_on_it(thread: str) -> None:
    heard = read_action(pressed("botcore_thumbs", "good", "D1", thread), ME)
    assert heard
    assert heard.record.conversation == Conversation(channel="slack", account="U0", chat="D1")


def filled_in(**answers: Any) -> dict[str, Any]:
    heard = read_action(pressed("botcore_thumbs", "bad"), ME)
    assert heard
    given = {
        "reasons": {"reasons": {"selected_options": [{"value": value} for value in answers.get("reasons", ())]}},
        "comment": {"comment": {"value": answers.get("comment")}},
        "correction": {"correction": {"value": answers.get("correction")}},
    }
    view = {"id": "V1", "callback_id": "botcore_form", "private_metadata": keep(heard), "state": {"values": given}}
    return {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1", "name": "ana"}, "view": view}


def test_the_sent_form_joins_the_thumb_it_came_from() -> None:
    heard = read_action(filled_in(reasons=["wrong", "style"], comment=" It is 42. ", correction="42"), ME)
    assert heard
    assert heard.record == Feedback(
        event_id="T1:V1:sent",
        conversation=CHANNEL,
        person=ANA,
        platform_id=f"C1:{TS}",
        value=-1,
        reasons=("wrong", "style"),
        comment="It is 42.",
        correction="42",
    )


def test_an_empty_form_is_the_thumb_alone() -> None:
    heard = read_action(filled_in(), ME)
    assert heard
    assert isinstance(heard.record, Feedback)
    assert (heard.record.value, heard.record.reasons, heard.record.comment, heard.record.correction) == (-1, (), "", "")


@pytest.mark.parametrize(
    "payload",
    [
        pressed("somebody_elses", "x"),
        pressed("botcore_thumbs", "good", message=None),
        {"type": "view_closed", "view": {}},
        {"type": "view_submission", "view": {"callback_id": "somebody_elses"}},
        {"type": "shortcut"},
        {"type": "block_actions", "actions": []},
    ],
)
def test_what_others_made_is_none_of_ours(payload: dict[str, Any]) -> None:
    assert read_action(payload, ME) is None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": [7]},
        pressed("botcore_thumbs", "excellent"),
        pressed("botcore_thumbs", "good", channel=""),
        pressed("botcore_thumbs", "good", user={}),
        pressed("botcore_thumbs", "good", message={"ts": ""}),
        {"type": "view_submission", "view": {"callback_id": "botcore_form", "private_metadata": "{"}},
        {"type": "view_submission", "view": {"callback_id": "botcore_form", "private_metadata": '{"message": "x"}'}},
        filled_in(reasons=["made up"]),
    ],
)
def test_what_claims_to_be_ours_and_is_not_is_unusable(payload: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        read_action(payload, ME)


def test_the_form_offers_every_reason_and_forces_none() -> None:
    shown = form("kept")
    reasons, comment, correction = shown["blocks"]
    offered = {option["value"]: option["text"]["text"] for option in reasons["element"]["options"]}
    assert offered == REASONS
    assert [block["optional"] for block in (reasons, comment, correction)] == [True, True, True]
    assert shown["private_metadata"] == "kept"


def test_sources_name_each_document_once_with_its_page_and_as_many_as_fit() -> None:
    many = [Citation(number=n, title=f"Guide {n}", page=n, snippet="s" * 300) for n in (1, 2, 2, *range(3, 90))]
    sources = body(part("See", citations=tuple(many))).blocks[1]["elements"][0]["text"]
    lines = sources.splitlines()
    assert lines[:3] == ["*Sources*", f"[1] Guide 1, p. 1 — {'s' * 159}…", f"[2] Guide 2, p. 2 — {'s' * 159}…"]
    assert (lines[-1], len(sources) <= SOURCES_LIMIT + 20) == ("…", True)


@pytest.mark.parametrize("source", ["javascript:alert(1)", "https://a.b/<x>", "https://a.b/c|d", "guide.pdf"])
def test_only_whole_addresses_become_links(source: str) -> None:
    text = plain(part("See", citations=(Citation(number=1, title="A|B <x>", source=source),))).text
    assert text == "See\n\n[1] A|B &lt;x&gt;"


def test_a_growing_text_is_never_taken_back() -> None:
    text = "a <!channel> b <@U1> <#C1> < ! <<!here>"
    for end in range(len(text) + 1):
        assert harmless(text).startswith(harmless(text[:end]))


def test_everything_that_is_sent_is_json() -> None:
    json.dumps([body(part("x", ask_feedback=True)).blocks, form("kept")])
