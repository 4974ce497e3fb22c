"""A thumb becomes an example of exactly the reply it was given to, and none is missed."""

import logging
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore import Chunk, Conversation, Feedback, PromptMessage, StoreUnavailable, Turn, hookimpl
from botcore.store import Store
from botcore.testing import Chat, chatting, until
from botcore.testing.clock import ManualClock
from botcore_finetune import Example, examples, keeper, search
from botcore_finetune.keeper import Keeper
from botcore_finetune.ledger import choice
from tests.plugins.conftest import HANDBOOK

TABLES = {"plugins": {"memory": {}, "finetune": {}, "textgen": {"persona": "Be kind."}}}


@pytest.fixture
def chat_settings() -> dict[str, object]:
    return dict(TABLES)


async def kept(chat: Chat) -> list[Example]:
    return await chat.bot.database.read(lambda connection: examples.newest(connection, 100))


async def replied(chat: Chat, text: str) -> str:
    """The id of the reply to a message."""
    await chat.says(text)
    await chat.hears()
    return (await chat.replies())[-1].id


async def test_a_thumb_keeps_the_prompt_as_it_was_sent_and_the_reply(chat: Chat) -> None:
    chat.engine.say("Hello Ana.")
    reply = await replied(chat, "I am Ana.")
    await chat.judges(reply, 1, reasons=("friendly",), comment="nice")
    (example,) = await kept(chat)
    assert example.prompt == chat.engine.prompts[0].messages
    assert example.prompt[0] == PromptMessage(role="system", content="Be kind.")
    assert (example.turn, example.reply, example.model, example.plugin) == (reply, "Hello Ana.", "scripted", "textgen")
    assert (example.verdict, example.reasons, example.comment, example.person) == (1, ("friendly",), "nice", "ana")


async def test_the_example_belongs_to_the_reply_that_was_judged(chat: Chat) -> None:
    chat.engine.say("one", "two", "three")
    replies = [await replied(chat, text) for text in ("first", "second", "third")]
    await chat.judges(replies[1], -1)
    assert [(example.turn, example.reply) for example in await kept(chat)] == [(replies[1], "two")]


async def test_a_changed_mind_changes_the_example(chat: Chat) -> None:
    reply = await replied(chat, "hi")
    await chat.judges(reply, 1)
    await chat.judges(reply, -1, correction="Good day.")
    assert [(one.verdict, one.correction) for one in await kept(chat)] == [(-1, "Good day.")]


async def test_a_verdict_taken_back_takes_the_example_along(chat: Chat) -> None:
    reply = await replied(chat, "hi")
    await chat.judges(reply, 1)
    await chat.judges(reply, 0)
    assert await kept(chat) == []


async def test_a_correction_without_a_verdict_is_kept(chat: Chat) -> None:
    reply = await replied(chat, "hi")
    await chat.judges(reply, 0, correction="Good day.")
    assert [(one.verdict, one.correction) for one in await kept(chat)] == [(0, "Good day.")]


async def test_two_people_may_judge_one_reply(chat: Chat) -> None:
    chat.conversation = Conversation(channel=chat.channel.name, chat="group", private=False)
    reply = await replied(chat, "hi")
    ben = chat.with_("ben")
    ben.conversation = chat.conversation
    await chat.judges(reply, 1)
    await ben.judges(reply, -1)
    await chat.judges(reply, 0)
    assert [(one.person, one.verdict) for one in await kept(chat)] == [("ben", -1)]


async def test_replies_no_model_wrote_are_no_examples(chat: Chat) -> None:
    reply = await replied(chat, "/new")
    await chat.judges(reply, 1)
    assert await kept(chat) == []


@pytest.mark.parametrize("consent", [False, True])
async def test_consent_is_what_the_operator_said(tmp_path: Path, *, consent: bool) -> None:
    settings = {"plugins": {"finetune": {"consent": consent}, "textgen": {}}}
    async with chatting(tmp_path, settings=settings) as chat:
        await chat.judges(await replied(chat, "hi"), 1)
        assert [one.consent for one in await kept(chat)] == [consent]


async def test_feedback_tells_people_what_they_judged_and_only_that(chat: Chat) -> None:
    await chat.says("/feedback")
    await chat.hears("You have not judged any")
    await chat.judges(await replied(chat, "one"), 1)
    await chat.judges(await replied(chat, "two"), -1, correction="better")
    ben = chat.with_("ben")
    await ben.judges(await replied(ben, "three"), 1)
    await chat.says("/feedback")
    await chat.hears("1 good, 1 bad, 1 corrected. Training does not use them; /feedback yes")


async def test_examples_survive_a_restart_and_forgotten_conversations_take_theirs_along(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        ben = chat.with_("ben")
        await chat.judges(await replied(chat, "mine"), 1)
        await ben.judges(await replied(ben, "his"), 1)
        await chat.bot.forget(chat.conversation)
    async with chatting(tmp_path, settings=TABLES) as chat:
        assert [one.person for one in await kept(chat)] == ["ben"]


async def test_a_person_who_is_forgotten_takes_examples_choice_and_words_in_others_examples_along(
    tmp_path: Path,
) -> None:
    group = {"conversation": Conversation(channel="loopback", chat="group", private=False)}
    async with chatting(tmp_path, settings=TABLES) as chat:
        ben, eve = chat.with_("ben"), chat.with_("eve")
        await chat.says("/feedback yes")
        await chat.hears()
        for one in (chat, ben, eve):
            await one.judges(await replied(one, f"mine, {one.person.id}"), 1)
        chat.conversation = ben.conversation = group["conversation"]
        await replied(chat, "ana in the group")
        await ben.judges(await replied(ben, "ben in the group"), 1)
        assert {one.person for one in await kept(chat)} == {"ana", "ben", "eve"}
        assert await chat.bot.forget_person("loopback", "ana") == []
        assert sorted(one.question for one in await kept(chat)) == ["mine, ben", "mine, eve"]
        assert await chat.bot.database.read(partial(choice, channel="loopback", person="ana")) is None


async def test_what_was_forgotten_is_gone_within_the_hour_also_after_one_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def unavailable(turn: str) -> None:
        raise StoreUnavailable

    caplog.set_level(logging.INFO)
    clock = ManualClock()
    async with chatting(tmp_path, settings=TABLES, clock=clock) as chat:
        await chat.judges(await replied(chat, "mine"), 1)
        await chat.bot.database.forget(chat.conversation.key)  # as a bot does that has the plugin switched off
        with monkeypatch.context() as patch:
            patch.setattr(chat.bot.database, "reply", unavailable)
            await clock.advance(3_600.0)
            await until(lambda: "could not look" in caplog.text)
        assert len(await kept(chat)) == 1
        await clock.advance(3_600.0)
        await until(lambda: "dropped the examples" in caplog.text)
        assert await kept(chat) == []


WITHOUT = {"plugins": {name: table for name, table in TABLES["plugins"].items() if name != "finetune"}}


async def test_what_was_judged_while_the_plugin_was_off_is_found_at_the_next_start(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        replies = [await replied(chat, text) for text in ("one", "two", "three")]
        await chat.judges(replies[0], 1)
        await chat.judges(replies[1], 1)
    async with chatting(tmp_path, settings=WITHOUT) as chat:
        assert "finetune" not in chat.bot.loaded.plugins
        await chat.judges(replies[1], -1, reasons=("wrong",), event_id="changed")
        await chat.judges(replies[2], 0, correction="Three.", event_id="corrected")
    async with chatting(tmp_path, settings=TABLES) as chat:
        found = {one.turn: (one.verdict, one.reasons, one.correction) for one in await kept(chat)}
        assert found == {replies[0]: (1, (), ""), replies[1]: (-1, ("wrong",), ""), replies[2]: (0, (), "Three.")}


async def test_what_was_taken_back_while_the_plugin_was_off_is_gone_at_the_next_start(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        reply = await replied(chat, "one")
        await chat.judges(reply, 1)
    async with chatting(tmp_path, settings=WITHOUT) as chat:
        await chat.judges(reply, 0, event_id="back")
    async with chatting(tmp_path, settings=TABLES) as chat:
        assert await kept(chat) == []


async def test_a_start_that_finds_nothing_new_changes_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        await chat.judges(await replied(chat, "one"), 1)
        before = await kept(chat)
    async with chatting(tmp_path, settings=TABLES) as chat:
        assert await kept(chat) == before


async def test_what_was_judged_while_nobody_could_be_told_does_not_count_as_allowed(tmp_path: Path) -> None:
    allows: dict[str, Any] = {"plugins": {"finetune": {"consent": True}, "textgen": {}}}
    async with chatting(tmp_path, settings=allows) as chat:
        before, later = [await replied(chat, text) for text in ("one", "two")]
        await chat.judges(before, 1)
    async with chatting(tmp_path, settings=WITHOUT) as chat:
        await chat.judges(later, 1, event_id="later")
    async with chatting(tmp_path, settings=allows) as chat:
        assert {one.turn: one.consent for one in await kept(chat)} == {before: True, later: False}


DAY = 86_400.0


async def kept_on(tmp_path: Path, day: float) -> list[Example]:
    """What a bot that starts on this day keeps."""
    async with chatting(tmp_path, settings=TABLES, clock=ManualClock(day * DAY)) as chat:
        return await kept(chat)


async def test_a_verdict_that_is_found_late_is_kept_under_its_own_time_and_stays(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(10 * DAY)) as chat:
        for text in ("one", "two", "three"):
            await chat.judges(await replied(chat, text), 1)
    for day in (13, 13.1, 13.2, 20):
        assert [one.at for one in await kept_on(tmp_path, day)] == [10 * DAY] * 3


async def test_what_was_taken_back_long_after_it_was_said_is_gone_at_the_next_start(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES, clock=ManualClock(10 * DAY)) as chat:
        old = await replied(chat, "old")
        await chat.judges(old, 1)
    async with chatting(tmp_path, settings=TABLES, clock=ManualClock(15 * DAY)) as chat:
        new = await replied(chat.with_("ben"), "new")
        await chat.with_("ben").judges(new, 1, event_id="new")
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(16 * DAY)) as chat:
        await chat.judges(old, 0, event_id="back")
    assert [one.turn for one in await kept_on(tmp_path, 17)] == [new]


async def test_a_start_that_was_interrupted_while_it_caught_up_loses_nothing(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(10 * DAY)) as chat:
        replies = [await replied(chat, text) for text in ("one", "two")]
        await chat.judges(replies[0], 1)
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(15 * DAY)) as chat:
        await chat.judges(replies[1], 1, event_id="later")
    assert len(await kept_on(tmp_path, 16)) == 2
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(16 * DAY)) as chat:
        await chat.bot.database.write(lambda one: examples.take_back(one, (replies[0], "loopback", "ana")))
    assert {one.turn for one in await kept_on(tmp_path, 17)} == set(replies)


async def test_what_another_process_keeps_while_this_one_catches_up_stays(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, said = await replied(chat, "hi"), chat.bot.judgements

    async def judgements(since: float = 0.0) -> AsyncIterator[Feedback]:
        async for one in said(since):
            yield one
        if not await kept(chat):
            await chat.judges(reply, 1)  # the other process hears of it, and keeps it

    monkeypatch.setattr(chat.bot, "judgements", judgements)
    await Keeper(chat.bot, consent=False).catch_up()
    assert [one.verdict for one in await kept(chat)] == [1]


async def test_verdicts_of_any_number_and_of_one_moment_are_met_in_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SLICE", 2)
    clock = ManualClock(10 * DAY)
    async with chatting(tmp_path, settings=WITHOUT, clock=clock) as chat:
        people = [chat.with_(name) for name in "abcdefgh"]
        replies = [await replied(one, "hi") for one in people]
        for one, reply in zip(people, replies, strict=True):
            await one.judges(reply, 1)
            await clock.advance(60.0 if one.person.id in "aef" else 0.0)
    assert {one.turn for one in await kept_on(tmp_path, 11)} == set(replies)
    async with chatting(tmp_path, settings=WITHOUT, clock=ManualClock(12 * DAY)) as chat:
        for name, reply in list(zip("abcdefgh", replies, strict=True))[::3]:
            await chat.with_(name).judges(reply, 0, event_id=f"back {name}")
    assert {one.turn for one in await kept_on(tmp_path, 13)} == set(replies) - set(replies[::3])


async def test_examples_that_stand_under_another_time_than_their_verdicts_are_kept_as_they_are(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES, clock=ManualClock(10 * DAY)) as chat:
        await chat.judges(await replied(chat, "one"), 1)
        before = await kept(chat)
        later = sa.text("UPDATE ft_examples SET at = at + 500000")  # as earlier versions did: the time it was met
        await chat.bot.database.write(lambda connection: connection.execute(later))
    changed: dict[str, Any] = {"plugins": {**TABLES["plugins"], "finetune": {"consent": True}}}
    async with chatting(tmp_path, settings=changed, clock=ManualClock(20 * DAY)) as chat:
        assert await kept(chat) == before


async def test_an_older_verdict_takes_no_newer_ones_place(store: Store) -> None:
    await store.migrate("ft", examples.MIGRATIONS)
    for at, verdict in ((5.0, -1), (4.0, 1)):
        await store.write(partial(examples.put, example=replace(EXAMPLE, at=at, verdict=verdict)))
    assert [one.verdict for one in await store.read(partial(examples.newest, limit=10))] == [-1]


async def test_a_verdict_the_database_could_not_take_is_kept_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        replies = [await replied(chat, text) for text in ("one", "two")]
        write = chat.bot.database.write

        async def full(fn: Any, *args: Any, **kwargs: Any) -> Any:
            if fn is examples.put:
                raise StoreUnavailable("the disk is full")
            return await write(fn, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(chat.bot.database, "write", full)
            await chat.judges(replies[0], 1)
        assert await kept(chat) == []
        await chat.judges(replies[1], -1)
        assert {one.turn: one.verdict for one in await kept(chat)} == {replies[0]: 1, replies[1]: -1}
    assert chat.faults == ["finetune: feedback failed"]


async def test_a_reason_that_comes_after_the_thumb_is_added_to_it(chat: Chat) -> None:
    reply = await replied(chat, "hi")
    await chat.judges(reply, -1)
    await chat.judges(reply, -1, reasons=("style",))
    await chat.judges(reply, -1, comment="too short")
    assert [(one.verdict, one.reasons, one.comment) for one in await kept(chat)] == [(-1, ("style",), "too short")]


async def test_another_answer_knows_the_one_it_replaced_and_shares_its_prompt(chat: Chat) -> None:
    chat.engine.say("I do not know.", "Blue.")
    first = await replied(chat, "What colour is the sky?")
    await chat.judges(first, -1)
    second = await replied(chat, "/again")
    await chat.judges(second, 1)
    found = {one.turn: one for one in await kept(chat)}
    assert (found[second].again, found[second].reply, found[first].reply) == (first, "Blue.", "I do not know.")
    assert found[second].prompt == found[first].prompt
    assert found[second].question == "What colour is the sky?"


async def test_what_documents_answered_without_the_model_is_kept_for_reports_with_its_sources(tmp_path: Path) -> None:
    tables = {"plugins": {"qa": {"sources": [str(HANDBOOK)]}, "finetune": {}, "textgen": {}}}
    async with chatting(tmp_path, settings=tables) as chat:
        plugin: Any = chat.bot.loaded.plugins["qa"]
        await plugin.sources_read.wait()
        await chat.judges(await replied(chat, "Where can I park my car?"), -1, reasons=("sources",))
        (one,) = await kept(chat)
        assert (one.trainable, one.prompt, one.model, one.verdict) == (False, (), "", -1)
        assert one.question == "Where can I park my car?"
        assert one.citations[0].source == one.passages[0].source == "handbook/opening.md"


async def test_an_answer_given_again_is_noted_and_forgotten_with_its_conversation(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        first = await replied(chat, "one")
        second = await replied(chat, "/again")
    async with chatting(tmp_path, settings=TABLES) as chat:  # what follows a reply has ended when the bot has
        assert await chat.bot.database.read(lambda connection: search.successors(connection, first)) == [second]
        await chat.bot.forget(chat.conversation)
    async with chatting(tmp_path, settings=TABLES) as chat:
        assert await chat.bot.database.read(lambda connection: search.successors(connection, first)) == []


class Shouts:
    """Changes every reply on its way out."""

    @hookimpl
    async def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, text=chunk.text.upper())


async def test_whether_it_was_the_models_own_words_is_known(tmp_path: Path) -> None:
    for plugins, verbatim in (({}, True), ({"shouts": Shouts()}, False)):
        async with chatting(tmp_path / str(verbatim), settings=TABLES, plugins=plugins) as chat:
            await chat.judges(await replied(chat, "hi"), 1)
            assert [one.verbatim for one in await kept(chat)] == [verbatim]


async def test_in_a_group_everybody_whose_words_may_be_in_the_prompt_is_named(chat: Chat) -> None:
    chat.conversation = Conversation(channel=chat.channel.name, chat="group", private=False)
    ben, eve = chat.with_("ben"), chat.with_("eve")
    ben.conversation = eve.conversation = chat.conversation
    await replied(ben, "I live in Berne.")
    reply = await replied(chat, "Where does Ben live?")
    await replied(eve, "I came later.")
    await chat.judges(reply, 1)
    assert [one.people for one in await kept(chat)] == [("ana", "ben")]


async def test_the_sampling_is_kept(chat: Chat) -> None:
    await chat.judges(await replied(chat, "hi"), 1)
    (one,) = await kept(chat)
    assert one.sampling["temperature"] == chat.engine.samplings[0].temperature


EXAMPLE = Example(
    turn="t",
    channel="web",
    person="ana",
    conversation="web//ana/",
    prompt=(PromptMessage(role="user", content="hi “there” ☃"),),
    reply="hello",
    model="base",
    plugin="textgen",
    verdict=1,
    reasons=("a", "b"),
    at=5.0,
)


async def test_keeping_an_example_twice_keeps_it_once(store: Store) -> None:
    await store.migrate("ft", examples.MIGRATIONS)
    for _ in range(2):
        await store.write(lambda connection: examples.put(connection, EXAMPLE))
    assert await store.read(lambda connection: examples.newest(connection, 10)) == [EXAMPLE]


def first_version(tmp_path: Path) -> Path:
    (tmp_path / "first").mkdir()
    shutil.copy(examples.MIGRATIONS / "0001_first.py", tmp_path / "first")
    return tmp_path / "first"


async def test_examples_of_an_earlier_version_are_kept_and_get_their_prompts_id(store: Store, tmp_path: Path) -> None:
    await store.migrate("ft", first_version(tmp_path))
    prompt = '[{"role": "user", "content": "hi"}]'
    old = sa.text(
        "INSERT INTO ft_examples (turn, channel, person, conversation, prompt, reply, model, plugin, verdict, reasons,"
        " comment, correction, consent, at)"
        " VALUES ('t', 'web', 'ana', 'c', :prompt, 'hello', 'base', 'textgen', 1, '[]', '', '', 0, 5)"
    )
    await store.write(lambda connection: connection.execute(old, {"prompt": prompt}))
    await store.migrate("ft", examples.MIGRATIONS)
    (one,) = await store.read(lambda connection: examples.newest(connection, 10))
    assert (one.reply, one.people, one.verbatim) == ("hello", (), True)
    named = await store.read(
        lambda connection: connection.execute(sa.text("SELECT prompt_id FROM ft_examples")).scalar()
    )
    assert named == examples.prompt_id(one.prompt)


async def test_an_exchange_of_a_group_that_is_too_long_ago_to_know_who_is_in_it_is_not_for_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(keeper.LOOK_BACK, False, 2)
    async with chatting(tmp_path, settings={"plugins": {"finetune": {"consent": True}, "textgen": {}}}) as chat:
        chat.conversation = Conversation(channel=chat.channel.name, chat="group", private=False)
        old, new = [await replied(chat, text) for text in ("one", "two")]
        await chat.judges(old, 1)
        await chat.judges(new, 1)
        found = {one.turn: (one.people, one.consent) for one in await kept(chat)}
        assert found == {old: (("?",), False), new: (("ana",), True)}
        await chat.bot.forget_person(chat.conversation.channel, "ben")
        assert [one.turn for one in await kept(chat)] == [new], "his words may have been in the other one"
