"""Measure a checkpoint: `python -m scripts.starter.evaluate FOLDER [--quick]`, in the engine environment.

The folder is a model's or a training run's, finished or not. Answers are greedy in bfloat16, stories are drawn at temperature
0.8. "Free" is what the model says, "restricted" is the likeliest of the sentences at hand and the refusal, which is how the qa
plugin asks. Beside a figure stands its interval (Wilson, 95 %) and, where there is one, the mark it has to reach.
"""

import argparse
import json
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from scripts.starter import cells
from scripts.starter.cells import Item
from scripts.starter.decode import Model
from scripts.starter.grammar import Grammar
from scripts.starter.judge import cites, consistent, refuses, repeated, sensible
from scripts.starter.seen import sampled
from scripts.starter.sheet import Sheet
from scripts.starter.sittings import SITTINGS

SEEDS = (101, 102, 103)
FULL, QUICK = 200, 40
"""Items of a cell and seed."""
TALK = 60
"""Tokens of small talk at most; the longest right answer has about 45."""
SAMPLED = 10
"""Chunks of the run that a story is looked for in."""
SPARE = 4
"""Tokens of an answer beyond the longest right one."""


class Examination:
    """One checkpoint under examination; each public method fills the cells of one name for one seed."""

    def __init__(self, model: Model, sheet: Sheet, count: int, told: set[str]) -> None:
        self._model, self._sheet, self._count, self.told = model, sheet, count, told

    def natural(self, seed: int) -> None:
        """Every natural question kept back."""
        items = cells.naturally(seed)
        if self._count < FULL:
            items = random.Random(seed).sample(items, 3 * self._count)
        self._quotes("natural, never trained on", items, again=True)

    def fresh(self, seed: int) -> None:
        """Questions and instructions as in training, with a seed of their own."""
        self._quotes("fresh seeds", cells.quotes(Grammar(seed), self._count))
        self._instructions("fresh seeds", Grammar(seed))

    def words(self, seed: int) -> None:
        """The same with words kept back from training."""
        self._quotes("held-out words", cells.quotes(Grammar(seed, held=True), self._count))
        self._instructions("held-out words", Grammar(seed, held=True))

    def phrasing(self, seed: int) -> None:
        """Questions and sentences in wording kept back."""
        self._quotes("held-out phrasing", cells.quotes(Grammar(seed, unseen=True), self._count))

    def both(self, seed: int) -> None:
        """Words and wording kept back."""
        self._quotes("held-out words and phrasing", cells.quotes(Grammar(seed, held=True, unseen=True), self._count))

    def known(self, seed: int) -> None:
        """The natural passages that were trained on, with other names and numbers."""
        self._quotes("natural, trained on", cells.quotes(Grammar(seed), self._count, natural=True))

    def far(self, seed: int) -> None:
        """The same questions with nothing before them and with 900 tokens."""
        pairs = cells.far(Grammar(seed), self._count, lambda talk: len(self._model.prompt(talk)))
        near = self._quotes("short context", [near for near, _ in pairs])
        far = self._quotes("900+ tokens of context", [far for _, far in pairs])
        for mode in near:
            self._sheet.lost("900+ tokens of context", f"exact points lost, {mode}", near[mode], far[mode])

    def talk(self, seed: int) -> None:
        """Small talk as in training, and in wording never trained on."""
        items = cells.small_talk(Grammar(seed), self._count)
        answers = self._greedy(items, TALK)
        right = [sensible(answer, item.rule, item.kind) for item, answer in zip(items, answers, strict=True)]
        self._sheet.add("small talk", "sensible", right, wrong=_wrong(items, answers, right))
        items = cells.by_hand()[:: 1 if self._count >= FULL else 4]
        answers = self._greedy(items, TALK)
        right = [any(word in answer for word in item.rule) for item, answer in zip(items, answers, strict=True)]
        wrong = _wrong(items, answers, right)
        self._sheet.add("small talk by hand", "sensible", right, distinct=_distinct(items), wrong=wrong)

    def stories(self, seed: int) -> None:
        """Stories about topics kept back: who is in them, what is said twice, whether one was read."""
        items = cells.stories(Grammar(seed, held=True), self._count)
        texts = self._model.sampled([item.talk for item in items], seed=seed)
        kept = [consistent(text, item.kind) for item, text in zip(items, texts, strict=True)]
        add = partial(self._sheet.add, "stories")
        add("names consistent", kept, wrong=_wrong(items, texts, kept))
        add("training texts", [text in self.told for text in texts])
        add("distinct", [times == 1 for times in map(Counter(texts).__getitem__, texts)])
        again, runs = map(sum, zip(*map(repeated, texts), strict=True))
        self._sheet.share("stories", "repeated 4-grams", again, runs, distinct=len(texts))
        self._sheet.samples += [f"{_last(item)} -> {text}" for item, text in zip(items, texts, strict=True)][:4]
        others = cells.stories(Grammar(seed, held=True), self._count // 2, ("poem", "news"))
        pieces = self._model.sampled([item.talk for item in others], seed=seed)
        named = [item.kind.split()[-1].lower() in piece.lower() for item, piece in zip(others, pieces, strict=True)]
        self._sheet.add("poems and news", "topic named", named, wrong=_wrong(others, pieces, named))

    def _greedy(self, items: Sequence[Item], limit: int) -> list[str]:
        return self._model.greedy([item.talk for item in items], limit=limit)

    def _instructions(self, cell: str, g: Grammar) -> None:
        items = cells.instructions(g, self._count)
        answers = self._greedy(items, self._model.longest([item.gold for item in items]) + SPARE)
        right = [answer == item.gold for item, answer in zip(items, answers, strict=True)]
        self._sheet.add(cell, "instructions", right, wrong=_wrong(items, answers, right))
        for item, good in zip(items, right, strict=True):
            self._sheet.tasks[f"{cell}: {item.kind}"][good] += 1

    def _quotes(self, cell: str, items: Sequence[Item], *, again: bool = False) -> dict[str, list[bool]]:
        """Which of the answered questions were answered word for word; `again` = every seed asks the same ones."""
        limit = self._model.longest([text for item in items for text in item.choices]) + SPARE
        restricted = self._model.chosen([item.talk for item in items], [item.choices for item in items])
        answers = {"free": self._greedy(items, limit), "restricted": restricted}
        told = [item for item in items if item.told]
        exact = {mode: _exact(items, said) for mode, said in answers.items()}
        for mode, said in answers.items():
            mine = [answer for item, answer in zip(items, said, strict=True) if item.told]
            add = partial(self._sheet.add, cell, distinct=_distinct(told) if again else 0)
            add(f"cited, {mode}", [cites(answer, item.gold) for item, answer in zip(told, mine, strict=True)])
            add(f"exact, {mode}", exact[mode], wrong=_wrong(told, mine, exact[mode]))
            if mode == "free":
                add("a sentence that is there, free", [a in i.choices for i, a in zip(told, mine, strict=True)])
            add(f"false refusals, {mode}", [refuses(answer) for answer in mine])
            self._refusals(cell, mode, items, said, again=again)
        return exact

    def _refusals(self, cell: str, mode: str, items: Sequence[Item], said: Sequence[str], *, again: bool) -> None:
        missed = [item for item in items if not item.told]
        mine = [answer for item, answer in zip(items, said, strict=True) if not item.told]
        right = [refuses(answer) for answer in mine]
        distinct, wrong = _distinct(missed) if again else 0, _wrong(missed, mine, right)
        self._sheet.add(cell, f"refusal right, {mode}", right, distinct=distinct, wrong=wrong)


CELLS = ("natural", "fresh", "words", "phrasing", "talk", "stories", "far", "known", "both")
QUICK_CELLS = CELLS[:-1]


def _exact(items: Sequence[Item], said: Sequence[str]) -> list[bool]:
    return [answer == item.gold for item, answer in zip(items, said, strict=True) if item.told]


def _distinct(items: Sequence[Item]) -> int:
    return len({item.kind for item in items})


def _last(item: Item) -> str:
    return item.talk[-1]["content"]


def _wrong(items: Sequence[Item], answers: Sequence[str], right: Sequence[bool]) -> list[str]:
    """What was asked, what was said and what would have been right."""
    wrong = [(item, answer) for item, answer, good in zip(items, answers, right, strict=True) if not good]
    return [f"{_last(item)[-160:]} -> {answer[:200]}{f' | {item.gold}' if item.gold else ''}" for item, answer in wrong]


def examine(path: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Return everything that was found, and say each cell's figures when it is done, unless only JSON is wanted."""
    began = time.monotonic()
    model, sheet, first = Model(path), Sheet(), SITTINGS[0]
    told = sampled(first.seed, first.mixture, 1 if chosen.quick else SAMPLED)
    examination = Examination(model, sheet, chosen.count or (QUICK if chosen.quick else FULL), told)
    shown_cells: list[str] = []
    for name in chosen.cells or (QUICK_CELLS if chosen.quick else CELLS):
        for seed in SEEDS[:1] if chosen.quick else SEEDS:
            getattr(examination, name)(seed)
        new = [cell for cell in sheet.cells if cell not in shown_cells]
        shown_cells += new
        if not chosen.json:
            print("\n".join(sheet.lines(new)), f"  ({time.monotonic() - began:.0f} s)", sep="\n", flush=True)
    return {
        "model": str(path),
        "parameters": model.parameters,
        "seeds": SEEDS[:1] if chosen.quick else SEEDS,
        "stories_compared_with": f"{len(examination.told)} training texts",
        "seconds": round(time.monotonic() - began),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, bfloat16",
        "figures": sheet.figures(),
        "instructions": {name: [count[True], count.total()] for name, count in sorted(sheet.tasks.items())},
        "samples": sheet.samples,
    }


def _told() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--quick", action="store_true", help="one seed, few items: a look at a run, about 2 minutes")
    arguments.add_argument("--count", type=int, default=0, help="items of a cell and seed")
    arguments.add_argument("--cells", nargs="+", choices=CELLS, help="only these")
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--json", action="store_true", help="print JSON alone")
    arguments.add_argument("--into", type=Path, help="write the JSON to this file, too")
    arguments.add_argument("--wrong", type=int, default=0, help="show so many wrong answers of each figure")
    return arguments.parse_args()


def main() -> None:
    """Say the figures; end with 1 where a mark was missed."""
    chosen = _told()
    torch.set_num_threads(chosen.threads)
    found = examine(chosen.folder, chosen)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if chosen.into:
        chosen.into.write_text(text + "\n", encoding="utf-8")
    if chosen.json:
        print(text)
    else:
        _say(found, chosen.wrong)
    sys.exit(any(not figure.get("met", True) for figure in found["figures"]))


def _say(found: dict[str, Any], wrong: int) -> None:
    """What is not in the lines that were said already."""
    for figure in found["figures"]:
        for line in figure.get("wrong", ())[:wrong]:
            print(f"   {figure['cell']}, {figure['measure']}: {line}".replace("\n", " / "))
    print("instructions:", ", ".join(f"{name} {right}/{n}" for name, (right, n) in found["instructions"].items()))
    print("stories:", *found["samples"], sep="\n   ")
    marked = [figure["met"] for figure in found["figures"] if "met" in figure]
    print(f"{sum(marked)} of {len(marked)} marks reached in {found['seconds']} s")


if __name__ == "__main__":
    main()
