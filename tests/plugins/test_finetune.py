"""A thumb becomes an example of exactly the reply it was given to."""

from pathlib import Path

import pytest

from botcore import Conversation, PromptMessage
from botcore.store import Store
from botcore.testing import Chat, chatting
from botcore_finetune import Example, examples

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
    await chat.hears("1 good, 1 bad, 1 corrected. Training does not use them.")


async def test_examples_survive_a_restart_and_forgotten_conversations_take_theirs_along(tmp_path: Path) -> None:
    async with chatting(tmp_path, settings=TABLES) as chat:
        ben = chat.with_("ben")
        await chat.judges(await replied(chat, "mine"), 1)
        await ben.judges(await replied(ben, "his"), 1)
        await chat.bot.forget(chat.conversation)
    async with chatting(tmp_path, settings=TABLES) as chat:
        assert [one.person for one in await kept(chat)] == ["ben"]


async def test_keeping_an_example_twice_keeps_it_once(store: Store) -> None:
    await store.migrate("ft", examples.MIGRATIONS)
    example = Example(
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
    for _ in range(2):
        await store.write(lambda connection: examples.put(connection, example))
    assert await store.read(lambda connection: examples.newest(connection, 10)) == [example]
