"""What an open page is told, step by step, as a page would put it together."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from botcore import Conversation, Draft, EngineStatus, Entry, Message, Person
from botcore_web.events import View, sse

WHERE = Conversation(channel="web", chat="c")
ANA = Person(id="ana")


def events(data: bytes) -> list[tuple[str, Any]]:
    """(name, data) of each event."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in data.decode().split("\n\n") if block]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def draft(text: str, turn: str = "t1", **more: Any) -> Draft:
    return Draft(conversation=WHERE, turn=turn, message=1, text=text, **more)


def watching() -> View:
    """A page that was told of message 1."""
    view = View()
    view.sync([], [waiting(1, "m1")], {})
    return view


def waiting(number: int, id: str) -> tuple[int, Message]:
    return number, Message(event_id=id, conversation=WHERE, person=ANA, text=f"say {id}", platform_id=id, sent_at=9.0)


def said(number: int, id: str, turn: str = "t1") -> list[Entry]:
    return [
        Entry(id=2 * number, role="user", text=f"say {id}", at=1.0, reply=turn, platform_id=id),
        Entry(id=2 * number + 1, role="assistant", text="done", at=2.0, reply=turn, outcome="failed"),
    ]


def test_a_draft_is_told_as_its_growth() -> None:
    view = watching()
    [(_, first)] = events(view.draft(draft("One ")))
    [(_, second)] = events(view.draft(draft("One two")))
    assert (first["offset"], first["text"]) == (0, "One ")
    assert (second["offset"], second["text"]) == (4, "two")
    assert view.draft(None) == b""


def test_the_same_draft_is_told_once() -> None:
    view, same = watching(), draft("One")
    assert view.draft(same)
    assert not view.draft(same)


def test_a_draft_is_told_only_while_its_message_waits() -> None:
    view = watching()
    assert view.draft(draft("One"))
    view.sync([], [], {})  # forgotten
    assert view.draft(draft("One two")) == b""
    assert View().draft(draft("One")) == b""


def test_a_draft_that_was_begun_anew_starts_at_zero() -> None:
    view = watching()
    view.draft(draft("One two"))
    [(_, told)] = events(view.draft(draft("Two")))
    assert (told["offset"], told["text"]) == (0, "Two")


def test_another_turn_starts_at_zero() -> None:
    view = watching()
    view.draft(draft("One"))
    [(_, told)] = events(view.draft(draft("One two", turn="t2")))
    assert (told["offset"], told["text"], told["turn"]) == (0, "One two", "t2")


def test_what_a_turn_waits_for_is_told() -> None:
    [(_, told)] = events(watching().draft(draft("", phase="waiting", note="The engine warms up.")))
    assert (told["phase"], told["note"], told["offset"]) == ("waiting", "The engine warms up.", 0)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(max_size=12)), max_size=12))
def test_a_page_always_ends_with_the_text_of_the_newest_draft(steps: list[tuple[str, str]]) -> None:
    view, page = watching(), ""
    for turn, text in steps:
        clean = text.encode("utf-8", "replace").decode()  # the store lets no half character in
        for _, told in events(view.draft(draft(clean, turn=turn))):
            page = page[: told["offset"]] + told["text"]
        assert page == clean


def test_committed_lines_come_with_their_id_and_why_they_failed() -> None:
    data = View().sync(said(1, "m1"), [], {"t1": "too long"})
    assert b"\nid: 2\n" in data
    assert b"\nid: 3\n" in data
    (_, user), (_, reply), _ = events(data)
    assert (user["message"], user["reason"]) == ("m1", "")
    assert (reply["outcome"], reply["reason"]) == ("failed", "too long")


def test_only_lines_above_the_last_are_told() -> None:
    view = View(after=2)
    assert [told["id"] for name, told in events(view.sync(said(1, "m1"), [], {})) if name == "entry"] == [3]
    assert view.last == 3
    assert view.sync(said(1, "m1"), [], {}) == b""


def test_what_waits_is_told_once() -> None:
    view = View()
    assert events(view.sync([], [waiting(1, "m1")], {})) == [
        ("pending", {"message": 1, "id": "m1", "text": "say m1", "at": 9.0, "about": "", "files": []}),
        ("waiting", {"messages": [1]}),
    ]
    assert view.sync([], [waiting(1, "m1")], {}) == b""
    assert view.open == {1: "m1"}


def test_what_was_committed_while_we_looked_does_not_wait() -> None:
    view = View()
    told = events(view.sync(said(1, "m1"), [waiting(1, "m1"), waiting(2, "m2")], {}))
    assert [name for name, _ in told] == ["entry", "entry", "pending", "waiting"]
    assert view.open == {2: "m2"}


def test_a_page_that_comes_back_learns_what_waits_no_more() -> None:
    assert events(View(after=9).sync([], [], {})) == [("waiting", {"messages": []})]


def test_what_was_forgotten_waits_no_more_and_what_was_answered_says_so_itself() -> None:
    view = View()
    view.sync([], [waiting(1, "m1"), waiting(2, "m2")], {})
    assert events(view.sync([], [waiting(2, "m2")], {})) == [("waiting", {"messages": [2]})]
    assert [name for name, _ in events(view.sync(said(2, "m2"), [], {}))] == ["entry", "entry"]


def test_a_late_draft_of_an_ended_turn_is_not_told() -> None:
    view = watching()
    view.sync(said(1, "m1"), [], {})
    assert view.draft(draft("One")) == b""


def test_engine_status_and_odd_characters() -> None:
    [(name, told)] = events(View().engine(EngineStatus(stage="warmup", progress=0.5)))
    assert (name, told["stage"], told["progress"]) == ("engine", "warmup", 0.5)
    assert sse("\ud800\u2028") == "data: ?\u2028\n\n".encode()
