"""What is old goes, whatever is still needed stays."""

from botcore.store import Handover, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import answer, begin, feedback, message, place, say, send_one

DAY_S = 86_400.0


async def test_deliveries_that_ended_go_and_their_history_stays(store: Store, clock: ManualClock) -> None:
    old = message("old")
    for one in (old, message("new")):
        (accepted,) = await store.accept([one])
        assert accepted.claim
        await answer(store, accepted.claim)
        await clock.advance(DAY_S)
    assert await store.drop_ended(clock.now() - 1.5 * DAY_S) == 1
    assert [line.text for line in await store.history(place().key) if line.role == "user"] == ["old", "new"]
    assert not (await store.accept([old]))[0].receipt.duplicate


async def test_an_open_message_a_dead_letter_and_a_known_id_stay(store: Store, clock: ManualClock) -> None:
    await begin(store)
    await say(store, "waits")
    await store.dead_letter(channel="slack", account="", event_id="x", payload="{", reason="no text")
    known = message("known", chat="c2")
    (accepted,) = await store.accept([known])
    assert accepted.claim
    await answer(store, accepted.claim)
    await clock.advance(DAY_S)
    assert await store.drop_ended(clock.now() - 2 * DAY_S) == 0
    assert (await store.accept([known]))[0].receipt.duplicate
    assert await store.drop_ended(clock.now()) == 1
    assert len(await store.open_messages(place().key)) == 2
    assert len(await store.dead_letters()) == 1


async def test_dead_letters_go_when_they_are_old(store: Store, clock: ManualClock) -> None:
    for day in ("old", "new"):
        await store.dead_letter(channel="slack", account="", event_id=day, payload=day, reason="no text")
        await clock.advance(DAY_S)
    assert await store.drop_old_letters(clock.now() - 1.5 * DAY_S) == 1
    assert [letter.payload for letter in await store.dead_letters()] == ["new"]


async def test_old_exchanges_go_with_their_feedback(store: Store, clock: ManualClock) -> None:
    claim = await begin(store, "old")
    await answer(store, claim)
    await store.accept([feedback(1, reply=claim.turn), feedback(-1, platform_id="never met")])
    await clock.advance(DAY_S)
    await answer(store, await begin(store, "new"))
    assert await store.drop_history(clock.now() - DAY_S / 2) == 1
    assert [line.text for line in await store.history(place().key)] == ["new", "hello"]
    assert await store.feedback_for(claim.turn) == []
    assert await store.reply(claim.turn) is None
    assert await store.drop_silent(clock.now() - DAY_S / 2) == 0


async def test_what_is_still_being_delivered_stays(store: Store, clock: ManualClock) -> None:
    claim = await begin(store)
    row = await send_one(store, claim)
    await clock.advance(DAY_S)
    assert await store.drop_history(clock.now()) == 0
    await store.sent(claim, row.part.id, "p1", release=Handover())
    assert await store.drop_history(clock.now()) == 1


async def test_a_conversation_goes_when_nothing_is_left_of_it(store: Store, clock: ManualClock) -> None:
    for chat in ("gone", "waits"):
        await answer(store, await begin(store, chat=chat))
    await begin(store, chat="waits")
    await clock.advance(DAY_S)
    now = clock.now()
    await store.drop_history(now)
    assert await store.drop_silent(now) == 0
    await store.drop_ended(now)
    assert await store.drop_silent(now) == 1
    assert (await say(store, "and again", chat="gone")).claim


async def test_more_than_a_slice_goes(store: Store, clock: ManualClock) -> None:
    await store.accept([message(f"m{n}", chat=f"chat{n}") for n in range(500)])
    await store.write(lambda connection: connection.exec_driver_sql("UPDATE inbox SET state = 'answered'").rowcount)
    await clock.advance(DAY_S)
    assert await store.drop_ended(clock.now()) == 500
