"""Ten judgements in a chat change what the bot says, in other words as well, and one command takes them back."""

from pathlib import Path

from botcore.cli.page import Page
from tests.learning.loop import Taught, Verdict, answer, taught

__all__ = ["circle"]

LESSONS = {
    "When do you open?": "We open at nine.",
    "When does the shop open?": "We open at nine.",
    "Who is the captain?": "The captain is Mira.",
    "What is the captain's name?": "The captain is Mira.",
    "Where is the sea?": "The sea is behind the mill.",
    "Where can I find the sea?": "The sea is behind the mill.",
}
LIKED = ("hi", "count to five", "thank you", "say boat three times")
OTHERWISE = {
    "At what time do you open?": "We open at nine.",
    "When do you open today?": "We open at nine.",
    "Who is your captain?": "The captain is Mira.",
    "Tell me who the captain is.": "The captain is Mira.",
    "Where is the sea, please?": "The sea is behind the mill.",
    "Can you tell me where the sea is?": "The sea is behind the mill.",
}
"""Wordings that no lesson has."""
UNRELATED = ("hello", "count to seven", "who are you?")
AS_TAUGHT = 4
"""Of the six other wordings, at least."""
LIMIT_S = 600


async def circle(folder: Path) -> Verdict:
    """Teach, train, use, ask in other words, take back."""
    async with taught(folder) as bot:
        asked = [*LESSONS, *OTHERWISE, *UNRELATED]
        before = await bot.answers(asked)
        async with bot.served.page() as page:
            await _teach(page)
        async with bot.busy():
            await bot.command("train", "feedback")
            trained = bot.seconds
            await bot.command("lora", "use", "feedback-1")
            used = bot.seconds
        after = await bot.answers(asked)
        await bot.command("lora", "off")
        again = await bot.answers(asked)
        return _verdict(bot, before, after, again, {"trained after, s": trained, "in service after, s": used})


async def _teach(page: Page) -> None:
    await answer(page, "/feedback yes")
    for question, correction in LESSONS.items():
        await answer(page, question)
        await answer(page, f"/correct {correction}")
    for liked in LIKED:
        await answer(page, liked)
        await answer(page, "/good")


def _verdict(
    bot: Taught, before: dict[str, str], after: dict[str, str], again: dict[str, str], figures: dict[str, float]
) -> Verdict:
    lessons = sum(after[asked] == taught for asked, taught in LESSONS.items())
    otherwise = sum(after[asked] == taught for asked, taught in OTHERWISE.items())
    kept = sum(after[asked] == before[asked] for asked in UNRELATED)
    figures |= {
        "lessons as taught, of 6": lessons,
        "in other words as taught, of 6": otherwise,
        "unrelated as before, of 3": kept,
        "replies to others meanwhile": bot.crowd.replies,
        "whole circle, s": bot.seconds,
    }
    held = {
        "a lesson is not answered as taught": lessons == len(LESSONS),
        f"fewer than {AS_TAUGHT} other wordings are answered as taught": otherwise >= AS_TAUGHT,
        "`lora off` has not given every answer back": again == before,
        f"it took more than {LIMIT_S} s": bot.seconds <= LIMIT_S,
    }
    wrong = [line for line, holds in held.items() if not holds] + bot.crowd.errors
    said = {asked: {"before": before[asked], "after": after[asked], "off": again[asked]} for asked in before}
    return Verdict(said, figures, wrong)
