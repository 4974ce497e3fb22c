"""Judging a reply by what is written in the chat, on every channel."""

from pathlib import Path
from typing import Any

import pytest

from botcore.testing import Chat, chatting
from botcore_finetune import Example, examples
from tests.plugins.conftest import HANDBOOK


@pytest.fixture
def chat_settings() -> dict[str, object]:
    return {"plugins": {"memory": {}, "finetune": {}, "textgen": {}}}


async def kept(chat: Chat) -> list[Example]:
    return await chat.bot.database.read(lambda connection: examples.newest(connection, 100))


async def asks(chat: Chat, text: str, answer: str, **more: Any) -> None:
    chat.engine.say(answer)
    await chat.says(text, **more)
    await chat.hears(answer)


async def test_good_judges_the_newest_reply(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    await asks(chat, "two", "Second answer.")
    await chat.says("/good that helped")
    await chat.hears("I keep that reply as good. Training does not use it; /feedback yes allows it.")
    (one,) = await kept(chat)
    assert (one.reply, one.verdict, one.comment) == ("Second answer.", 1, "that helped")


async def test_bad_judges_the_reply_that_is_quoted(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    quoted = (await chat.replies())[-1].id
    await asks(chat, "two", "Second answer.")
    await chat.says("/bad", about=quoted)
    await chat.hears("as bad")
    assert [(one.reply, one.verdict) for one in await kept(chat)] == [("First answer.", -1)]


@pytest.mark.parametrize(
    ("why", "reasons", "comment"),
    [
        ("wrong", ("wrong",), ""),
        ("Missed the question.", ("ignored",), ""),
        ("it is not that far", (), "it is not that far"),
        ("", (), ""),
    ],
)
async def test_bad_takes_one_of_the_reasons_or_any_words(
    chat: Chat, why: str, reasons: tuple[str, ...], comment: str
) -> None:
    await asks(chat, "one", "First answer.")
    await chat.says(f"/bad {why}")
    await chat.hears("as bad")
    assert [(one.reasons, one.comment) for one in await kept(chat)] == [(reasons, comment)]


async def test_correct_keeps_what_should_have_been_said(chat: Chat) -> None:
    await asks(chat, "When does it open?", "At ten.")
    await chat.says("/correct It opens\nat nine.")
    await chat.hears("as corrected")
    assert [(one.verdict, one.correction) for one in await kept(chat)] == [(-1, "It opens\nat nine.")]


async def test_correct_without_a_text_asks_for_one(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    await chat.says("/correct")
    await chat.hears("Write what I should have said")
    assert await kept(chat) == []


@pytest.mark.parametrize("command", ["/good", "/bad wrong", "/correct Nine.", "/feedback undo"])
async def test_where_nothing_was_answered_there_is_nothing_to_judge(chat: Chat, command: str) -> None:
    await chat.says(command)
    await chat.hears("There is no reply of mine here that you could judge")


async def test_a_reply_of_a_command_is_not_worth_a_verdict(chat: Chat) -> None:
    await chat.says("/help")
    await chat.hears("/good")
    quoted = (await chat.replies())[-1].id
    await chat.says("/good", about=quoted)
    await chat.hears("I keep no verdict on that message")
    assert await kept(chat) == []


async def test_undo_takes_the_verdict_back(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    await chat.says("/bad wrong")
    await chat.hears("as bad")
    await chat.says("/feedback undo")
    await chat.hears("I keep no verdict of yours on that reply")
    assert await kept(chat) == []


async def test_a_quotation_is_kept_for_reports_and_says_so(tmp_path: Path) -> None:
    tables = {"plugins": {"qa": {"sources": [str(HANDBOOK)]}, "finetune": {}, "textgen": {}}}
    async with chatting(tmp_path, settings=tables) as chat:
        plugin: Any = chat.bot.loaded.plugins["qa"]
        await plugin.sources_read.wait()
        await chat.says("Where can I park my car?")
        await chat.hears("car park")
        await chat.says("/good")
        await chat.hears("It quotes documents, so it counts in reports; training learns nothing from it.")
        assert [one.trainable for one in await kept(chat)] == [False]


async def test_everybody_decides_for_themselves_whether_training_may_use_it(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    await chat.says("/feedback yes")
    await chat.hears("Training may use what you judged and what you will judge.")
    await chat.says("/good")
    await chat.hears("With your question and my reply, training may use it; /feedback no ends that.")
    ben = chat.with_("ben")
    await asks(ben, "two", "Second answer.")
    await ben.says("/good")
    await ben.hears("Training does not use it")
    await chat.says("/feedback no")
    await chat.hears("Training uses nothing you judged, now or later.")
    await chat.says("/feedback")
    await chat.hears("1 good, 0 bad, 0 corrected. Training does not use them; /feedback yes allows it.")


async def test_feedback_says_how_to_judge(chat: Chat) -> None:
    await chat.says("/feedback")
    told = await chat.hears("You have not judged any")
    assert "/good, /bad (with a word why: wrong, incomplete," in told


async def test_a_choice_survives_a_restart(tmp_path: Path) -> None:
    tables = {"plugins": {"finetune": {"consent": True}, "textgen": {}}}
    async with chatting(tmp_path, settings=tables) as chat:
        await asks(chat, "one", "First answer.")
        await chat.says("/feedback no")
        await chat.hears("Understood")
    async with chatting(tmp_path, settings=tables) as chat:
        await chat.says("/good", event_id="later")
        await chat.hears("Training does not use it")


async def test_verdicts_in_words_stay_out_of_the_prompt(chat: Chat) -> None:
    await asks(chat, "one", "First answer.")
    await chat.says("/good")
    await chat.hears("Thank you")
    await asks(chat, "two", "Second answer.")
    assert [line.content for line in chat.engine.prompts[-1].messages[1:]] == ["one", "First answer.", "two"]
