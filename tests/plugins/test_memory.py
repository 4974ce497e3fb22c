"""What was said before, in this conversation and nowhere else."""

from itertools import pairwise
from pathlib import Path

import pytest

from botcore import Conversation, EngineUnavailable, Entry, Person
from botcore.messages import Outcome
from botcore.testing import Chat, chatting, until
from botcore_memory.window import Windows, usable


@pytest.fixture
def chat_settings() -> dict[str, object]:
    return {"plugins": {"memory": {}, "textgen": {"persona": ""}}}


def prompt(chat: Chat) -> list[str]:
    """What the model was given last."""
    return [message.content for message in chat.engine.prompts[-1].messages]


async def test_the_model_sees_what_was_said_before(chat: Chat) -> None:
    chat.engine.say("Hello Ana.")
    await chat.says("My name is Ana.")
    await chat.hears("Hello Ana.")
    await chat.says("What is my name?")
    await chat.hears()
    assert prompt(chat) == ["My name is Ana.", "Hello Ana.", "What is my name?"]


async def test_nobody_sees_what_somebody_else_said(chat: Chat) -> None:
    people = [chat, *(chat.with_(f"person{number}") for number in range(10))]
    for person in people:
        await person.says(f"My secret is canary-{person.person.id}.")
        await person.hears()
    for person in people:
        await person.says("What is the secret?")
        await person.hears()
        foreign = [other for other in people if other is not person]
        assert not any(f"canary-{other.person.id}." in line for other in foreign for line in prompt(chat))
        assert f"canary-{person.person.id}." in prompt(chat)[0]


async def test_what_was_said_in_a_group_stays_in_the_group(chat: Chat) -> None:
    group = chat.with_("ana")
    group.conversation = Conversation(channel=chat.channel.name, chat="group", private=False)
    await group.says("The party is a surprise.", event_id="in-the-group")
    await chat.hears_nothing()
    await group.hears()
    await chat.says("What do you know?")
    await chat.hears()
    assert prompt(chat) == ["What do you know?"]


async def test_in_a_group_the_model_sees_who_said_what(chat: Chat) -> None:
    chat.conversation = Conversation(channel=chat.channel.name, chat="group", private=False)
    chat.engine.say("Noted.", "Yours?", "Five.")
    await chat.says("My budget is 5.")
    await chat.hears()
    ana, chat.person = chat.person, Person(id="ben", name="Ben")
    await chat.says("What is my budget?")
    await chat.hears()
    assert prompt(chat) == ["Ana: My budget is 5.", "Noted.", "Ben: What is my budget?"]
    chat.person = ana
    await chat.says("And mine?")
    await chat.hears()
    assert prompt(chat)[-2:] == ["Yours?", "Ana: And mine?"]


async def test_new_starts_over(chat: Chat) -> None:
    await chat.says("My name is Ana.")
    await chat.hears()
    await chat.says("/new")
    await chat.hears("start over")
    await chat.says("What is my name?")
    await chat.hears()
    assert prompt(chat) == ["What is my name?"]


async def test_failed_exchanges_are_not_shown(chat: Chat) -> None:
    chat.engine.say(EngineUnavailable("gone"), EngineUnavailable("gone"), "fine")
    await chat.says("first")
    await chat.hears("gone")
    await chat.says("second")
    await chat.hears("fine")
    assert prompt(chat) == ["second"]


async def test_the_window_is_bounded(tmp_path: Path) -> None:
    settings = {"plugins": {"memory": {"window_messages": 4}, "textgen": {"persona": ""}}}
    async with chatting(tmp_path, settings=settings) as chat:
        for number in range(6):
            await chat.says(f"message {number}")
            await chat.hears()
            assert len(prompt(chat)) <= 5
        assert prompt(chat)[-1] == "message 5"


async def test_no_window_is_no_memory(tmp_path: Path) -> None:
    settings = {"plugins": {"memory": {"window_messages": 0}, "textgen": {"persona": ""}}}
    async with chatting(tmp_path, settings=settings) as chat:
        for text in ("one", "two"):
            await chat.says(text)
            await chat.hears()
        assert prompt(chat) == ["two"]


# ------------------------------------------------------------------ the window, pure


def lines(count: int, first: int = 1) -> list[Entry]:
    """An even number of lines, a person's first."""
    return [
        Entry(
            id=number, role="user" if number % 2 else "assistant", text=f"line {number}", at=0, reply=f"t{number // 2}"
        )
        for number in range(first, first + count)
    ]


def test_the_beginning_stays_until_the_window_is_full_and_then_jumps_by_half() -> None:
    windows, begins = Windows(8), list[int]()
    for last in range(2, 41, 2):
        shown = windows.of("chat", lines(last)[-8:])
        begins.append(shown[0].id)
        assert len(shown) <= 8
    changes = sum(one != two for one, two in pairwise(begins))
    assert changes <= 9, begins  # sliding by one exchange would change it 16 times
    assert begins == sorted(begins)


def test_conversations_have_windows_of_their_own() -> None:
    windows = Windows(4)
    windows.of("one", lines(4, first=101))
    assert [entry.id for entry in windows.of("two", lines(3))] == [1, 2, 3]


def test_of_many_conversations_the_windows_of_the_quietest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botcore_memory.window.REMEMBERED", 2)
    windows = Windows(4)
    for chat in ("one", "two", "one", "three"):
        windows.of(chat, lines(4, first=101))
    assert list(windows._begins) == ["one", "three"]


@pytest.mark.parametrize("outcome", ["failed", "refused", "dead"])
def test_both_lines_of_a_bad_exchange_are_left_out(outcome: Outcome) -> None:
    bad = [
        Entry(id=1, role="user", text="bad", at=0, reply="t1"),
        Entry(id=2, role="assistant", text="sorry", at=0, reply="t1", outcome=outcome),
    ]
    good = [Entry(id=3, role="user", text="good", at=0, reply="t2"), Entry(id=4, role="assistant", text="yes", at=0)]
    assert [entry.text for entry in usable([*bad, *good])] == ["good", "yes"]


def test_a_stopped_reply_is_remembered_as_far_as_it_was_heard() -> None:
    stopped = [
        Entry(id=1, role="user", text="count", at=0, reply="t1", outcome="stopped"),
        Entry(id=2, role="assistant", text="one, two", at=0, reply="t1", outcome="stopped"),
    ]
    assert usable(stopped) == stopped


def test_what_was_stopped_before_a_word_was_said_is_no_question_any_more() -> None:
    stopped = [
        Entry(id=1, role="user", text="count", at=0, reply="t0", outcome="stopped"),
        Entry(id=2, role="assistant", text="", at=0, reply="t0", outcome="stopped"),
    ]
    assert usable([*stopped, *lines(2, first=3)]) == lines(2, first=3)


async def test_a_question_that_was_stopped_at_once_is_not_answered_with_the_next(chat: Chat) -> None:
    chat.engine.hold()
    await chat.says("count to a thousand")
    await until(lambda: chat.engine.open)
    await chat.says("/stop")
    await chat.hears("Stopped.")
    chat.engine.release()
    await chat.says("hello")
    await chat.hears()
    assert prompt(chat) == ["hello"]


def test_a_window_begins_with_a_person() -> None:
    assert [entry.id for entry in usable(lines(5, first=2))] == [3, 4, 5, 6]


def test_commands_answered_without_the_model_are_left_out() -> None:
    told = Entry(id=1, role="user", text="/good", at=0, reply="t1")
    thanked = Entry(id=2, role="assistant", text="Thank you.", at=0, reply="t1")
    asked = Entry(id=3, role="user", text="/story a fox", at=0, reply="t2")
    story = Entry(id=4, role="assistant", text="A fox…", at=0, reply="t2", model="base")
    assert usable([told, thanked, asked, story]) == [asked, story]
