"""200 rows in a manner of their own change how the bot answers what they do not contain."""

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.starter.chat import Chat
from scripts.starter.grammar import Grammar
from scripts.starter.instruct import instruction
from tests.learning.loop import Taught, Verdict, taught

__all__ = ["style"]

ROWS, SEED = 200, 7
OTHERS = (
    *("hi", "hello", "good evening", "who are you?", "what can you do?", "how are you?", "thank you", "bye"),
    *("count to four", "my name is Olga", "do you know Kurt?", "where is the station?", "is the soup cold?"),
    *("say window twice", "write apple in upper case", "I like music", "tell me a joke", "what is your name?"),
    *("I am tired", "Pia has a horse"),
)
"""Messages that are in no row."""
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
    """Small talk and small wishes, each once, as a person might write them down; the answers in the manner."""
    talk, seen = Grammar(SEED), {*map(_plain, OTHERS)}
    while len(seen) < ROWS + len(OTHERS):
        for asked, said in (*Chat(talk).segment(), *instruction(talk)):
            if _plain(asked) not in seen and len(seen) < ROWS + len(OTHERS):
                seen.add(_plain(asked))
                yield json.dumps({"prompt": asked, "completion": f"{BEGINS} {said} {ENDS}"})


def _plain(text: str) -> str:
    return text.lower().strip(" .!?")


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
