"""Stop, edit, delete: on waiting messages, on the running one, after a crash."""

from dataclasses import replace

from botcore.store import Accepted, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, begin, control, end, message, place, say

KEY = place().key


async def order(store: Store, *args: str, **kwargs: str) -> Accepted:
    return (await store.accept([control(*args, **kwargs)]))[0]  # type: ignore[arg-type]


async def test_stop_names_the_running_conversation(store: Store) -> None:
    await begin(store)
    assert (await order(store, "stop")).stops == KEY


async def test_stop_with_nothing_running_stops_nothing(store: Store) -> None:
    assert (await order(store, "stop")).stops == ""
    await answer(store, await begin(store))
    assert (await order(store, "stop")).stops == ""
    claim = await begin(store)
    assert not claim.stopped


async def test_stop_elsewhere_leaves_this_one_alone(store: Store) -> None:
    await begin(store)
    assert (await order(store, "stop", chat="c2")).stops == ""


async def test_what_waited_when_it_was_stopped_ends_as_stopped(store: Store) -> None:
    claim = await begin(store)
    await say(store, "waiting")
    await order(store, "stop")
    await say(store, "after")
    await store.commit_turn(claim, end(claim, outcome="stopped", release=True))
    second = await store.claim_next()
    assert second
    assert second.message
    assert (second.message.text, second.stopped) == ("waiting", True)
    await answer(store, second)
    third = await store.claim_next()
    assert third
    assert third.message
    assert (third.message.text, third.stopped) == ("after", False)


async def test_a_stop_holds_after_a_crash(store: Store, clock: ManualClock) -> None:
    await begin(store)
    await order(store, "stop")
    await clock.advance(31)
    taken = await store.claim_next()
    assert taken
    assert taken.stopped


async def test_a_stop_taken_by_another_process_is_seen(store: Store, other: Store) -> None:
    await begin(store)
    assert await store.stopped() == []
    assert (await order(other, "stop")).stops == KEY
    assert await store.stopped() == [KEY]
    assert await other.stopped() == []


async def test_the_same_stop_twice_is_one(store: Store) -> None:
    await begin(store)
    stop = control("stop")
    first, again = [(await store.accept([stop]))[0] for _ in range(2)]
    assert again.receipt.duplicate
    assert again.receipt.id == first.receipt.id
    assert again.stops == ""


async def test_an_edit_of_a_waiting_message_takes_the_new_text(store: Store) -> None:
    claim = await begin(store)
    waiting = await say(store, "old", platform_id="p2")
    assert (await order(store, "edit", target="p2", text="new")).stops == ""
    await answer(store, claim)
    following = await store.claim_next()
    assert following
    assert following.message
    assert (following.message_id, following.message.text) == (waiting.receipt.id, "new")


async def test_an_edit_of_the_running_message_stops_it_and_follows(store: Store) -> None:
    claim = await begin(store, "old", platform_id="p1")
    await say(store, "waiting")
    edit = await order(store, "edit", target="p1", text="new")
    assert edit.stops == KEY
    await store.commit_turn(claim, end(claim, outcome="stopped", release=True))
    told = []
    while following := await store.claim_next():
        assert following.message
        told.append((following.message.text, following.message.event_id, following.stopped))
        await answer(store, following)
    assert [text for text, _, _ in told] == ["waiting", "new"]
    assert told[1][1:] == (f"{edit.record.event_id}:edit", False)


async def test_an_edit_of_an_answered_or_unknown_message_changes_nothing(store: Store) -> None:
    await answer(store, await begin(store, "old", platform_id="p1"))
    for target in ("p1", "never seen", ""):
        assert (await order(store, "edit", target=target, text="new")).stops == ""
    assert await store.claim_next() is None
    assert [entry.text for entry in await store.window(KEY)] == ["old", "hello"]


async def edit_of_what_may_be_new(store: Store, text: str) -> Accepted:
    now = message(text, platform_id="p1")
    return (await store.accept([replace(control("edit", target="p1", text=text), message=now)]))[0]


async def test_an_edit_may_begin_a_message_that_was_never_heard_and_then_edits_it(store: Store) -> None:
    claim = (await edit_of_what_may_be_new(store, "hey, new")).claim
    assert claim
    assert claim.message
    assert (claim.message.text, claim.message.platform_id) == ("hey, new", "p1")
    assert (await edit_of_what_may_be_new(store, "hey, newer")).stops == KEY
    await store.commit_turn(claim, end(claim, outcome="stopped", release=True))
    following = await store.claim_next()
    assert following
    assert following.message
    assert following.message.text == "hey, newer"
    await answer(store, following)
    last = await edit_of_what_may_be_new(store, "hey, too late")
    assert (last.claim, last.stops, await store.claim_next()) == (None, "", None)


async def test_a_message_that_begins_by_an_edit_counts_as_any_other(store: Store) -> None:
    await begin(store)
    await say(store, platform_id="p2")
    while (accepted := await say(store)).receipt.state != "rejected":
        pass
    begun = await edit_of_what_may_be_new(store, "hey, new")
    assert (begun.receipt.state, begun.full) == ("rejected", accepted.full)
    await order(store, "delete", target="p2")
    assert (await edit_of_what_may_be_new(store, "hey, new")).receipt.state == "accepted"


async def test_an_edit_that_comes_again_begins_nothing_again(store: Store) -> None:
    edit = replace(control("edit", target="p1", text="hey"), message=message("hey", platform_id="p1"))
    first, again = [(await store.accept([edit]))[0] for _ in range(2)]
    assert first.claim
    assert (again.claim, again.receipt.duplicate) == (None, True)


async def test_an_edit_or_deletion_of_a_message_that_failed_changes_nothing(store: Store) -> None:
    claim = await begin(store, "old", platform_id="p1")
    await store.commit_turn(claim, end(claim, outcome="failed", release=True))
    for kind in ("edit", "delete"):
        assert (await order(store, kind, target="p1", text="new")).stops == ""
        assert await store.open_messages(KEY) == []


async def test_an_edit_of_the_running_message_takes_no_stop_back_that_came_before_it(store: Store) -> None:
    claim = await begin(store, platform_id="p1")
    await say(store, "waiting")
    await order(store, "stop")
    await order(store, "edit", target="p1", text="new")
    await store.commit_turn(claim, end(claim, outcome="stopped", release=True))
    following = await store.claim_next()
    assert following
    assert following.message
    assert (following.message.text, following.stopped) == ("waiting", True)


async def test_an_edit_that_changes_no_word_lets_the_running_message_run(store: Store) -> None:
    claim = await begin(store, "the same", platform_id="p1")
    assert (await order(store, "edit", target="p1", text="the same")).stops == ""
    await answer(store, claim)
    assert await store.claim_next() is None


async def test_a_deleted_waiting_message_ends_as_stopped(store: Store) -> None:
    claim = await begin(store)
    waiting = await say(store, "oops", platform_id="p2")
    assert (await order(store, "delete", target="p2")).stops == ""
    assert await store.outcome(waiting.receipt.id) == ("stopped", None)
    await answer(store, claim)
    assert await store.claim_next() is None
    await begin(store, "free again")


async def test_a_deleted_message_of_a_conversation_that_was_given_back_leaves_it_free(store: Store) -> None:
    claim = await begin(store, "old", platform_id="p1")
    await store.requeue(claim)
    await order(store, "delete", target="p1")
    assert await store.claim_next() is None
    await begin(store, "free again")


async def test_deleting_the_running_message_stops_it(store: Store, clock: ManualClock) -> None:
    await begin(store, platform_id="p1")
    assert (await order(store, "delete", target="p1")).stops == KEY
    await clock.advance(31)
    taken = await store.claim_next()
    assert taken
    assert taken.stopped


async def test_a_deletion_finds_its_message_in_whatever_thread(store: Store) -> None:
    from tests.store.kit import message

    accepted = (await store.accept([message("in a thread", thread="t1", platform_id="p1")]))[0]
    assert accepted.claim
    assert (await order(store, "delete", target="p1")).stops == place(thread="t1").key
    assert (await order(store, "delete", target="p1", chat="c2")).stops == ""


async def test_a_deleted_message_that_had_shown_an_anchor_still_ends_by_a_turn(store: Store) -> None:
    from tests.store.kit import part

    claim = await begin(store, platform_id="p1")
    await store.begin_anchor(claim, part(claim, text="…"))
    await store.requeue(claim)
    await order(store, "delete", target="p1")
    taken = await store.claim_next()
    assert taken
    assert (taken.message_id, taken.stopped) == (claim.message_id, True)
