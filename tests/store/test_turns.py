"""The turn's commit: all of it or nothing; and what can be read of it afterwards."""

from dataclasses import replace

import pytest

from botcore.errors import LeaseLost, StoreError
from botcore.messages import Attachment, Citation, Reply
from botcore.store import Handover, Store, TurnEnd
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, begin, end, message, place, say, send_one

KEY = place().key


async def test_a_turn_becomes_two_lines(store: Store, clock: ManualClock) -> None:
    claim = await begin(store, "hi", platform_id="theirs")
    started = clock.now()
    await clock.advance(2)
    reply = Reply(
        id=claim.turn,
        conversation=claim.conversation,
        text="hello [1]",
        citations=(Citation(number=1, title="T", snippet="S", source="http://x", page=12),),
        model="lora-3",
        plugin="qa",
        prompt_tokens=30,
        completion_tokens=4,
        again="earlier",
    )
    await store.commit_turn(claim, TurnEnd(reply=reply, parts=(), started_at=started, release=True))
    said, answered = await store.history(KEY)
    assert (said.role, said.text, said.at, said.platform_id) == ("user", "hi", started, "theirs")
    assert said.person
    assert said.person.name == "Ann"
    assert (answered.role, answered.text, answered.at, answered.tokens) == ("assistant", "hello [1]", started + 2, 4)
    assert (answered.model, answered.plugin, answered.citations) == ("lora-3", "qa", reply.citations)
    assert said.reply == answered.reply == claim.turn
    assert said.id < answered.id
    assert await store.reply(claim.turn) == reply
    assert await store.outcome(claim.message_id) == ("answered", reply)
    assert await store.turns() == [(1, reply)]


async def test_every_reply_is_traced(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, replace(end(claim), trace={"prompt": ["a"], "odd": {1}}))
    trace = await store.trace(claim.turn)
    assert trace == {"prompt": ["a"], "odd": "{1}"}
    assert await store.trace("nobody") is None
    assert await store.reply("nobody") is None


async def test_an_open_message_has_no_outcome(store: Store) -> None:
    claim = await begin(store)
    waiting = await say(store)
    assert await store.outcome(claim.message_id) == (None, None)
    assert await store.outcome(waiting.receipt.id) == (None, None)
    assert await store.outcome(999) == (None, None)


@pytest.mark.parametrize("outcome", ["answered", "stopped", "refused", "failed"])
async def test_a_message_ends_in_its_outcome(store: Store, outcome: str) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, outcome=outcome))  # type: ignore[arg-type]
    ended, reply = await store.outcome(claim.message_id)
    assert ended == outcome
    assert reply
    assert reply.outcome == outcome
    assert await store.open_messages(KEY) == []


async def test_the_carrying_message_is_named_once_it_is_known(store: Store) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    assert (await store.window(KEY))[1].platform_id == ""
    # `last` is true for every part of this kit: one part carries the reply
    await store.sent(claim, row.part.id, "p1")
    assert (await store.window(KEY))[1].platform_id == "p1"


async def test_committing_twice_changes_nothing(store: Store) -> None:
    claim = await begin(store)
    first = await store.commit_turn(claim, end(claim, "one", parts=2, sending=1))
    again = await store.commit_turn(claim, end(claim, "two", parts=2, sending=1))
    assert again == first
    assert [entry.text for entry in await store.window(KEY)] == ["hi", "one"]


async def test_a_message_that_was_put_back_cannot_be_committed(store: Store) -> None:
    claim = await begin(store)
    await store.requeue(claim)
    with pytest.raises(LeaseLost):
        await store.commit_turn(claim, end(claim))
    assert await store.window(KEY) == []


async def test_a_claim_of_parts_alone_has_no_turn(store: Store, clock: ManualClock) -> None:
    await send_one(store, await begin(store))
    await clock.advance(31)
    claim = await store.claim_next()
    assert claim
    with pytest.raises(StoreError, match="no turn to commit"):
        await store.commit_turn(claim, end(claim))


async def test_release_with_the_commit_frees_the_conversation(store: Store) -> None:
    await answer(store, await begin(store, "one"))
    assert await store.claim_next() is None
    await begin(store, "two")


async def test_release_with_parts_left_lets_them_be_claimed(store: Store) -> None:
    claim = await begin(store)
    await store.commit_turn(claim, end(claim, parts=1, release=True))
    taken = await store.claim_next()
    assert taken
    assert [row.state for row in taken.parts] == ["pending"]


async def exchange(store: Store, *texts: str, start_over: bool = False) -> None:
    for text in texts:
        claim = await begin(store, text)
        await store.commit_turn(claim, end(claim, text.upper(), release=True, start_over=start_over))


async def test_the_window_is_the_newest_lines_oldest_first(store: Store) -> None:
    await exchange(store, "a", "b", "c")
    assert [entry.text for entry in await store.window(KEY, 3)] == ["B", "c", "C"]
    assert [entry.text for entry in await store.window(KEY, 4)] == ["b", "B", "c", "C"]
    assert await store.window(KEY, 0) == []
    assert await store.window("nowhere") == []
    last = (await store.window(KEY))[-1].reply
    assert [entry.text for entry in await store.window(KEY, 3, before=last)] == ["A", "b", "B"]


async def test_what_was_said_elsewhere_is_in_no_window_and_no_history(store: Store) -> None:
    await exchange(store, "here")
    await answer(store, await begin(store, "elsewhere", chat="c2"))
    for lines in (await store.window(KEY), await store.history(KEY)):
        assert [entry.text for entry in lines] == ["here", "HERE"]


async def test_starting_over_empties_the_window_and_keeps_the_history(store: Store) -> None:
    await exchange(store, "a")
    await exchange(store, "reset", start_over=True)
    assert await store.window(KEY) == []
    await exchange(store, "b")
    assert [entry.text for entry in await store.window(KEY)] == ["b", "B"]
    assert [entry.text for entry in await store.history(KEY)] == ["a", "A", "reset", "RESET", "b", "B"]


async def test_history_goes_on_after_any_line(store: Store) -> None:
    await exchange(store, "a", "b", "c")
    lines = await store.history(KEY)
    for index, line in enumerate(lines):
        assert await store.history(KEY, after=line.id) == lines[index + 1 :]
    assert await store.history(KEY, limit=3) == lines[-3:]


async def test_history_goes_back_before_any_line(store: Store) -> None:
    await exchange(store, "a", "b", "c")
    lines = await store.history(KEY)
    for index, line in enumerate(lines):
        assert await store.history(KEY, before=line.id) == lines[:index]
        assert await store.history(KEY, before=line.id, limit=1) == lines[:index][-1:]
    assert await store.history(KEY, after=lines[0].id, before=lines[4].id, limit=2) == lines[2:4]


async def test_conversations_of_a_person_newest_first(store: Store, clock: ManualClock) -> None:
    await begin(store, "x" * 100, chat="c1")
    await clock.advance(1)
    claim = await begin(store, "second", chat="c2")
    await clock.advance(1)
    assert await store.conversations("telegram", "ann") == [
        ("c2", "second", clock.now() - 1),
        ("c1", "x" * 80, clock.now() - 2),
    ]
    await answer(store, claim)
    assert (await store.conversations("telegram", "ann"))[0] == ("c2", "second", clock.now())
    assert await store.conversations("telegram", "bob") == []
    assert await store.conversations("slack", "ann") == []


async def test_older_conversations_are_those_up_to_a_moment_and_all_of_it(store: Store, clock: ManualClock) -> None:
    for chat in ("c1", "c2", "c3"):
        await begin(store, chat=chat)
    await clock.advance(1)
    await begin(store, chat="c4")
    *_, (_, _, moment) = await store.conversations("telegram", "ann", limit=2)
    assert moment == clock.now() - 1
    older = await store.conversations("telegram", "ann", until=moment)
    assert {chat for chat, _, _ in older} == {"c1", "c2", "c3"}
    assert await store.conversations("telegram", "ann", until=moment - 1) == []


async def test_turns_are_read_by_cursor(store: Store) -> None:
    await exchange(store, "a", "b", "c")
    (first, _), (second, _) = await store.turns(limit=2)
    assert [reply.text for _, reply in await store.turns(after=second)] == ["C"]
    assert [reply.text for _, reply in await store.turns(after=first, limit=1)] == ["B"]


async def test_the_files_of_a_message_stay_with_its_line(store: Store) -> None:
    file = Attachment(name="a.pdf", media_type="application/pdf", size=3, reference="r")
    [accepted] = await store.accept([replace(message("read this"), attachments=(file,))])
    assert accepted.claim
    await answer(store, accepted.claim)
    said, answered = await store.history(KEY)
    assert (said.attachments, answered.attachments) == ((file,), ())


async def test_an_exchange_is_found_by_its_reply_by_what_carried_it_and_as_the_newest(store: Store) -> None:
    first = await begin(store, "one")
    row = await send_one(store, first)
    await store.sent(first, row.part.id, "p1", release=Handover())
    second = await begin(store, "two")
    await answer(store, second)
    third = await begin(store, "three")
    await store.commit_turn(third, end(third, outcome="failed", release=True))
    asked = {"reply": {"reply": first.turn}, "carrier": {"platform_id": "p1"}, "newest": {}}
    found = {how: await store.exchange(KEY, **which) for how, which in asked.items()}
    assert {how: pair and pair[0].text for how, pair in found.items()} == {
        "reply": "one",
        "carrier": "one",
        "newest": "two",
    }
    assert await store.exchange(KEY, reply="unknown") is None
    assert await store.exchange(place("elsewhere").key, reply=first.turn) is None
    assert await store.exchange(place("elsewhere").key) is None


async def test_a_reply_given_again_takes_the_place_of_the_first_in_prompts_only(store: Store) -> None:
    first = await begin(store, "question")
    await answer(store, first, "first")
    second = await begin(store, "/again")
    again = replace(end(second, "second", release=True).reply, again=first.turn)
    await store.commit_turn(second, TurnEnd(reply=again, parts=(), message=message("question"), release=True))
    assert [line.text for line in await store.window(KEY)] == ["question", "second"]
    assert [line.text for line in await store.history(KEY)] == ["question", "first", "question", "second"]
    assert [line.again for line in await store.history(KEY)] == ["", "", first.turn, first.turn]


async def test_a_reply_that_failed_again_leaves_the_first_where_it_was(store: Store) -> None:
    first = await begin(store, "question")
    await answer(store, first, "first")
    second = await begin(store, "/again")
    failed = replace(end(second, "", outcome="failed").reply, again=first.turn)
    await store.commit_turn(second, TurnEnd(reply=failed, parts=(), message=message("question"), release=True))
    assert "first" in [line.text for line in await store.window(KEY)]
