"""The model's own voice, in a whole bot with a scripted engine."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from botcore import Chunk, PromptMessage, Registry, Sampling, Turn, hookimpl
from botcore.engine.scripted import ScriptedEngine
from botcore.ports import Delta, Prompt
from botcore.testing import Chat, chatting, until
from botcore_textgen import Preset, TextGenSettings
from botcore_textgen.instructions import KINDS, continuing, topic


@pytest.fixture
def chat_settings() -> dict[str, object]:
    return {"bot": {"name": "Bo"}, "plugins": {"memory": {}, "textgen": {}}}


def asked(chat: Chat) -> str:
    return chat.engine.prompts[-1].messages[-1].content


async def test_an_ordinary_message_goes_to_the_model(chat: Chat) -> None:
    chat.engine.say("It is late.")
    await chat.says("What time is it?")
    assert await chat.hears() == "It is late."
    assert asked(chat) == "What time is it?"
    (reply,) = await chat.replies()
    assert (reply.plugin, reply.model) == ("textgen", "scripted")


async def test_a_command_that_nobody_knows_does_not_go_to_the_model(chat: Chat) -> None:
    await chat.says("/tabel for two")
    assert await chat.hears() == "There is no command /tabel; /help lists them."
    assert chat.engine.prompts == []


@pytest.mark.parametrize(
    "text",
    [
        "/etc/hosts is where?",
        "/Users is where?",
        "/2 of them",
        "/ or \\?",
        "// says what?",
        "/it's what?",
        "1/2",
        "/a-b",
    ],
)
async def test_a_path_and_the_like_are_ordinary_messages(chat: Chat, text: str) -> None:
    chat.engine.say("fine")
    await chat.says(text)
    assert await chat.hears() == "fine"
    assert asked(chat) == text


async def test_what_a_command_passes_on_goes_to_the_model(tmp_path: Path) -> None:
    class Passes:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("weigh", "Weigh something", self.weigh)

        async def weigh(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return None

    async with chatting(tmp_path, plugins={"passes": Passes()}, settings={"plugins": {"textgen": {}}}) as chat:
        chat.engine.say("heavy")
        await chat.says("/weigh a whale")
        await chat.hears("heavy")


async def test_the_persona_carries_the_bots_name(chat: Chat) -> None:
    await chat.says("hi")
    await chat.hears()
    assert chat.engine.prompts[0].messages[0].content.startswith("You are Bo, ")


@pytest.mark.parametrize(
    ("command", "instruction"),
    [
        ("/story a fox", "Write a short story about a fox."),
        ("/story", "Write a short story about a fox."),
        ("/story about the moon.", "Write a short story about the moon."),
        ("/poem the sea", "Write a short poem about the sea."),
        ("/news a lost\nparrot!", "Write a short news report about a lost parrot."),
        ("/continue Once upon a time", "Continue this text: Once upon a time"),
        ("/STORY@bo a fox", "Write a short story about a fox."),
    ],
)
async def test_a_writing_command_is_an_instruction(chat: Chat, command: str, instruction: str) -> None:
    await chat.says(command)
    await chat.hears()
    assert asked(chat) == instruction


async def test_continue_alone_goes_on_with_the_last_reply(chat: Chat) -> None:
    chat.engine.say("There was a fox.", "It ran.")
    await chat.says("/story a fox")
    await chat.hears("There was a fox.")
    await chat.says("/continue")
    await chat.hears("It ran.")
    assert asked(chat) == "Continue this text: There was a fox."


async def test_continue_goes_on_with_what_the_model_wrote_and_not_with_a_list_of_commands(chat: Chat) -> None:
    chat.engine.say("Once upon a time")
    await chat.says("/story a fox")
    await chat.hears("Once upon a time")
    await chat.says("/help")
    await chat.hears("/story")
    await chat.says("/continue")
    await chat.hears("Continue this text: Once upon a time")


async def test_continue_goes_on_where_a_reply_was_stopped(chat: Chat) -> None:
    chat.engine.say("There was a fox who")
    chat.engine.hold()
    await chat.says("/story a fox")
    await until(lambda: chat.engine.open)
    chat.engine.step(3)
    await until(lambda: any("was a" in draft.text for draft in chat.channel.drafts))
    await chat.says("/stop")
    await chat.hears("Stopped.")
    chat.engine.release()
    await chat.says("/continue")
    await chat.hears("Continue this text: There was a")


async def test_continue_with_nothing_to_continue_says_how(chat: Chat) -> None:
    await chat.says("/continue")
    await chat.hears("/continue Once upon a time")
    assert chat.engine.prompts == []


async def test_each_kind_of_text_has_its_own_sampling(chat: Chat) -> None:
    for text in ("hi", "/story a fox", "/poem a fox"):
        await chat.says(text)
        await chat.hears()
    assert [one.temperature for one in chat.engine.samplings] == [0.7, 0.9, 1.0]
    assert [one.max_tokens for one in chat.engine.samplings] == [512, 512, 256]


async def test_greedy_takes_the_chance_out_of_every_preset(tmp_path: Path) -> None:
    settings = {"plugins": {"textgen": {"greedy": True, "presets": {"story": {"temperature": 1.5}}}}}
    async with chatting(tmp_path, settings=settings) as chat:
        await chat.says("/story a fox")
        await chat.hears()
        assert (chat.engine.samplings[0].temperature, chat.engine.samplings[0].top_p) == (0, 1)


async def test_a_cut_reply_is_marked(tmp_path: Path) -> None:
    settings = {"plugins": {"textgen": {"presets": {"chat": {"max_tokens": 3}}}}}
    async with chatting(tmp_path, settings=settings, engine=ScriptedEngine("one two three four five")) as chat:
        await chat.says("count")
        assert (await chat.hears()).replace("  ", " ") == "one two three …"


class BreaksOff(ScriptedEngine):
    """An engine that ends no reply by itself, as a server does whose filter of contents steps in."""

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        async with aclosing(super().generate(prompt, sampling, model=model)) as deltas:
            async for delta in deltas:
                yield replace(delta, finish="abort") if delta.finish else delta


async def test_a_reply_that_the_server_breaks_off_is_marked(tmp_path: Path) -> None:
    settings = {"plugins": {"textgen": {}}}
    async with chatting(tmp_path, settings=settings, engine=BreaksOff("one two")) as chat:
        await chat.says("count")
        assert await chat.hears() == "one two …"


async def test_a_reply_that_was_used_up_by_thinking_says_what_to_do(tmp_path: Path) -> None:
    settings = {"plugins": {"textgen": {"presets": {"chat": {"max_tokens": 1}}}}}
    async with chatting(tmp_path, settings=settings, engine=ScriptedEngine(" one two")) as chat:
        await chat.says("count")
        await chat.hears("used up its tokens before it had said anything")


async def test_an_empty_reply_is_said_to_be_empty(chat: Chat) -> None:
    chat.engine.say("")
    await chat.says("hi")
    await chat.hears("The model returned an empty answer")


async def test_a_message_without_text_is_not_sent_to_the_model(chat: Chat) -> None:
    await chat.says("  ")
    await chat.hears("I can only read text")
    assert chat.engine.prompts == []


async def test_a_program_that_chose_the_sampling_gets_it_and_only_the_models_text(chat: Chat) -> None:
    chat.engine.say("one two three")
    sampling = Sampling(max_tokens=2, temperature=0.1)
    context = (PromptMessage(role="system", content="Count."), PromptMessage(role="user", content="Begin."))
    await chat.says("count", sampling=sampling, context=context)
    assert (await chat.hears()).strip() == "one two"
    assert chat.engine.samplings == [sampling]


async def test_what_a_program_asks_for_is_kept_free_and_no_more(tmp_path: Path) -> None:
    lines = [
        ("user", "oldest " + "word " * 30),
        ("assistant", "word " * 30),
        ("user", "word " * 30),
        ("assistant", "yes"),
    ]
    context = tuple(PromptMessage(role=role, content=text) for role, text in lines)
    engine = ScriptedEngine(window=160)
    async with chatting(tmp_path, settings={"plugins": {"textgen": {"persona": ""}}}, engine=engine) as chat:
        for tokens in (4, 70):
            await chat.says("go on", sampling=Sampling(max_tokens=tokens), context=context)
            await chat.hears()
        assert ["oldest" in prompt.messages[0].content for prompt in engine.prompts] == [True, False]


@pytest.mark.parametrize(
    "wrong", [{"temperature": 2.1}, {"top_p": 0}, {"max_tokens": 0}, {"repetition_penalty": 0}, {"temprature": 1}]
)
def test_a_wrong_preset_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Preset(**wrong)  # type: ignore[arg-type]


def test_the_preset_for_continue_is_called_continue() -> None:
    settings = TextGenSettings.model_validate({"presets": {"continue": {"temperature": 0.3}}})
    assert settings.presets.continuation.temperature == 0.3


def test_every_kind_has_its_preset() -> None:
    assert all(isinstance(getattr(TextGenSettings().presets, kind.command), Preset) for kind in KINDS)


def test_braces_in_a_persona_are_just_braces() -> None:
    assert TextGenSettings(persona="{name} likes {curly} braces").persona == "{name} likes {curly} braces"


@pytest.mark.parametrize(
    ("argument", "said"), [("  a  fox ", "a fox"), ("About Foxes?", "Foxes"), ("aboutness", "aboutness"), ("", "")]
)
def test_a_topic_fits_into_a_sentence(argument: str, said: str) -> None:
    assert topic(argument) == said


def test_of_a_long_text_the_end_is_continued() -> None:
    assert continuing("x" * 20_000 + " the end").endswith(" the end")
    assert len(continuing("x" * 20_000)) < 8_100
