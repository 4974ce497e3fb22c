"""What an export holds: every exchange once, in order, with what belongs to it; and what each filter leaves out."""

from dataclasses import replace

import pytest

from botcore.messages import Attachment, Citation, Person
from botcore.store import Store, export
from botcore.store.export import Wanted, records
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, begin, end, feedback, message, place

BOB = Person(id="bob", name="Bob")


async def exported(store: Store, **wanted: object) -> list[dict[str, object]]:
    return [record async for record in records(store, Wanted(**wanted))]  # type: ignore[arg-type]


async def said(store: Store, **wanted: object) -> list[object]:
    """Conversations by their chats, exchanges by their messages."""
    found = await exported(store, **wanted)
    return [record["chat"] if record["record"] == "conversation" else record["message"] for record in found]


async def test_an_exchange_has_outcome_citations_model_and_feedback(store: Store) -> None:
    claim = await begin(store, "how long?")
    done = end(claim, "nine metres [1]", release=True)
    cited = replace(done.reply, citations=(Citation(number=1, title="Plan", snippet="9 m", source="plan.pdf"),))
    await store.commit_turn(claim, replace(done, reply=cited))
    await store.accept([feedback(1, reply=claim.turn, comment="right")])
    where, exchange = await exported(store)
    assert where["conversation"] == exchange["conversation"] == place().key
    assert (exchange["message"], exchange["reply"]) == ("how long?", "nine metres [1]")
    assert (exchange["outcome"], exchange["model"], exchange["reply_id"]) == ("answered", "base", claim.turn)
    assert exchange["person"] == {"id": "ann", "name": "Ann"}
    [citation], [judgement] = exchange["citations"], exchange["feedback"]  # type: ignore[misc]
    assert (citation["title"], citation["snippet"]) == ("Plan", "9 m")
    assert (judgement["value"], judgement["comment"], judgement["person"]["id"]) == (1, "right", "ann")


async def test_of_a_file_that_was_sent_only_its_name_is_told(store: Store) -> None:
    file = Attachment(name="plan.pdf", media_type="application/pdf", size=9, reference="https://files/?token=secret")
    [accepted] = await store.accept([replace(message("look"), attachments=(file,))])
    assert accepted.claim
    await answer(store, accepted.claim)
    _, exchange = await exported(store)
    assert exchange["attachments"] == [{"name": "plan.pdf", "media_type": "application/pdf", "size": 9}]


async def test_many_pages_hold_every_exchange_once_and_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    for chat in ("c1", "c2", "c3"):
        for n in range(5):
            await answer(store, await begin(store, f"{chat} {n}", chat=chat))
    assert await said(store) == [
        line for chat in ("c1", "c2", "c3") for line in (chat, *(f"{chat} {n}" for n in range(5)))
    ]


async def test_filters_leave_out_what_was_not_asked_for(store: Store, clock: ManualClock) -> None:
    await answer(store, await begin(store, "old"))
    [accepted] = await store.accept([message("from bob", person=BOB)])
    assert accepted.claim
    await answer(store, accepted.claim)
    await clock.advance(100)
    later = clock.now()
    await answer(store, await begin(store, "new", chat="c2"))
    await begin(store, "unanswered", chat="c3")
    assert await said(store) == ["c1", "old", "from bob", "c2", "new"]
    assert await said(store, person="bob") == ["c1", "from bob"]
    assert await said(store, since=later) == ["c2", "new"]
    assert await said(store, conversation=place("c2").key) == ["c2", "new"]
    assert await said(store, channel="telegram", person="ann", since=later) == ["c2", "new", "unanswered"]
    assert await said(store, channel="web") == []


async def test_for_one_person_only_their_conversations_are_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, look = list[str](), export._exchanges
    monkeypatch.setattr(export, "_exchanges", lambda c, **which: asked.append(which["key"]) or look(c, **which))
    for number in range(3):
        await answer(store, await begin(store, "mine", chat=f"c{number}"))
    [accepted] = await store.accept([message("from bob", chat="his", person=BOB)])
    assert accepted.claim
    await answer(store, accepted.claim)
    assert await said(store, person="bob") == ["his", "from bob"]
    assert set(asked) == {place("his").key}


async def test_a_message_that_nobody_can_read_is_handed_out_as_it_is_stored(store: Store) -> None:
    await begin(store, "hi")
    await store.write(lambda connection: connection.exec_driver_sql("UPDATE inbox SET payload = '{'").rowcount)
    assert await said(store, person="ann") == ["{"]
