"""The records that travel through the house."""

from itertools import combinations
from typing import Any

import pytest

from botcore import Conversation, Message, Person

HERE, ANA = Conversation(channel="loop", chat="ana"), Person(id="ana")


def test_two_conversations_have_two_keys_whatever_their_channel_calls_them() -> None:
    names = ("a", "b", "a/b", "a%2Fb", "a%252Fb", "%", "%25", "/", "")
    places = [Conversation(channel="loop", chat=chat, thread=thread) for chat in names for thread in names]
    assert [(one, other) for one, other in combinations(places, 2) if one.key == other.key] == []


def test_a_key_has_four_parts() -> None:
    assert Conversation(channel="a/b", account="U0BOT", chat="C1", thread="1.2").key == "a%2Fb/U0BOT/C1/1.2"


@pytest.mark.parametrize(
    ("kind", "fields", "told"),
    [
        (Conversation, {"channel": "loop", "chat": 42}, r"Conversation\(chat=…\) is a str, not int"),
        (Person, {"id": 42}, r"Person\(id=…\) is a str, not int"),
        (Message, {"event_id": 7}, r"Message\(event_id=…\) is a str, not int"),
        (Message, {"text": None}, r"Message\(text=…\) is a str, not NoneType"),
        (Message, {"about": 7}, r"Message\(about=…\) is a str, not int"),
        (Message, {"person": "ana"}, r"Message\(person=…\) is a Person, not str"),
        (Message, {"sent_at": "2026-11-27"}, r"Message\(sent_at=…\) is a float, not str"),
    ],
)
def test_a_number_for_a_text_is_told_where_the_record_is_made(kind: Any, fields: dict[str, Any], told: str) -> None:
    whole = {"event_id": "e", "conversation": HERE, "person": ANA, "text": "hi"} if kind is Message else {}
    with pytest.raises(TypeError, match=told):
        kind(**whole | fields)


def test_whole_seconds_and_texts_of_a_kind_of_their_own_are_taken() -> None:
    class Name(str):
        """As a `StrEnum` is."""

    assert Message(event_id=Name("e"), conversation=HERE, person=ANA, text="hi", sent_at=1).sent_at == 1
