"""Who is worked for when there are more than slots; what cannot be worked on, or ends the process: it stops nobody."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore import (
    Capabilities,
    ChannelError,
    Conversation,
    Message,
    Part,
    Person,
    Registry,
    Retry,
    StoreUnavailable,
    Unknown,
    hookimpl,
    leases,
    router,
    sender,
)
from botcore.failpoints import VARIABLE, Broken, arm
from botcore.line import TELL_EVERY_S
from botcore.store import Claim, Store
from botcore.testing import LoopbackChannel, ManualClock, ScriptedEngine, chatting, until
from botcore.trial import TRIAL_S
from botcore.turn import SET_ASIDE
from tests.store.conftest import own_schema, postgres
from tests.store.kit import end

TALK = {"plugins": {"textgen": {}}}
ONE_SLOT = TALK | {"turn": {"concurrent": 1}}


class Moody(LoopbackChannel):
    """A channel with a bug that shows in one chat."""

    asked = 0

    def capabilities(self, conversation: Conversation) -> Capabilities:
        if conversation.chat == "poison":
            self.asked += 1
            raise RuntimeError("a bug")
        return super().capabilities(conversation)


async def test_what_fails_three_times_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    channel = Moody()
    async with chatting(tmp_path, channel=channel) as chat:
        receipt = await chat.with_("poison").says("hi")
        await until(lambda: channel.asked == 4)  # the last time for its author, who cannot be told either
        assert await chat.bot.outcome(receipt.id) == ("dead", None)
        (letter,) = await chat.bot.database.dead_letters()
        assert letter.trace.count("RuntimeError: a bug") >= 3
        await chat.says("/start")
        await chat.hears("Hello")


@pytest.mark.parametrize("payload", ["", "{", "7", "null", '{"person": 7, "text": ""}', "[" * 100_000])
async def test_a_stored_message_nobody_can_read_is_set_aside_and_its_chat_goes_on(tmp_path: Path, payload: str) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        chat.engine.hold()
        await chat.says("one")
        receipt = await chat.says("two")
        await chat.says("three")
        await until(lambda: chat.engine.open)
        update = sa.text("UPDATE inbox SET payload = :payload WHERE id = :id")
        values = {"payload": payload, "id": receipt.id}
        await chat.bot.database.write(lambda connection: connection.execute(update, values).rowcount)
        assert [said.text for _, said in await chat.bot.open_messages(chat.conversation)] == ["one", "three"]
        chat.engine.release()
        for heard in ("You said: one", SET_ASIDE, "You said: three"):
            assert await chat.hears() == heard
        assert (await chat.bot.outcome(receipt.id))[0] == "dead"
        letters = await chat.bot.database.dead_letters()
        assert [letter.payload for letter in letters] == ([payload] if payload else [])
        assert all("cannot be read" in letter.reason for letter in letters)


async def test_a_part_whose_sources_nobody_can_read_goes_out_without_them(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK | {"turn": {"drain_s": 0}}, clock=ManualClock()) as chat:
        chat.channel.failures.append(Retry(1))
        await chat.says("hi")
        while not (await chat.bot.database.counts())["pending"]:
            pass  # each look takes its time
        spoil = "UPDATE outbox SET citations = '{'"
        await chat.bot.database.write(lambda connection: connection.exec_driver_sql(spoil).rowcount)
    async with chatting(tmp_path, settings=TALK) as chat:
        await chat.hears("You said: hi")


async def test_a_store_without_room_costs_no_attempt_and_the_message_is_answered_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "AGAIN_S", 0.01)
    monkeypatch.setattr(router, "POLL_S", 0.01)
    async with chatting(tmp_path, settings={"plugins": {"textgen": {}}}) as chat:
        chat.engine.say("x" * 100_000)
        chat.engine.hold()
        await chat.says("a long one, please")
        await until(lambda: chat.engine.open == 1)
        await chat.bot.database.write(lambda connection: pages(connection, 1))
        chat.engine.release()
        chat.engine.fallback = "short"
        await until(lambda: "the database takes nothing" in caplog.text)
        await chat.bot.database.write(lambda connection: pages(connection, 1_000_000))
        await chat.hears("short")


class Unheard(LoopbackChannel):
    """A channel during whose first send the database stops taking anything."""

    def __init__(self, *lost: ChannelError) -> None:
        super().__init__()
        self.lost_answers.extend(lost)
        self.write: Any
        self.writer: Any

    async def send(self, part: Part) -> str:
        if not self.sent:
            self.writer = await self.write(read_only)
        return await super().send(part)


@pytest.mark.parametrize(("lost", "sends"), [((), 1), ((Unknown("no answer"),), 2)])
async def test_what_the_platform_answered_is_kept_until_it_can_be_written_down(
    lost: tuple[ChannelError, ...],
    sends: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sender, "RESEND_AFTER_S", 0.0)
    monkeypatch.setattr(sender, "NOTE_PAUSE_S", 0.01)
    channel = Unheard(*lost)
    async with chatting(tmp_path, channel=channel) as chat:
        channel.write = chat.bot.database.write
        await chat.says("/start")
        await until(lambda: "the database takes nothing" in caplog.text)
        assert (await chat.bot.database.counts())["sending"] == 1
        channel.writer.execute("PRAGMA query_only = OFF")  # not as a write: none begins there
        await until(lambda: len(channel.sent) == sends)
        await chat.says("/start")
        await until(lambda: len(channel.sent) == sends + 1)
        assert channel.sent[-1].turn != channel.sent[0].turn
    assert caplog.text.count("nothing was stored") == 1


def read_only(connection: sa.Connection) -> Any:
    """The writer's own connection, which takes no changes any more."""
    connection.exec_driver_sql("PRAGMA query_only = ON")
    return connection.connection.driver_connection


async def test_a_turn_whose_conversation_was_taken_over_ends_with_the_next_heartbeat(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, taken = ManualClock(), "UPDATE conversation SET owner = 'another process', epoch = epoch + 1"
    async with chatting(tmp_path, settings={"plugins": {"textgen": {}}}, clock=clock) as chat:
        chat.engine.hold()
        await chat.says("tell me everything")
        await chat.with_("ben").says("me too")
        await until(lambda: chat.engine.open == 2)
        await chat.bot.database.write(lambda c: c.exec_driver_sql(f"{taken} WHERE chat = 'ana'").rowcount)
        await clock.advance(chat.bot.settings.turn.lease_s / 3)
        await until(lambda: chat.engine.open == 1)
        chat.engine.release()
        await chat.with_("ben").hears("me too")
        await chat.hears_nothing()
    assert "another process took this conversation over" in caplog.text


class Freezer(ManualClock):
    """Can stand for a process that was frozen: time has passed, and nothing was done in it."""

    frozen = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.frozen


@pytest.mark.postgres
async def test_a_process_that_was_frozen_ends_its_turns_and_begins_again_what_nobody_took(tmp_path: Path) -> None:
    clock = Freezer()
    with own_schema(postgres()) as url:
        async with chatting(tmp_path, settings=TALK | {"store": {"url": url}}, clock=clock) as chat:
            chat.engine.hold()
            await chat.says("tell me everything")
            await until(lambda: chat.engine.open)
            clock.frozen = 45
            await clock.advance(chat.bot.settings.turn.lease_s / 3)
            while len(chat.engine.prompts) < 2:
                await clock.advance(1)
            chat.engine.release()
            await chat.hears("tell me everything")
            await chat.hears_nothing()


class Stepping(ManualClock):
    """Its wall time can be set back."""

    back = 0.0

    def now(self) -> float:
        return super().now() - self.back


async def test_what_waits_is_answered_although_the_clock_was_set_back_before_the_start(tmp_path: Path) -> None:
    clock = Stepping()
    async with chatting(tmp_path, settings=TALK | {"turn": {"drain_s": 0}}, clock=clock) as chat:
        chat.engine.hold()
        await chat.says("hi")
        await until(lambda: chat.engine.open)
    clock.back = 3600
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        await chat.hears("You said: hi")


async def test_what_waits_is_answered_although_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = Stepping()
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        said = Message(event_id="e", conversation=chat.conversation, person=chat.person, text="hi")
        (accepted,) = await chat.bot.database.accept([said])
        assert accepted.claim
        clock.back = -1
        await chat.bot.database.requeue(accepted.claim)  # to be looked for in a second
        clock.back = 3600
        await clock.advance(chat.bot.settings.turn.lease_s / 3)
        while not chat.engine.prompts:
            await chat.bot.database.check()  # the database needs time of its own
            await clock.advance(0.1)
        await chat.hears("You said: hi")


async def test_a_clock_that_is_set_back_during_a_heartbeat_is_noticed_at_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, heartbeat = Stepping(), Store.heartbeat

    async def stepping(store: Store, *, lease_s: float) -> set[tuple[str, int]]:
        clock.back = 3600
        return await heartbeat(store, lease_s=lease_s)

    monkeypatch.setattr(Store, "heartbeat", stepping)
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        (accepted,) = await chat.bot.database.accept([from_("ana")])
        assert accepted.claim
        await chat.bot.database.requeue(accepted.claim, delay_s=15)
        begun = clock.monotonic()
        while not chat.engine.prompts:
            assert clock.monotonic() < begun + chat.bot.settings.turn.lease_s
            await chat.bot.database.check()  # the database needs time of its own
            await clock.advance(0.1)
        await chat.hears("I am ana")


async def test_a_clock_that_is_set_forward_makes_nobody_take_over_his_own_work(tmp_path: Path) -> None:
    clock = Stepping()
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        chat.engine.hold()
        await chat.says("hi")
        await until(lambda: chat.engine.open)
        clock.back = -3600
        await clock.advance(2)
        await chat.bot.database.check()
        await clock.advance(2)
        chat.engine.release()
        await chat.hears("You said: hi")
        assert len(chat.engine.prompts) == 1


async def test_a_pause_is_not_longer_than_the_platform_asked_although_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = Stepping()
    async with chatting(tmp_path, settings=TALK | {"turn": {"drain_s": 0}}, clock=clock) as chat:
        chat.channel.failures.append(Retry(30))
        await chat.says("hi")
        while not (await chat.bot.database.counts())["pending"]:
            await clock.advance(0)
    clock.back = 3600
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        while not chat.channel.sent:
            assert clock.monotonic() < 1_700_000_000 + 40
            await chat.bot.database.check()
            await clock.advance(0.1)


@pytest.mark.postgres
async def test_a_message_claimed_by_a_commit_without_an_answer_is_answered_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    with own_schema(postgres()) as url:
        async with chatting(tmp_path, settings=TALK | {"store": {"url": url}}, clock=clock) as chat:
            claimed = Message(event_id="e", conversation=chat.conversation, person=chat.person, text="claimed")
            assert (await chat.bot.database.accept([claimed]))[0].claim  # and nobody told the router
            arm({VARIABLE: "accept.in_commit=raise"})
            with pytest.raises(Broken):
                await chat.with_("ben").says("this one fails")
            arm({})
            while not chat.engine.prompts:
                await chat.bot.database.check()  # the database needs time of its own
                await clock.advance(0.1)
            await chat.hears("claimed")
    assert "claimed by a COMMIT that got no answer" in caplog.text


@pytest.mark.postgres
async def test_a_claim_whose_commit_took_effect_after_it_was_looked_for_is_found_by_a_heartbeat(tmp_path: Path) -> None:
    clock = ManualClock()
    with own_schema(postgres()) as url:
        async with chatting(tmp_path, settings=TALK | {"store": {"url": url}}, clock=clock) as chat:
            late = Message(event_id="e", conversation=chat.conversation, person=chat.person, text="late")
            assert (await chat.bot.database.accept([late]))[0].claim  # and nobody told the router
            in_time = clock.monotonic() + chat.bot.settings.turn.lease_s - 1
            while not chat.engine.prompts and clock.monotonic() < in_time:
                await chat.bot.database.check()  # the database needs time of its own
                await clock.advance(0.1)
            await until(lambda: chat.engine.prompts)
            await chat.hears("late")


def pages(connection: sa.Connection, most: int) -> None:
    connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")


async def die(data_dir: Path, clock: ManualClock, *names: str, claims: int = 0) -> None:
    """A process that is gone while it worked on a message of each of these people, or on what it found there."""
    async with Store(
        f"sqlite:///{data_dir}/botcore.db", clock=clock, data_dir=data_dir, owner=f"dead {claims}"
    ) as store:
        await store.accept([from_(name) for name in names])
        for _ in range(claims):
            claim = await store.claim_next()
            assert claim
            await store.begin_trial(claim)
    fault(data_dir, f"dead {claims}")


def from_(name: str, event: str = "") -> Message:
    place, person = Conversation(channel="loopback", chat=name), Person(id=name, name=name)
    return Message(event_id=event or name, conversation=place, person=person, text=f"I am {name}")


def fault(data_dir: Path, owner: str) -> None:
    """A fault has ended the process of this name."""
    (data_dir / "owner").write_text(owner)
    (data_dir / "logs").mkdir(exist_ok=True)
    (data_dir / "logs" / "fault.log").write_text("Fatal Python error: Aborted")


async def test_where_the_one_more_send_was_cut_short_the_next_process_has_one_of_its_own(tmp_path: Path) -> None:
    clock, place = ManualClock(), Conversation(channel="loopback", chat="ana")
    async with Store(f"sqlite:///{tmp_path}/botcore.db", clock=clock, data_dir=tmp_path, owner="dead") as store:
        said = Message(event_id="1", conversation=place, person=Person(id="ana"), text="hi")
        claim = (await store.accept([said]))[0].claim
        assert claim
        (row,) = await store.commit_turn(claim, end(claim, "hello", parts=1, sending=1))
        await store.uncertain(claim, row.part.id)
        await store.resending(claim, row.part.id)
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        await chat.hears(row.part.text)


class Away(LoopbackChannel):
    name = "away"


class Brings:
    """A plugin with a channel of its own."""

    def __init__(self, channel: LoopbackChannel) -> None:
        self.channel = channel

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.channel(self.channel)


async def test_what_belongs_to_a_channel_that_is_not_here_waits_until_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, ben, ana = ManualClock(), Conversation(channel="away", chat="ben"), Conversation(channel="away", chat="ana")
    async with Store(f"sqlite:///{tmp_path}/botcore.db", clock=clock, data_dir=tmp_path) as store:
        said = [
            Message(event_id=one.chat, conversation=one, person=Person(id=one.chat), text="hi") for one in (ana, ben)
        ]
        claims = [accepted.claim for accepted in await store.accept(said)]
        assert claims[0]
        assert claims[1]
        await store.commit_turn(claims[0], end(claims[0], "made already", parts=1, release=True))
        await store.requeue(claims[1])
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        await chat.says("hi")
        await chat.hears("You said: hi")
        await until(lambda: chat.bot._router._drained)
        counts = await chat.bot.database.counts()
        assert (counts["waiting"], counts["pending"], counts["dead"]) == (1, 1, 0)
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == [
        "channel away is not enabled or could not be loaded; its open conversations (2) wait until it is"
    ]
    away = Away()
    async with chatting(tmp_path, settings=TALK, plugins={"away": Brings(away)}, clock=clock):
        await until(lambda: sorted(part.text for part in away.sent) == ["You said: hi", "made already 0"])


async def test_suspects_are_tried_one_at_a_time_beside_everybody_else(tmp_path: Path) -> None:
    clock, engine = ManualClock(), ScriptedEngine()
    await die(tmp_path, clock, "ana", "ben", "cyd")
    engine.hold()
    async with chatting(tmp_path, settings=TALK, engine=engine, clock=clock) as chat:
        await chat.with_("dan").says("I am new here")
        await until(lambda: engine.open == 2)
        while (await chat.bot.database.counts())["waiting"] < 2:
            await chat.bot.database.check()
        assert {prompt.messages[-1].content for prompt in engine.prompts} == {"I am ana", "I am new here"}
        await clock.advance(TRIAL_S)
        await until(lambda: engine.open == 3)
        engine.step(12)  # a word of everybody's ends the second trial
        await until(lambda: len(engine.prompts) == 4)
        engine.release()
        for name in ("ana", "ben", "cyd"):
            await chat.with_(name).hears(f"I am {name}")
        assert (await chat.bot.database.counts())["dead"] == 0


async def test_a_suspect_whose_platform_is_to_be_waited_for_keeps_no_other_from_its_trial(tmp_path: Path) -> None:
    clock = ManualClock()
    async with Store(f"sqlite:///{tmp_path}/botcore.db", clock=clock, data_dir=tmp_path, owner="dead") as store:
        (said,) = await store.accept([from_("ana", "before")])
        assert said.claim
        (row,) = await store.commit_turn(said.claim, end(said.claim, parts=1))
        await store.accept([from_("ana")])
        await store.release(said.claim)
        claim = await store.claim_next()
        assert claim
        await store.begin_sending(claim, row.part.id)
        await store.unsent(claim, row.part.id, not_before=clock.now() + 20)
        await clock.advance(1)
        await store.accept([from_("ben")])
    fault(tmp_path, "dead")
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        await chat.with_("ben").hears("I am ben")
        await clock.advance(20)  # less than a lease lasts
        await chat.hears(row.part.text)
        await chat.hears("I am ana")


async def test_a_suspect_that_the_store_does_not_let_begin_is_tried_again_and_nothing_is_held_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, begin_trial, away = ManualClock(), Store.begin_trial, [StoreUnavailable()]

    async def begins(store: Store, claim: Claim) -> bool:
        if away:
            raise away.pop()
        return await begin_trial(store, claim)

    await die(tmp_path, clock, "ana")
    monkeypatch.setattr(Store, "begin_trial", begins)
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        while not chat.engine.prompts:
            await chat.bot.database.check()
            await clock.advance(0.1)
        await chat.hears("I am ana")
    assert "could not be worked on" not in caplog.text


async def test_who_wrote_what_killed_the_process_twice_hears_so_and_can_go_on(tmp_path: Path) -> None:
    clock = ManualClock()
    await die(tmp_path, clock, "ana")
    await die(tmp_path, clock, claims=1)
    async with chatting(tmp_path, settings=TALK, clock=clock) as chat:
        await chat.hears(SET_ASIDE)
        (letter,) = await chat.bot.database.dead_letters()
        assert (letter.reason, letter.deaths) == ("the process died twice while working on this", 2)
        await chat.says("and now?")
        await chat.hears("and now?")
        assert "I am ana" not in str(chat.engine.prompts)


async def test_a_suspect_that_answers_may_see_another_death(tmp_path: Path) -> None:
    clock, engine = ManualClock(), ScriptedEngine()
    await die(tmp_path, clock, "ana")
    engine.hold()
    async with chatting(tmp_path, settings=TALK, engine=engine, clock=clock) as chat:
        await until(lambda: engine.open == 1)
        await clock.advance(TRIAL_S)
        while await deaths(chat.bot.database):
            await chat.bot.database.check()
        engine.release()
        await chat.hears("I am ana")


async def deaths(store: Store) -> int:
    def count(connection: sa.Connection) -> int:
        return int(connection.exec_driver_sql("SELECT sum(deaths) FROM inbox").scalar_one())

    return await store.read(count)


async def test_a_chat_that_keeps_its_platforms_pace_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    clock = ManualClock()
    slow = LoopbackChannel(Capabilities(progress="draft", sends_per_second_per_chat=0.125, burst_per_chat=1))
    async with chatting(tmp_path, settings=ONE_SLOT, channel=slow, clock=clock) as chat:
        ben = chat.with_("ben")
        for _ in range(2):  # the second reply is made, and waits for 8 s
            await chat.says("hi")
        await chat.hears()
        await until(lambda: len(slow.sent) == 1 and not chat.bot._router._line.free - 1)
        await ben.says("hi")
        await ben.hears()
        await clock.advance(9)
        await chat.hears()


async def test_a_conversation_that_waits_is_not_passed_by_all_that_come_anew(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=ONE_SLOT) as chat:
        chat.engine.fallback = "ok"
        chat.engine.hold()
        await chat.says("one")
        await chat.says("two")
        for number in range(10):  # there is always somebody new in the line
            await chat.with_(f"p{number}").says("hi")
            chat.engine.step()
            await until(lambda: len(chat.channel.sent) > number)  # noqa: B023 - over before the number changes
        assert [part.conversation.chat for part in chat.channel.sent].count("ana") == 2
        chat.engine.release()


async def test_those_who_wait_for_a_slot_see_how_many_are_before_them(tmp_path: Path) -> None:
    clock = ManualClock()
    async with chatting(tmp_path, settings=ONE_SLOT, clock=clock) as chat:
        chat.engine.hold()
        ben, cid = chat.with_("ben"), chat.with_("cid")
        for one in (chat, ben, cid):
            await one.says("hi")
        for _ in range(3):
            await clock.advance(TELL_EVERY_S)
        shown = {(draft.conversation.chat, draft.phase, draft.note) for draft in chat.channel.drafts}
        assert shown >= {("ben", "waiting", "You are next"), ("cid", "waiting", "1 before you")}
        chat.engine.release()
        for one in (chat, ben, cid):
            await one.hears()


async def test_who_stops_in_the_line_is_told_at_once_and_takes_no_slot(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=ONE_SLOT) as chat:
        chat.engine.hold()
        ben = chat.with_("ben")
        await chat.says("hi")
        await ben.says("hi")
        await ben.says("/stop")
        await ben.hears("Stopped.")
        chat.engine.release()
        await chat.hears()


async def test_a_reply_that_came_late_says_so_once_and_keeps_it_out_of_the_history(tmp_path: Path) -> None:
    clock = ManualClock()
    async with chatting(tmp_path, settings=ONE_SLOT, clock=clock) as chat:
        chat.engine.fallback = "the reply"
        for text in ("one", "two"):
            await chat.says(text, sent_at=clock.now() - 600)
        assert await chat.hears() == "Sorry for the wait: this message stood in line for 10 minutes.\n\nthe reply"
        assert await chat.hears() == "the reply"
        assert [reply.text for reply in await chat.replies()] == ["the reply"] * 2
        await clock.advance(121)
        await chat.says("three", sent_at=clock.now() - 100 * 86_400)
        assert await chat.hears() == "the reply"  # a clock that is wrong, not a wait


async def test_a_conversation_goes_on_with_what_waits_there_and_nobody_looks_for_it(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK) as chat:
        chat.engine.fallback = "ok"
        chat.engine.hold()
        for text in ("one", "two", "three"):
            await chat.says(text)
        await until(lambda: chat.engine.open == 1)
        await until(lambda: chat.bot._router._drained)
        chat.bot.database.claim_some = None  # type: ignore[assignment, method-assign]  # whoever asks would end the bot
        chat.engine.release()
        for _ in range(3):
            await chat.hears("ok")
        assert [prompt.messages[-1].content for prompt in chat.engine.prompts] == ["one", "two", "three"]
        del chat.bot.database.claim_some


async def test_what_is_stored_behind_others_where_nobody_works_is_looked_for_at_once(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TALK, clock=ManualClock()) as chat:
        await until(lambda: chat.bot._router._drained)
        (accepted,) = await chat.bot.database.accept([from_("ana", "left")])
        assert accepted.claim
        await chat.bot.database.requeue(accepted.claim)
        await chat.says("and me?")
        for heard in ("I am ana", "and me?"):
            await chat.hears(heard)


class Slow(LoopbackChannel):
    """A channel whose sends take until it says so."""

    asked = 0

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def send(self, part: Part) -> str:
        self.asked += 1
        await self.go.wait()
        return await super().send(part)


async def test_one_that_went_on_while_its_process_ended_waits_as_if_it_had_not_begun(tmp_path: Path) -> None:
    channel, disk = Slow(), threading.Event()
    async with chatting(tmp_path, settings=TALK, channel=channel, clock=ManualClock()) as chat:
        for text in ("one", "two"):
            await chat.says(text)
        await until(lambda: chat.bot._router._drained)
        (run,) = chat.bot._router._running
        busy = asyncio.create_task(chat.bot.database.write(lambda _: disk.wait(20)))
        channel.go.set()
        await until(lambda: channel.sent)
        (work,) = (task for task in asyncio.all_tasks() if task.get_name().startswith("conversation "))
        work.cancel()  # while it is being written down that the first was sent
        disk.set()
        await busy
        await until(lambda: run.ended)
        assert await chat.bot.database.read(runs) == [("answered", 1), ("waiting", 0)]


def runs(connection: sa.Connection) -> list[tuple[str, int]]:
    found = connection.exec_driver_sql("SELECT state, attempts FROM inbox WHERE kind = 'message' ORDER BY id")
    return [(state, attempts) for state, attempts in found]
