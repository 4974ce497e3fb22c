"""Each hook does what `plugins/README.md` says, in a whole running bot. A test per hook carries its name."""

import asyncio
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from botcore import (
    Bot,
    Chunk,
    Citation,
    Feedback,
    Forgotten,
    Passage,
    PluginLoadError,
    Prompt,
    Refusal,
    Registry,
    Reply,
    Sampling,
    Turn,
    hookimpl,
    say,
)
from botcore.testing import ManualClock, chatting, until

# ------------------------------------------------------------------ small plugins to drive


class Talks:
    """Answers everything with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return say(f"I am {self.name}")


class Notes:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.remembered: list[Reply] = []
        self.judged: list[Feedback] = []

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        self.remembered.append(reply)

    @hookimpl
    async def feedback(self, feedback: Feedback) -> None:
        self.judged.append(feedback)


# ------------------------------------------------------------------ register


async def test_hook_register(tmp_path: Path) -> None:
    class Greets:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("greet", "Greet somebody", self.greet)

        async def greet(self, turn: Turn) -> AsyncIterator[Chunk]:
            return say(f"Hello {turn.argument}!")

    async with chatting(tmp_path, plugins={"greets": Greets(), "talks": Talks("last")}) as chat:
        await chat.says("/greet Ben")
        await chat.hears("Hello Ben!")
        await chat.says("/help")
        await chat.hears("/greet")


async def test_two_plugins_cannot_have_the_same_command(tmp_path: Path) -> None:
    class Greets:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("greet", "Greet somebody", self.greet)

        async def greet(self, turn: Turn) -> AsyncIterator[Chunk]:
            return say("Hello!")

    try:
        async with chatting(tmp_path, plugins={"one": Greets(), "two": Greets()}):
            raise AssertionError("the second /greet was taken")
    except PluginLoadError as error:
        assert str(error) == "two: /greet already belongs to one"  # noqa: PT017 - the bot may also refuse while it starts


# ------------------------------------------------------------------ lifespan


async def test_hook_lifespan(tmp_path: Path) -> None:
    class Lives:
        def __init__(self) -> None:
            self.life: list[str] = []

        @hookimpl
        @asynccontextmanager
        async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
            self.life.append(f"opened by {bot.name}")
            try:
                yield
            finally:
                self.life.append("closed")

    lives = Lives()
    async with chatting(tmp_path, plugins={"lives": lives}):
        assert lives.life == ["opened by botcore"]
    assert lives.life == ["opened by botcore", "closed"]


async def test_a_lifespan_that_fails_is_reported_and_the_bot_goes_on(tmp_path: Path) -> None:
    class Dies:
        @hookimpl
        @asynccontextmanager
        async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
            raise RuntimeError("no dice in the box")
            yield

    async with chatting(tmp_path, plugins={"dies": Dies(), "talks": Talks("well")}) as chat:
        await chat.says("hi")
        await chat.hears("I am well")
        assert chat.bot.health()["dies"] == "RuntimeError: no dice in the box"


# ------------------------------------------------------------------ admit


async def test_hook_admit(tmp_path: Path) -> None:
    class Closed:
        @hookimpl
        async def admit(self, turn: Turn) -> Refusal | None:
            return Refusal(notice="We open at nine.") if "now" in turn.message.text else None

    class Never:
        @hookimpl
        async def admit(self, turn: Turn) -> Refusal | None:
            return Refusal(notice="Not at all.") if "now" in turn.message.text else None

    async with chatting(tmp_path, plugins={"closed": Closed(), "never": Never(), "talks": Talks("open")}) as chat:
        await chat.says("Are you open now?")
        await chat.hears("We open at nine.")  # the first refusal wins
        await chat.says("And later?")
        await chat.hears("I am open")


# ------------------------------------------------------------------ recall


async def test_hook_recall(tmp_path: Path) -> None:
    class Knows:
        def __init__(self, fact: str) -> None:
            self.fact = fact

        @hookimpl
        async def recall(self, turn: Turn) -> None:
            turn.recalled.facts.append(self.fact)

    class Fails:
        @hookimpl
        async def recall(self, turn: Turn) -> None:
            raise ValueError("cannot remember")

    plugins: dict[str, Any] = {"one": Knows("Ana likes tea."), "fails": Fails(), "two": Knows("It is Monday.")}
    async with chatting(tmp_path, plugins=plugins, settings={"plugins": {"textgen": {"persona": "Be kind."}}}) as chat:
        await chat.says("hi")
        await chat.hears()
        assert chat.engine.prompts[0].messages[0].content == (
            "Be kind.\n\nWhat you know:\n- Ana likes tea.\n- It is Monday."
        )


# ------------------------------------------------------------------ reply


async def test_facts_without_measure_take_no_reply_away(tmp_path: Path) -> None:
    class Recalls:
        @hookimpl
        async def recall(self, turn: Turn) -> None:
            turn.recalled.facts += ["They like tea.", "word " * 6_000]

    settings = {"plugins": {"textgen": {}}}
    async with chatting(tmp_path, plugins={"recalls": Recalls()}, settings=settings) as chat:
        await chat.says("hi")
        await chat.hears("You said: hi")
        (prompt,) = chat.engine.prompts
        assert prompt.messages[0].content.endswith("What you know:\n- They like tea.")
        assert prompt.cut == ("1 of 2 facts",)


async def test_half_a_character_that_was_recalled_takes_no_reply_away(tmp_path: Path) -> None:
    class Recalls:
        @hookimpl
        async def recall(self, turn: Turn) -> None:
            turn.recalled.facts.append("They like \ud83d")  # an emoji that somebody's API has cut
            turn.recalled.passages.append(Passage(text="\ud83d", title="a", source="b"))

    settings = {"plugins": {"textgen": {}}}
    async with chatting(tmp_path, plugins={"recalls": Recalls()}, settings=settings) as chat:
        chat.engine.say("Hello.")
        await chat.says("hi")
        await chat.hears("Hello.")
        assert "They like \ufffd" in str(chat.engine.prompts[-1])


async def test_hook_reply(tmp_path: Path) -> None:
    class Passes:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return None

    class Fails:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            raise ValueError("no idea")

    plugins: dict[str, Any] = {"passes": Passes(), "fails": Fails(), "first": Talks("first"), "last": Talks("last")}
    async with chatting(tmp_path, plugins=plugins) as chat:
        await chat.says("Who are you?")
        await chat.hears("I am first")
        assert [reply.plugin for reply in await chat.replies()] == ["first"]


async def test_a_stopped_reply_closes_its_stream(tmp_path: Path) -> None:
    class Endless:
        def __init__(self) -> None:
            self.begun = asyncio.Event()
            self.closed = asyncio.Event()

        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self.talk()

        async def talk(self) -> AsyncIterator[Chunk]:
            try:
                yield Chunk(text="And ")
                self.begun.set()
                await asyncio.Event().wait()
            finally:
                self.closed.set()

    endless = Endless()
    async with chatting(tmp_path, plugins={"endless": endless}) as chat:
        await chat.says("go")
        await endless.begun.wait()
        await chat.says("/stop")
        await chat.hears("And")
        assert endless.closed.is_set()


async def test_what_is_no_answer_is_named_and_the_next_plugin_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Lets:
        @hookimpl
        async def admit(self, turn: Turn) -> bool:
            return True

        @hookimpl
        async def reply(self, turn: Turn) -> str:
            return "a text"

    async with chatting(tmp_path, plugins={"lets": Lets(), "talks": Talks("here")}) as chat:
        await chat.says("hi")
        await chat.hears("I am here")
    assert "plugin lets: hook admit returned bool instead of a Refusal or None" in caplog.text
    assert 'plugin lets: hook reply returned str instead of a stream of Chunk, such as say("…"), or None' in caplog.text


async def test_a_lambda_that_gives_no_coroutine_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Rolls:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("roll", "Throw a die", lambda turn: say("six"))  # type: ignore[arg-type, return-value]
            registry.command("twice", "Throw two", lambda turn: self.throw(2))

        async def throw(self, dice: int) -> AsyncIterator[Chunk]:
            return say(f"thrown {dice}")

    async with chatting(tmp_path, plugins={"rolls": Rolls(), "talks": Talks("here")}) as chat:
        await chat.says("/roll")
        await chat.hears("Something went wrong here")
        await chat.says("/twice")
        await chat.hears("thrown 2")
    assert "the handler of /roll must be an async def" in caplog.text


class Keeps:
    """A command that cannot be carried out."""

    def __init__(self, how: str) -> None:
        self.how = how

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("keep", "Keep something", self.keep)

    async def keep(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        match self.how:
            case "raises":
                raise OSError("no room")
            case "a text":
                return "kept"  # type: ignore[return-value]
            case "late":
                await asyncio.Event().wait()
        return None


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raises", "OSError: no room"),
        ("a text", "plugin keeps: /keep returned str instead of a stream"),
        ("late", "plugin keeps: /keep took longer than 0.1 s to decide (what takes time belongs into the stream"),
    ],
)
async def test_a_command_that_fails_is_not_answered_as_if_it_were_carried_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, told: str
) -> None:
    settings = {"turn": {"decide_budget_s": 0.1}}
    async with chatting(tmp_path, plugins={"keeps": Keeps(how), "talks": Talks("here")}, settings=settings) as chat:
        await chat.says("/keep this")
        await chat.hears("Something went wrong here; the operator's log says what.")
        assert [(reply.outcome, reply.plugin) for reply in await chat.replies()] == [("failed", "keeps")]
    assert told in caplog.text


async def test_a_command_that_returns_none_lets_reply_answer(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"keeps": Keeps("passes"), "talks": Talks("here")}) as chat:
        await chat.says("/keep this")
        await chat.hears("I am here")


async def test_a_reply_without_end_is_ended_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Endless:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self.talk()

        async def talk(self) -> AsyncIterator[Chunk]:
            while True:
                yield Chunk(text="and on ")

    async with chatting(tmp_path, plugins={"endless": Endless()}) as chat:
        await chat.says("hi")
        await chat.hears("and on and on")
        [reply] = await chat.replies()
        assert (reply.outcome, reply.plugin) == ("failed", "endless")
        assert len(reply.text) <= 200_000
    assert "ValueError: it gave more than 200000 characters" in caplog.text


async def test_a_stream_that_never_waits_holds_up_nobody_and_can_be_stopped(tmp_path: Path) -> None:
    class Silent:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self.talk() if "hi" in turn.message.text else say("here I am")

        async def talk(self) -> AsyncIterator[Chunk]:
            while True:
                yield Chunk(text="")

    async with chatting(tmp_path, plugins={"silent": Silent()}) as chat:
        await chat.says("hi")
        ben = chat.with_("ben")
        await ben.says("are you there?")
        await ben.hears("here I am")
        await chat.says("/stop")
        await chat.hears("Stopped.")


@pytest.mark.parametrize(
    ("yields", "told"),
    [(ValueError("no idea"), "ValueError: no idea"), (TimeoutError("their server"), "TimeoutError: their server")],
)
async def test_a_stream_that_fails_ends_the_reply_and_names_the_plugin(
    yields: Exception, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Fails:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self.talk()

        async def talk(self) -> AsyncIterator[Chunk]:
            yield Chunk(text="Well, ")
            raise yields

    async with chatting(tmp_path, plugins={"fails": Fails()}) as chat:
        await chat.says("hi")
        await chat.hears("Something went wrong here; the operator's log says what.")
        assert [(reply.outcome, reply.plugin) for reply in await chat.replies()] == [("failed", "fails")]
    assert "plugin fails: its stream failed, and the reply with it" in caplog.text
    assert told in caplog.text


class Exits:
    """Reads what it is told with argparse, which ends the process where it does not understand."""

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("parse", "Parse something", self.parse)

    async def parse(self, turn: Turn) -> AsyncIterator[Chunk]:
        ArgumentParser(usage="…").parse_args(turn.argument.split())
        return say("understood")

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self.talk() if "bye" in turn.message.text else None

    async def talk(self) -> AsyncIterator[Chunk]:
        yield Chunk(text="Bye. ")
        raise SystemExit(3)

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        await asyncio.sleep(0)
        raise SystemExit(4)


async def test_a_plugin_that_exits_does_not_take_the_bot_along(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(tmp_path, plugins={"exits": Exits(), "talks": Talks("here")}) as chat:
        await chat.says("/parse --nonsense")
        await chat.hears("Something went wrong here")
        await chat.says("bye")
        await chat.hears("Something went wrong here")
        await chat.says("hi")
        await chat.hears("I am here")
    told = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert "plugin exits: /parse failed" in told
    assert "plugin exits: its stream failed, and the reply with it" in told
    assert "plugin exits: hook remember failed; going on without it" in told


async def test_a_stream_of_texts_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Fails:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[str] | None:
            return self.talk()

        async def talk(self) -> AsyncIterator[str]:
            yield "a text"

    async with chatting(tmp_path, plugins={"fails": Fails()}) as chat:
        await chat.says("hi")
        await chat.hears("Something went wrong here")
    assert "TypeError: it yielded str, not Chunk(text=…)" in caplog.text


# ------------------------------------------------------------------ revise


class Hands:
    """Hands over things of the wrong kind inside things of the right kind."""

    def __init__(self, wrong: str) -> None:
        self.wrong = wrong

    @hookimpl
    async def admit(self, turn: Turn) -> Refusal | None:
        return Refusal(notice=None) if self.wrong == "notice" else None  # type: ignore[arg-type]

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        match self.wrong:
            case "passage":
                turn.recalled.passages.append("a text")  # type: ignore[arg-type]
            case "history":
                turn.recalled.history.append(("user", "hi"))  # type: ignore[arg-type]
            case "facts":
                turn.recalled.facts = "a text"  # type: ignore[assignment]
            case "inside":
                turn.recalled.passages.append(Passage(text=None, title="a", source="b"))  # type: ignore[arg-type]
            case "recalled":
                turn.recalled = ["a text"]  # type: ignore[assignment, misc]
            case "message":
                turn.message = "a text"  # type: ignore[assignment, misc]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("notice", "TypeError: Refusal(notice=…) is a str, not NoneType"),
        ("passage", "hook recall left something else behind: turn.recalled.passages is a list of Passage; going on"),
        ("history", "hook recall left something else behind: turn.recalled.history is a list of Entry; going on"),
        ("facts", "hook recall left something else behind: turn.recalled.facts is a list of str; going on"),
        ("inside", "TypeError: Passage(text=…) is a str, not NoneType"),
        ("recalled", "AttributeError: property 'recalled' of 'LiveTurn' object has no setter"),
        ("message", "AttributeError: property 'message' of 'LiveTurn' object has no setter"),
    ],
)
async def test_wrong_things_in_right_ones_are_named_and_the_message_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str, told: str
) -> None:
    class Prompts:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return say(str(len((await turn.prompt("You listen.")).messages)))

    async with chatting(tmp_path, plugins={"hands": Hands(wrong), "prompts": Prompts()}) as chat:
        await chat.says("hi")
        await chat.hears("2")
    assert told in caplog.text
    assert "plugin hands" in caplog.text


def cited(**wrong: Any) -> Citation:
    """A citation, with something wrong in it."""
    return Citation(**{"number": 1, "title": "a"} | wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"number": "1"}, "Citation(number=…) is an int, not str"),
        ({"title": None}, "Citation(title=…) is a str, not NoneType"),
        ({"source": Path("a")}, f"Citation(source=…) is a str, not {type(Path()).__name__}"),
        ({"page": None}, "Citation(page=…) is an int, not NoneType"),
    ],
)
def test_a_citation_of_wrong_things_is_told_where_it_is_made(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError) as raised:
        cited(**wrong)
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"stop": "User:"}, "Sampling(stop=…) is a tuple, not str"),  # it would end at every U, s, e, r and :
        ({"choice": ["yes", "no"]}, "Sampling(choice=…) is a tuple, not list"),
        ({"max_tokens": "20"}, "Sampling(max_tokens=…) is an int, not str"),
    ],
)
def test_a_sampling_of_wrong_things_is_told_where_it_is_made(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError) as raised:
        Sampling(**wrong)
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda turn: say(None), "Chunk(text=…) is a str, not NoneType"),
        (lambda turn: say("a [1]", ("b",)), "Chunk(citations=…) is a tuple of Citation"),
        (lambda turn: say("a [1]", [cited()]), "Chunk(citations=…) is a tuple of Citation"),
        (lambda turn: say("a [1]", cited()), "Chunk(citations=…) is a tuple of Citation"),
        (lambda turn: turn.generate("hello"), "generate takes a Prompt: prompt = await turn.prompt("),
        (lambda turn: turn.generate(Prompt(messages=()), {"max_tokens": 3}), "generate takes a Sampling: Sampling("),
        (lambda turn: turn.recalled.passages.append("a text") or say("fine"), ""),
    ],
)
async def test_a_stream_of_wrong_things_fails_by_its_plugins_name_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, made: Callable[[Any], Any], told: str
) -> None:
    class Makes:
        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return made(turn)  # type: ignore[no-any-return]

    async with chatting(tmp_path, plugins={"makes": Makes()}) as chat:
        await chat.says("hi")
        await chat.hears("Something went wrong here" if told else "fine")
    assert told in caplog.text
    assert not told or "plugin makes: its stream failed" in caplog.text
    assert "could not be worked on" not in caplog.text


async def test_hook_revise(tmp_path: Path) -> None:
    class Replaces:
        def __init__(self, old: str, new: str) -> None:
            self.old, self.new = old, new

        @hookimpl
        async def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
            async for chunk in chunks:
                yield replace(chunk, text=chunk.text.replace(self.old, self.new))

    plugins: dict[str, Any] = {
        "a": Replaces("talks", "whispers"),
        "b": Replaces("whispers", "sings"),
        "c": Talks("talks"),
    }
    async with chatting(tmp_path, plugins=plugins) as chat:
        await chat.says("hi")
        await chat.hears("I am sings")  # in order: the second sees what the first has made


# ------------------------------------------------------------------ remember, feedback


async def test_what_is_held_back_is_no_first_text(tmp_path: Path) -> None:
    class Holds:
        def __init__(self) -> None:
            self.begun, self.held = asyncio.Event(), asyncio.Event()

        @hookimpl
        async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
            return self.talk(turn)

        async def talk(self, turn: Turn) -> AsyncIterator[Chunk]:
            self.begun.set()
            await turn.clock.sleep(1)
            yield Chunk(text="")
            self.held.set()
            await turn.clock.sleep(2)
            yield Chunk(text="now")

    clock, holds = ManualClock(), Holds()
    async with chatting(tmp_path, plugins={"holds": holds}, clock=clock) as chat:
        await chat.says("hi")
        await holds.begun.wait()
        await clock.advance(1)
        await holds.held.wait()
        await clock.advance(2)
        await chat.hears("now")
        [reply] = await chat.replies()
        trace = await chat.bot.trace(reply.id)
        assert trace is not None
        assert trace["first_text_ms"] == 3000.0


async def test_hook_remember(tmp_path: Path) -> None:
    one, two = Notes(), Notes()
    async with chatting(tmp_path, plugins={"one": one, "two": two, "talks": Talks("here")}) as chat:
        await chat.says("hi")
        await chat.hears("I am here")
        await until(lambda: two.remembered)
        assert [reply.text for reply in one.remembered] == ["I am here"]
        assert one.remembered == await chat.replies()


async def test_hook_feedback(tmp_path: Path) -> None:
    notes = Notes()
    async with chatting(tmp_path, plugins={"notes": notes, "talks": Talks("here")}) as chat:
        await chat.says("hi")
        await chat.hears("I am here")
        (reply,) = await chat.replies()
        await chat.judges(reply.id, 1, comment="nice")
        await until(lambda: notes.judged)
        assert [(one.reply, one.value, one.comment) for one in notes.judged] == [(reply.id, 1, "nice")]


# ------------------------------------------------------------------ forget


class Diary:
    """Keeps what people say, by channel and person."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = False

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        self.kept[turn.conversation.channel, turn.message.person.id] = turn.message.text

    @hookimpl
    async def forget(self, bot: Bot, forgotten: Forgotten) -> None:
        if self.broken:
            raise OSError("the diary is locked")
        self.kept.pop((forgotten.channel, forgotten.person), None)


async def test_hook_forget(tmp_path: Path) -> None:
    diary, other = Diary(), Diary()
    async with chatting(tmp_path, plugins={"diary": diary, "other": other, "talks": Talks("here")}) as chat:
        await chat.says("my secret")
        await chat.hears("I am here")
        await until(lambda: other.kept)
        assert await chat.bot.forget_person("loopback", "ana") == []
        assert (diary.kept, other.kept) == ({}, {})
        assert await chat.replies() == []


async def test_a_plugin_that_could_not_forget_is_asked_again_at_the_next_start(tmp_path: Path) -> None:
    diary, other = Diary(), Diary()
    diary.broken = True
    plugins: dict[str, Any] = {"diary": diary, "other": other, "talks": Talks("here")}
    async with chatting(tmp_path, plugins=plugins) as chat:
        await chat.says("my secret")
        await chat.hears("I am here")
        await until(lambda: other.kept)
        assert await chat.bot.forget_person("loopback", "ana") == ["diary"]
        assert (len(diary.kept), other.kept) == (1, {})
    diary.broken = False
    async with chatting(tmp_path, plugins=plugins) as chat:
        await until(lambda: not diary.kept)
        while await chat.bot.database.forgotten():
            await chat.bot.database.check()


async def test_a_conversation_that_is_deleted_is_told_of_too(tmp_path: Path) -> None:
    heard = list[Forgotten]()

    class Listens:
        @hookimpl
        async def forget(self, bot: Bot, forgotten: Forgotten) -> None:
            heard.append(forgotten)

    async with chatting(tmp_path, plugins={"listens": Listens(), "talks": Talks("here")}) as chat:
        await chat.says("hi")
        await chat.hears("I am here")
        await chat.bot.forget(chat.conversation)
        assert heard == [Forgotten(channel="loopback", conversation=chat.conversation)]
