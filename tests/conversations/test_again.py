"""Asked again, judged by command: what a person says about an earlier reply of the bot's."""

from collections.abc import AsyncIterator, Mapping

import pytest

from botcore import Chunk, EngineUnavailable, Registry, Sampling, Turn, hookimpl, say
from botcore.testing import Chat, until


class Talker:
    """The engine says it; ``/bad why`` judges it; ``/menu`` is a command nobody judges."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("bad", "Judge", self.bad)
        registry.command("tale", "Tell", self.tale)
        registry.command("menu", "List", self.menu)
        registry.command("anew", "Start over", self.anew)

    async def bad(self, turn: Turn) -> AsyncIterator[Chunk]:
        judged = await turn.judge(-1, reasons=("wrong",), comment=turn.argument)
        return say(f"noted: {judged.text}" if judged else "nothing to judge")

    async def menu(self, turn: Turn) -> AsyncIterator[Chunk]:
        return say("soup")

    async def anew(self, turn: Turn) -> AsyncIterator[Chunk]:
        await turn.start_over()
        return say("started over")

    async def tale(self, turn: Turn) -> AsyncIterator[Chunk]:
        return self._said(turn, f"tale of {turn.argument}")

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        turn.recalled.history = await turn.history()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._said(turn, turn.message.text)

    async def _said(self, turn: Turn, about: str) -> AsyncIterator[Chunk]:
        self.asked.append((about, turn.again))
        prompt = await turn.prompt("Be kind.", instruction=about)
        async for delta in turn.generate(prompt):
            yield Chunk(text=delta.text)


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def chat_plugins(talker: Talker) -> Mapping[str, object]:
    return {"talker": talker}


async def test_again_answers_the_last_question_anew(chat: Chat, talker: Talker) -> None:
    chat.engine.say("blue", "azure")
    await chat.says("what colour is the sea?")
    await chat.hears("blue")
    await chat.says("/again")
    await chat.hears("azure")
    first, second = await chat.replies()
    assert (first.again, second.again) == ("", first.id)
    assert talker.asked == [("what colour is the sea?", ""), ("what colour is the sea?", first.id)]


async def test_the_answer_that_was_replaced_is_in_no_prompt_any_more(chat: Chat) -> None:
    chat.engine.say("blue", "azure", "yes")
    for text, heard in (("what colour is the sea?", "blue"), ("/again", "azure"), ("sure?", "yes")):
        await chat.says(text)
        await chat.hears(heard)
    prompts = [" ".join(message.content for message in prompt.messages) for prompt in chat.engine.prompts]
    assert "blue" not in prompts[1]
    assert "blue" not in prompts[2]
    assert "azure" in prompts[2]


async def test_again_after_a_failure_tries_what_failed(chat: Chat, talker: Talker) -> None:
    chat.engine.say("blue", EngineUnavailable("gone"), EngineUnavailable("gone"), "green")
    for text, heard in (("what colour is the sea?", "blue"), ("and the wood?", "gone"), ("/again", "green")):
        await chat.says(text)
        await chat.hears(heard)
    assert talker.asked[-1][0] == "and the wood?"


async def test_again_after_a_stop_answers_what_was_stopped(chat: Chat, talker: Talker) -> None:
    await chat.says("first?")
    await chat.hears()
    chat.engine.hold()
    await chat.says("second?")
    await until(lambda: chat.engine.open)
    await chat.says("/stop")
    await chat.hears()
    chat.engine.release()
    await chat.says("/again")
    await chat.hears("second?")


async def test_again_means_the_reply_that_is_quoted_and_what_was_said_before_it(chat: Chat) -> None:
    chat.engine.say("one", "two", "uno")
    for text in ("first?", "second?"):
        await chat.says(text)
        await chat.hears()
    await chat.says("/again", reply_to="m1")
    await chat.hears("uno")
    said = [message.content for message in chat.engine.prompts[2].messages]
    assert said[-1] == "first?"
    assert "second?" not in said


async def said_to_model(chat: Chat) -> list[str]:
    return [message.content for message in chat.engine.prompts[-1].messages if message.role != "system"]


async def test_asked_twice_the_newest_answer_stands_in_the_first_ones_place(chat: Chat) -> None:
    chat.engine.say("blue", "round", "azure", "navy")
    for text in ("what colour is the sea?", "what shape is the moon?"):
        await chat.says(text)
        await chat.hears()
    first = (await chat.replies())[0]
    for heard in ("azure", "navy"):
        await chat.says("/again", about=first.id)
        await chat.hears(heard)
        assert await said_to_model(chat) == ["what colour is the sea?"]
    await chat.says("sure?")
    await chat.hears()
    colour, moon = ["what colour is the sea?", "navy"], ["what shape is the moon?", "round"]
    assert await said_to_model(chat) == [*colour, *moon, "sure?"]
    assert [reply.again for reply in await chat.replies()][2:4] == [first.id, first.id]


async def test_the_newest_answer_is_replaced_by_the_next_one(chat: Chat) -> None:
    chat.engine.say("blue", "azure", "navy")
    for text in ("what colour is the sea?", "/again", "/again"):
        await chat.says(text)
        await chat.hears()
    first, second, third = await chat.replies()
    assert (second.again, third.again) == (first.id, first.id)


async def test_again_finds_nothing_of_before_the_conversation_was_started_over(chat: Chat, talker: Talker) -> None:
    await chat.says("what colour is the sea?")
    await chat.hears()
    await chat.says("/anew")
    await chat.hears("started over")
    await chat.says("/again")
    assert await chat.hears() == "There is no reply here that I could give again."
    await chat.says("/again", reply_to="m1")  # which is meant is said
    await chat.hears("what colour is the sea?")


async def test_again_long_afterwards_shows_the_model_nothing_that_came_later(chat: Chat) -> None:
    chat.engine.say("blue")
    await chat.says("what colour is the sea?")
    await chat.hears("blue")
    for number in range(25):
        await chat.says(f"{number}?")
        await chat.hears()
    await chat.says("/again", reply_to="m1")
    await chat.hears()
    assert await said_to_model(chat) == ["what colour is the sea?"]


async def test_again_by_the_replys_own_id(chat: Chat, talker: Talker) -> None:
    for text in ("first?", "second?"):
        await chat.says(text)
        await chat.hears()
    first, _ = await chat.replies()
    await chat.says("/again", about=first.id)
    await chat.hears()
    assert talker.asked[-1] == ("first?", first.id)


async def test_a_command_is_run_again(chat: Chat, talker: Talker) -> None:
    await chat.says("/tale a fox")
    await chat.hears()
    await chat.says("/again")
    await chat.hears()
    assert [about for about, _ in talker.asked] == ["tale of a fox", "tale of a fox"]


async def test_with_nothing_to_say_again_the_person_is_told(chat: Chat) -> None:
    await chat.says("/menu")
    await chat.hears("soup")
    await chat.says("/again")
    await chat.hears("no reply here that I could give again")


async def test_nobody_asks_again_in_somebody_elses_chat(chat: Chat) -> None:
    await chat.says("secret?")
    await chat.hears()
    [reply] = await chat.replies()
    ben = chat.with_("ben")
    for about in ({"about": reply.id}, {"reply_to": "m1"}, {}):
        await ben.says("/again", **about)
        await ben.hears("no reply here")


async def test_a_judgement_by_command_is_of_the_newest_reply_worth_one(chat: Chat) -> None:
    chat.engine.say("blue")
    await chat.says("what colour is the sea?")
    await chat.hears("blue")
    await chat.says("/menu")
    await chat.hears("soup")
    await chat.says("/bad it is green")
    await chat.hears("noted: blue")
    reply = (await chat.replies())[0]
    [judged] = [one async for one in chat.bot.judgements()]
    assert (judged.reply, judged.value, judged.reasons, judged.comment) == (reply.id, -1, ("wrong",), "it is green")


async def test_a_judgement_by_command_is_of_the_reply_that_is_quoted(chat: Chat) -> None:
    for text in ("first?", "second?"):
        await chat.says(text)
        await chat.hears()
    await chat.says("/bad", reply_to="m1")
    await chat.hears("noted")
    [judged] = [one async for one in chat.bot.judgements()]
    assert judged.reply == (await chat.replies())[0].id


async def test_of_what_is_worth_no_verdict_none_is_kept(chat: Chat) -> None:
    await chat.says("/menu")
    await chat.hears("soup")
    await chat.says("/bad my private words", reply_to="m1")
    await chat.hears("noted: soup")  # the reply is known, whatever the plugin makes of it
    assert [one async for one in chat.bot.judgements()] == []


async def test_a_quote_of_something_else_is_no_judgement(chat: Chat) -> None:
    await chat.says("first?")
    await chat.hears()
    await chat.says("/bad", reply_to="somebody's")
    await chat.hears("nothing to judge")


async def test_thumbs_belong_below_what_a_model_wrote_and_not_below_a_notice(chat: Chat) -> None:
    for text in ("first?", "/menu"):
        await chat.says(text)
        await chat.hears()
    assert [part.ask_feedback for part in chat.channel.sent] == [True, False]


async def test_a_request_with_its_own_context_knows_no_again(chat: Chat) -> None:
    await chat.says("first?")
    await chat.hears()
    await chat.says("/again", sampling=Sampling(max_tokens=20))
    await chat.hears("/again")
