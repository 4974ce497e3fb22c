"""What the store's tests say to it."""

from itertools import count
from typing import Literal

from botcore.messages import Control, Conversation, Feedback, Message, Person, Reply
from botcore.ports import Part
from botcore.store import Accepted, Claim, OutboxRow, Store, TurnEnd

ANN = Person(id="ann", name="Ann")
_events = count(1)


def place(chat: str = "c1", *, thread: str = "", channel: str = "telegram", private: bool = True) -> Conversation:
    return Conversation(channel=channel, account="bot", chat=chat, thread=thread, private=private)


def message(
    text: str = "hi",
    *,
    event: str = "",
    chat: str = "c1",
    thread: str = "",
    platform_id: str = "",
    person: Person = ANN,
    private: bool = True,
) -> Message:
    return Message(
        event_id=event or f"e{next(_events)}",
        conversation=place(chat, thread=thread, private=private),
        person=person,
        text=text,
        platform_id=platform_id,
    )


def control(kind: Literal["stop", "edit", "delete"], *, target: str = "", text: str = "", chat: str = "c1") -> Control:
    return Control(
        event_id=f"e{next(_events)}", conversation=place(chat), person=ANN, kind=kind, target=target, text=text
    )


def feedback(
    value: Literal[-1, 0, 1], *, reply: str = "", platform_id: str = "", person: Person = ANN, comment: str = ""
) -> Feedback:
    return Feedback(
        event_id=f"e{next(_events)}",
        conversation=place(),
        person=person,
        reply=reply,
        platform_id=platform_id,
        value=value,
        comment=comment,
    )


async def say(store: Store, text: str = "hi", *, chat: str = "c1", platform_id: str = "") -> Accepted:
    """One message, accepted."""
    return (await store.accept([message(text, chat=chat, platform_id=platform_id)]))[0]


async def begin(store: Store, text: str = "hi", *, chat: str = "c1", platform_id: str = "") -> Claim:
    """One message, accepted and claimed."""
    claim = (await say(store, text, chat=chat, platform_id=platform_id)).claim
    assert claim is not None
    return claim


def part(claim: Claim, number: int = 0, text: str = "hello") -> Part:
    return Part(id=f"{claim.turn}.{number}", turn=claim.turn, number=number, conversation=claim.conversation, text=text)


def end(
    claim: Claim,
    text: str = "hello",
    *,
    parts: int = 0,
    sending: int = 0,
    release: bool = False,
    start_over: bool = False,
    outcome: Literal["answered", "stopped", "refused", "failed"] = "answered",
) -> TurnEnd:
    return TurnEnd(
        reply=Reply(id=claim.turn, conversation=claim.conversation, text=text, outcome=outcome, model="base"),
        parts=[part(claim, number, f"{text} {number}") for number in range(parts)],
        sending=sending,
        trace={"prompt": [text]},
        release=release,
        start_over=start_over,
    )


async def answer(store: Store, claim: Claim, text: str = "hello") -> None:
    """The claim's turn, committed and given back; nothing is left to send. A suspect has to have been begun."""
    await store.commit_turn(claim, end(claim, text, release=True))


async def send_one(store: Store, claim: Claim) -> OutboxRow:
    """The claim's turn, committed with one part in the air."""
    return (await store.commit_turn(claim, end(claim, parts=1, sending=1)))[0]
