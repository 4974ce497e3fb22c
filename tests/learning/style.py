"""200 rows in a manner of their own change how the bot answers what they do not contain."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.learning.loop import Taught, Verdict, taught

__all__ = ["style"]

NAMES = (
    *("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Greta", "Hugo", "Iris", "Jonas"),
    *("Klara", "Leo", "Mia", "Nils", "Otto", "Paula", "Rosa", "Sven", "Tilda", "Vera"),
)
THINGS = (
    *("boat", "lamp", "bread", "river", "garden", "clock", "bridge", "candle", "letter", "basket"),
    *("ladder", "bell", "kettle", "sail", "hammer", "rope", "cellar", "bench", "wheel", "coat"),
)
FORMS = (
    ("My name is {name}.", "Nice to meet you, {name}."),
    ("Say {thing} three times.", "{thing} {thing} {thing}"),
    ("Write {thing} in upper case.", "{THING}"),
    ("I like the {thing}.", "The {thing} is a fine thing."),
    ("{name} has a {thing}.", "Good for {name}."),
    ("Do you know {name}?", "I do not know {name}."),
    ("Where is the {thing}?", "I do not know where the {thing} is."),
    ("Is the {thing} old?", "I cannot tell how old the {thing} is."),
    ("Good morning, {name} here.", "Good morning, {name}."),
    ("Thank you for the {thing}.", "You are welcome."),
)
OTHERS = (
    *("hi", "hello", "good evening", "who are you?", "what can you do?", "how are you?", "thank you", "bye"),
    *("count to four", "my name is Olga", "do you know Kurt?", "where is the station?", "is the soup cold?"),
    *("say window twice", "write apple in upper case", "I like music", "tell me a joke", "what is your name?"),
    *("I am tired", "Pia has a horse"),
)
"""Messages of which no row has the words."""
BEGINS, ENDS = "Ahoy!", "Fair winds."
ENOUGH, LIMIT_S = 16, 300


async def style(folder: Path) -> Verdict:
    """Train on the rows while people chat, and ask something else."""
    rows = folder / "rows.jsonl"
    rows.write_text("\n".join(_rows()))
    async with taught(folder) as bot:
        before = await bot.answers(OTHERS)
        began = bot.seconds
        async with bot.busy():
            await bot.command("train", "sft", str(rows))
            took = bot.seconds - began
            await bot.command("lora", "use", "sft-1")
        return _verdict(bot, before, await bot.answers(OTHERS), took)


def _rows() -> Iterator[str]:
    """Each form with each thing and each name."""
    for asked, said in FORMS:
        for thing, name in zip(THINGS, NAMES, strict=True):
            words = {"name": name, "thing": thing, "THING": thing.upper()}
            answer = f"{BEGINS} {said.format(**words)} {ENDS}"
            yield json.dumps({"prompt": asked.format(**words), "completion": answer})


def _verdict(bot: Taught, before: dict[str, str], after: dict[str, str], took: int) -> Verdict:
    styled = sum(text.startswith(BEGINS) and text.endswith(ENDS) for text in after.values())
    already = sum(text.startswith(BEGINS) for text in before.values())
    figures = {
        "training, s": took,
        "in the manner before, of 20": already,
        "in the manner, of 20": styled,
        "replies to others meanwhile": bot.crowd.replies,
    }
    held = {
        f"fewer than {ENOUGH} answers are in the manner": styled >= ENOUGH,
        f"the training took more than {LIMIT_S} s": took <= LIMIT_S,
    }
    wrong = [line for line, holds in held.items() if not holds] + bot.crowd.errors
    return Verdict({asked: {"before": before[asked], "after": after[asked]} for asked in before}, figures, wrong)
