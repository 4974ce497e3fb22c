"""The records that travel through the house."""

from itertools import combinations

from botcore import Conversation


def test_two_conversations_have_two_keys_whatever_their_channel_calls_them() -> None:
    names = ("a", "b", "a/b", "a%2Fb", "a%252Fb", "%", "%25", "/", "")
    places = [Conversation(channel="loop", chat=chat, thread=thread) for chat in names for thread in names]
    assert [(one, other) for one, other in combinations(places, 2) if one.key == other.key] == []


def test_a_key_has_four_parts() -> None:
    assert Conversation(channel="a/b", account="U0BOT", chat="C1", thread="1.2").key == "a%2Fb/U0BOT/C1/1.2"
